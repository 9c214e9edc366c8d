package storetest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// A recorder is a test that may fail without failing the one it is in.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

// fails runs a check and returns what it complained about; "" if nothing.
func fails(t testing.TB, run func(testing.TB)) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatal ends the goroutine that it is called on
		defer close(done)
		run(r)
	}()
	<-done
	if len(r.failures) == 0 {
		return ""
	}
	return r.failures[0]
}

func (r *recorder) Helper()             {}
func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprint(args...))
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }
func (r *recorder) Fail()                             { r.Error("failed") }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Fatal(args ...any)                 { r.Error(args...); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

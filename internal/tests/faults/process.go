package faults

import (
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// brief and long are how long a server is paused: shorter than the time limit
// of a call to a store, which is 3 seconds unless set, and longer.
const (
	brief = 400 * time.Millisecond
	long  = 3200 * time.Millisecond
)

// processes lists what befalls the process of any server. loss is what it
// forgets when it is killed.
func processes(name string, s servers.Killable, loss Loss) []Fault {
	var paused time.Time
	return []Fault{
		state(name+" is killed", loss, s.Kill, s.Restart),
		state(name+" is killed and restarted at once", loss, s.Restart, nil),
		state(name+" is paused for a moment", Nothing, func(t testing.TB) {
			s.Stop(t)
			time.Sleep(brief) // the fault itself
			s.Cont(t)
		}, s.Cont),
		state(name+" is paused for longer than the time limit", Nothing, func(t testing.TB) {
			s.Stop(t)
			paused = time.Now()
		}, func(t testing.TB) {
			time.Sleep(time.Until(paused.Add(long))) // the fault itself
			s.Cont(t)
		}),
	}
}

// state is a fault that has happened or not: Mend has no effect unless Inject
// was called, and none the second time.
func state(name string, loss Loss, inject, mend func(testing.TB)) Fault {
	happened := false
	return Fault{
		Name: name, Loss: loss,
		Inject: func(t testing.TB) {
			t.Helper()
			happened = true
			inject(t)
		},
		Mend: func(t testing.TB) {
			t.Helper()
			if happened && mend != nil {
				mend(t)
			}
			happened = false
		},
	}
}

// limit bounds how long a fault may take to happen or to be mended.
const limit = time.Minute

// until asks again and again until something is so.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("faults: in vain: %s", what)
		}
	}
}

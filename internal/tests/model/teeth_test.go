package model_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/seshat-go/seshat/core/session"
)

// A record of what a test complained about, without failing the one it is in.
type complaints struct {
	testing.TB
	mu  sync.Mutex
	all []string
}

// complains runs a check and returns the first thing it complained about; "" if
// there is none.
func complains(t testing.TB, run func(*complaints)) string {
	c := &complaints{TB: t}
	done := make(chan struct{})
	go func() { // Fatal ends the goroutine that it is called on
		defer close(done)
		run(c)
	}()
	<-done
	if len(c.all) == 0 {
		return ""
	}
	return c.all[0]
}

func (c *complaints) Helper()             {}
func (c *complaints) Log(...any)          {}
func (c *complaints) Logf(string, ...any) {}

func (c *complaints) Failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all) > 0
}

func (c *complaints) Error(args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Sprint(args...))
}

func (c *complaints) Errorf(format string, args ...any) { c.Error(fmt.Sprintf(format, args...)) }
func (c *complaints) Fail()                             { c.Error("failed") }
func (c *complaints) FailNow()                          { c.Fail(); runtime.Goexit() }
func (c *complaints) Fatal(args ...any)                 { c.Error(args...); runtime.Goexit() }
func (c *complaints) Fatalf(format string, args ...any) { c.Errorf(format, args...); runtime.Goexit() }

// firstLine is enough to see what was noticed.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

// noticed has a machine run on something broken, and fails the test if it does
// not complain.
func noticed(t *testing.T, checks int, run func(*rapid.T)) {
	t.Helper()
	said := complains(t, func(c *complaints) {
		machines(c, checks, 60, 0, run)
	})
	if said == "" {
		t.Fatalf("not noticed in %d runs", checks*times)
	}
	t.Log(firstLine(said))
}

func TestTheStoreMachineNoticesBrokenStores(t *testing.T) {
	leaksNothing(t)
	for _, wrong := range storeFaults {
		if wrong == updateLooksFirst || wrong == touchRestores {
			continue // right, if nothing comes between: for the concurrent machine
		}
		t.Run(string(wrong), func(t *testing.T) {
			noticed(t, 1000, func(t *rapid.T) { t.Repeat(newStoreMachine(t, place{truth: newBrokenStore(wrong)}).actions()) })
		})
	}
}

func TestTheCacheMachineNoticesBrokenCaches(t *testing.T) {
	leaksNothing(t)
	for _, wrong := range cacheFaults {
		t.Run(string(wrong), func(t *testing.T) {
			noticed(t, 1000, func(t *rapid.T) { t.Repeat(newCacheMachine(brokenCache{newMemory(), wrong}).actions()) })
		})
	}
}

func TestTheSessionMachineNoticesBrokenStores(t *testing.T) {
	leaksNothing(t)
	for _, wrong := range storeFaults {
		switch wrong {
		case createOverwrites, deleteIsBlind, updateLooksFirst, touchRestores:
			continue // an engine does not notice while nothing comes between its steps
		}
		t.Run(string(wrong), func(t *testing.T) {
			noticed(t, 2000, func(t *rapid.T) { t.Repeat(newSessionMachine(t, place{truth: newBrokenStore(wrong)}).actions()) })
		})
	}
	for _, wrong := range []cacheFault{replaceIsLost, removeIsLost} {
		t.Run(string(wrong), func(t *testing.T) {
			noticed(t, 2000, func(t *rapid.T) {
				t.Repeat(newSessionMachine(t, place{newMemory(), brokenCache{newMemory(), wrong}}).actions())
			})
		})
	}
}

func TestHistoriesOnBrokenStoresAreNotLinearizable(t *testing.T) {
	leaksNothing(t)
	caught := func(t *testing.T, e engine, s setting) {
		open := e.open(t)
		for run := range uint64(4 * runs * times) { // as many as on a sound cached_db
			if v := try(t, open(), s, run); v.wrong != "" {
				t.Logf("in run %d: %s", run+1, firstLine(v.wrong))
				return
			}
		}
		t.Fatal("not noticed")
	}
	for _, wrong := range storeFaults {
		if wrong == createOverwrites || wrong == listForgets {
			continue // tokens are never the same; and a revocation lists until nothing is left
		}
		t.Run(string(wrong), func(t *testing.T) {
			e := on("memory", 1, func(*testing.T) func() session.Store {
				return func() session.Store { return newBrokenStore(wrong) }
			})
			caught(t, e, e.settings()[0])
		})
	}
	for _, wrong := range cacheFaults {
		if wrong == raiseIsBlind || wrong == refreshIsBlind {
			continue // they take hold of entries that are old, and runs are short
		}
		t.Run(string(wrong), func(t *testing.T) {
			e := engine{"cached_db(memory, memory)", 1, func(*testing.T) func() place {
				return func() place { return place{newMemory(), brokenCache{newMemory(), wrong}} }
			}}
			caught(t, e, e.settings()[0])
		})
	}
}

package storetest

import (
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// A fault is a way to break a store, and the check that must notice. Others
// may notice it too.
type fault struct {
	name   string
	caught string // topic/check
	how    func(b *broken)
}

func TestTheSuiteCatchesBrokenStores(t *testing.T) {
	toothless := map[string]bool{}
	checks := map[string]check{}
	for _, topic := range storeTopics {
		for _, c := range topic.checks {
			toothless[topic.name+"/"+c.name] = true
			checks[topic.name+"/"+c.name] = c
		}
	}
	var faults []fault
	for _, f := range [][]fault{createFaults, updateFaults, touchFaults, deleteFaults, recordFaults, keyFaults, contextFaults, raceFaults, listFaults, purgeFaults, scanFaults} {
		faults = append(faults, f...)
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			c, ok := checks[f.caught]
			if !ok {
				t.Fatalf("there is no check %q", f.caught)
			}
			open := func() session.Store { return newBroken(f.how) }
			if strings.HasPrefix(f.caught, "Apart/") {
				one := open() // that is the fault
				open = func() session.Store { return one }
			}
			said := fails(t, func(r testing.TB) { c.run(newSubject(r, open)) })
			if said == "" {
				t.Fatalf("%q did not notice", f.caught)
			}
			t.Logf("%s: %s", f.caught, said)
			delete(toothless, f.caught)
		})
	}
	if t.Failed() {
		return
	}
	for name := range toothless {
		t.Errorf("no fault is caught by %q", name)
	}
}

func TestTheSuiteAcceptsAWrapperThatBreaksNothing(t *testing.T) {
	Run(t, func(*testing.T) session.Store { return newBroken(func(*broken) {}) })
}

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

// killed lists what befalls the process of any server. loss is what it forgets
// when it is killed.
func processes(name string, s servers.Killable, loss Loss) []Fault {
	var since time.Time
	return []Fault{
		{
			Name: name + " is killed", Loss: loss,
			Inject: s.Kill,
			Mend:   s.Restart,
		},
		{
			Name: name + " is killed and restarted at once", Loss: loss,
			Inject: func(t testing.TB) { s.Kill(t); s.Restart(t) },
			Mend:   func(testing.TB) {},
		},
		{
			Name: name + " is paused for a moment",
			Inject: func(t testing.TB) {
				s.Stop(t)
				time.Sleep(brief) // the fault itself
				s.Cont(t)
			},
			Mend: s.Cont,
		},
		{
			Name:   name + " is paused for longer than the time limit",
			Inject: func(t testing.TB) { s.Stop(t); since = time.Now() },
			Mend: func(t testing.TB) {
				time.Sleep(time.Until(since.Add(long))) // the fault itself
				s.Cont(t)
			},
		},
	}
}

package soak

import (
	"syscall"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/faults"
)

// faults are what happens to the shops themselves.
func (f *fleet) faults() []faults.Fault {
	victim := 0 // takes turns
	next := func() int {
		victim++
		return victim % len(f.apps)
	}
	var struck []func(testing.TB)
	mend := func(t testing.TB) {
		for _, m := range struck {
			m(t)
		}
		struck = nil
	}
	return []faults.Fault{
		{
			Name: "a shop is killed",
			Inject: func(testing.TB) {
				place := next()
				p := f.shop(place)
				p.Signal(syscall.SIGKILL)
				<-p.Ended()
				struck = append(struck, func(testing.TB) { f.start(place) })
			},
			Mend: mend,
		},
		{
			Name: "a shop is paused",
			Inject: func(testing.TB) {
				p := f.shop(next())
				p.Signal(syscall.SIGSTOP)
				struck = append(struck, func(testing.TB) { p.Signal(syscall.SIGCONT) })
			},
			Mend: mend,
		},
		{
			Name: "the shops are replaced one after the other",
			Inject: func(t testing.TB) {
				for place := range f.apps {
					f.replace(t, place)
				}
			},
			Mend: mend,
		},
	}
}

// replace starts a new process, and then ends the old one as a service manager
// does.
func (f *fleet) replace(t testing.TB, place int) {
	t.Helper()
	before := f.start(place)
	before.Signal(syscall.SIGTERM)
	<-before.Ended()
	if err := before.Failure(); err != nil {
		t.Errorf("%s ended with %v\n%s", f.apps[place].Name, err, lastLines(before))
	}
}

// running tells which of the processes are, and were not replaced.
func (f *fleet) running() (all []*examples.Process) {
	for place := range f.apps {
		p := f.shop(place)
		select {
		case <-p.Ended():
		default:
			all = append(all, p)
		}
	}
	return all
}

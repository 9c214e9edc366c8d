package soak

import (
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

var everyFault = flag.Bool("every", false, "TestEveryFault: the whole catalogue of faults, not one of each kind")

// kinds are parts of the names of faults, one for each kind that there is. The
// whole catalogue is what TestSoak draws from.
var kinds = []string{
	" is killed", "is paused for longer than the time limit", "all connections to", "every third reply of",
	"one process is cut off from", "replies of", "writes for a long time",
	"Redis is flushed", "Redis is full and", "older snapshot",
	"the master is killed", "the master is silent", "the master is flushed", "a master is killed", "most masters are paused", "a master is flushed",
	"a shop is paused", "the shops are replaced",
}

// TestEveryFault strikes a site of each setup with each fault, one after the
// other, under steady load.
func TestEveryFault(t *testing.T) {
	apps := build(t)
	const browsers = 15
	onEach(t, setups, func(t *testing.T, n int, s setup) {
		r := s.start(t, apps).run(browsers, 1000*n, uint64(time.Now().UnixNano()))
		defer r.load.end()
		seen := 0
		judge := func(t *testing.T) {
			t.Helper()
			all := r.oracle.Violations()
			if len(all) > seen {
				t.Error(list(all[seen:]))
			}
			seen = len(all)
		}
		taken := map[[2]string]bool{}
		for _, f := range r.faults {
			if !*everyFault && !first(f, taken) {
				continue
			}
			t.Run(f.Name, func(t *testing.T) {
				r.strike(t, f, shortFault)
				judge(t)
			})
		}
		r.finish(*everyFault)
		judge(t)
		t.Log("\n" + summary([]*run{r}))
	})
}

// first tells whether the fault is the first of its kind that strikes there.
func first(f fault, taken map[[2]string]bool) bool {
	i := slices.IndexFunc(kinds, func(kind string) bool { return strings.Contains(f.Name, kind) })
	if i < 0 || taken[[2]string{kinds[i], string(f.Tier)}] {
		return false
	}
	taken[[2]string{kinds[i], string(f.Tier)}] = true
	return true
}

// watch is a goroutine that servers are started with, once for all tests.
const watch = "github.com/seshat-go/seshat/internal/tests/servers.init.func1.1"

// build builds the shops, unless there are no servers for them. When the test
// has ended, nothing that it started may be running.
func build(t *testing.T) []examples.App {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if err := goleak.Find(before, goleak.IgnoreAnyFunction(watch)); err != nil {
			t.Error(err)
		}
	})
	return examples.Build(t, examples.Names...)
}

// onEach runs a test for each setup, all at once: they mostly wait.
func onEach(t *testing.T, setups []setup, f func(t *testing.T, n int, s setup)) {
	t.Helper()
	var all sync.WaitGroup
	for n, s := range setups {
		all.Go(func() { t.Run(s.name, func(t *testing.T) { f(t, n, s) }) })
	}
	all.Wait()
}

package interleave

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A Tally is what an exploration took: how many runs led to how many states,
// and how many orders of calls and faults these cover.
type Tally struct {
	Runs, States, Calls int
	Orders              float64
}

func (t *Tally) add(o Tally) {
	t.Runs += o.Runs
	t.States += o.States
	t.Calls += o.Calls
	t.Orders += o.Orders
}

func (t Tally) String() string {
	return fmt.Sprintf("%.0f orders, by %d runs to %d states, %d calls", t.Orders, t.Runs, t.States, t.Calls)
}

// sample is how many rows of a table are explored with the race detector, which
// makes them take nine times as long: more rows are more orders of the same code,
// and are left to the run without it.
const sample = 1

// Holds explores each scenario and fails where a law is broken, with the
// schedule that shows it.
func Holds(t *testing.T, e Engine, rows []Scenario) {
	t.Helper()
	if Slow && len(rows) > sample {
		t.Logf("with the race detector: %d of %d scenarios", sample, len(rows))
		rows = rows[:sample]
	}
	var sum Tally
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			broken, tally := Explore(t, e, row)
			sum.add(tally)
			t.Log(tally)
			if broken != nil {
				t.Errorf("%s, over %s:\n  %s", row.Name, e.Name, strings.Join(broken, "\n  "))
			}
		})
	}
	t.Logf("%s: %d scenarios, %v", e.Name, len(rows), sum)
}

// Large is Holds for scenarios of which one takes too long with the race detector.
func Large(t *testing.T, e Engine, rows []Scenario) {
	t.Helper()
	if Slow {
		t.Logf("%d large scenarios are left to the run without -race", len(rows))
		return
	}
	Holds(t, e, rows)
}

// Notices explores until one scenario shows that a law is broken, and fails if
// none does: it is how a test shows that the tables notice a defect.
func Notices(t *testing.T, e Engine, rows []Scenario) {
	t.Helper()
	if Slow {
		t.Logf("%d scenarios are left to the run without -race", len(rows))
		return
	}
	for _, row := range rows {
		if broken, _ := Explore(t, e, row); broken != nil {
			t.Logf("%s: noticed by %s: %s", e.Name, row.Name, broken[len(broken)-1])
			return
		}
	}
	t.Errorf("%s: none of %d scenarios notices", e.Name, len(rows))
}

// Explore runs every order of a scenario. It returns the schedule of the first
// run that breaks the law, with what it breaks, or nil.
func Explore(t *testing.T, e Engine, sc Scenario) (broken []string, tally Tally) {
	t.Helper()
	if e.Real {
		empty(t, e.Open().Truth)
		x := explorer{engine: e, scenario: &sc, seen: make(map[state]float64)}
		return x.explore(), x.tally
	}
	// One goroutine goes on at a time: to wake it on another processor is waste.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	x := explorer{engine: e, scenario: &sc, seen: make(map[state]float64)}
	synctest.Test(t, func(*testing.T) { broken = x.explore() })
	return broken, x.tally
}

// empty deletes what the runs of other scenarios left on a server: a purge would
// have as much to do as they left.
func empty(t *testing.T, store session.Store) {
	t.Helper()
	const page = 1000
	for {
		n, err := store.(session.Purger).Purge(t.Context(), time.Now().Add(2*lifetime), page)
		if err != nil {
			t.Fatal(err)
		}
		if n < page {
			return
		}
	}
}

// An explorer keeps the decisions of a run, so that the next one differs in the
// last that still has another possibility.
type explorer struct {
	engine   Engine
	scenario *Scenario
	seen     map[state]float64 // how many orders go on from there
	tiers    Tiers
	path     []decision
	tally    Tally
}

// state is a hash of all that the rest of a run depends on.
type state [16]byte

type decision struct {
	from      state
	taken, of int
	orders    float64 // by what was taken so far
}

func (x *explorer) explore() (broken []string) {
	for {
		x.tally.Runs++
		var orders float64 // that the last decision leads to
		if broken, orders = x.run(); broken != nil {
			return broken
		}
		for {
			if len(x.path) == 0 {
				x.tally.Orders = orders
				return nil
			}
			last := &x.path[len(x.path)-1]
			last.orders += orders
			if last.taken++; last.taken < last.of {
				break
			}
			orders = last.orders
			x.seen[last.from] = orders
			x.path = x.path[:len(x.path)-1]
		}
	}
}

// run makes one run: along the path as far as it goes, then by first choices,
// until everybody is done or it comes to a state that was seen.
func (x *explorer) run() (broken []string, orders float64) {
	if x.tally.Runs%1000 == 1 { // what other runs left does not matter, but must not grow
		x.tiers = x.engine.Open()
	}
	w := newWorld(x.engine, x.tiers, x.scenario)
	defer w.close()
	w.begin()
	var log []string
	for step := 0; ; step++ {
		w.settle()
		choices := w.choices()
		if len(choices) == 0 {
			break
		}
		if step == len(x.path) {
			key := fnv.New128a()
			_, _ = key.Write(w.key())
			from := state(key.Sum(nil))
			if orders, known := x.seen[from]; known {
				w.drop()
				return nil, orders
			}
			x.seen[from] = 0
			x.tally.States++
			x.path = append(x.path, decision{from: from, of: len(choices)})
		}
		d := x.path[step]
		if d.of != len(choices) {
			return append(log, fmt.Sprintf("the run differs from the one before: %d choices, then %d", d.of, len(choices))), 0
		}
		log = append(log, choices[d.taken].name)
		x.tally.Calls++
		choices[d.taken].act()
	}
	if broken := w.verdict(); len(broken) > 0 {
		return append(log, broken...), 0
	}
	return nil, 1
}

package transition_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// This file is the explorer: it runs real operations of real Stores and real
// Copies as goroutines, stops each at every call of the old or the new store, and
// runs every order in which those calls can happen, with every fault the scenario allows
// at every point. A run is repeated from the start for each order; a state that was
// seen before is not entered again.

// A verdict is how the scheduler lets a call go on.
type verdict int

const (
	pass    verdict = iota // take effect, answer
	refuse                 // no effect, an error
	lose                   // take effect, an error
	delay                  // an error now, the effect at any later moment
	die                    // no effect, and the copier does nothing any more
	dieLate                // the same, with the effect at any later moment
)

func (v verdict) String() string {
	return [...]string{"", " [refused]", " [answer lost]", " [delayed]", " [dies before it]", " [dies, and it is delayed]"}[v]
}

var errFault = errors.New("connection reset by peer")

// A gate is a call that waits to be let go.
type gate struct {
	by      *runner // nil: of a delayed call, whose caller is gone
	name    string
	what    string
	release chan verdict
	effect  func()
}

// A runner is an actor in a run.
type runner struct {
	name    string
	copies  bool // it is a copier, which may die, and whose calls may fail
	cancel  context.CancelFunc
	dead    bool
	first   func() // is called before the first call
	history strings.Builder
}

type runnerKey struct{}

// A scheduler decides one run.
type scheduler struct {
	mu             sync.Mutex
	waiting        []*gate
	running        int
	free           bool // nothing waits any more
	dropped        bool // the run is not of interest any more: all calls fail
	deaths, faults int  // left
	log            []string
}

// at stops a runner in front of a call and then makes it.
func (s *scheduler) at(ctx context.Context, what string, effect func() (string, error)) error {
	r, _ := ctx.Value(runnerKey{}).(*runner)
	s.mu.Lock()
	if r == nil || s.free || r.dead {
		fails := r != nil && (s.dropped || r.dead)
		s.mu.Unlock()
		if fails {
			return errFault
		}
		_, err := effect()
		return err
	}
	g := &gate{by: r, name: r.name, what: what, release: make(chan verdict)}
	s.waiting = append(s.waiting, g)
	s.mu.Unlock()

	v := <-g.release
	if r.first != nil {
		r.first()
		r.first = nil
	}
	result, err := "", errFault
	switch v {
	case pass:
		result, err = effect()
	case lose:
		_, _ = effect()
	case delay, dieLate:
		s.mu.Lock()
		s.waiting = append(s.waiting, &gate{name: "late " + r.name, what: what, effect: func() { _, _ = effect() }})
		s.mu.Unlock()
	}
	if v >= die {
		r.dead = true
		r.cancel()
	}
	fmt.Fprint(&r.history, what, "=", result, err, ";")
	return err
}

// settle waits until every runner is at a gate or done: some pause after a conflict.
func (s *scheduler) settle() {
	for {
		synctest.Wait()
		s.mu.Lock()
		busy := s.running
		for _, g := range s.waiting {
			if g.by != nil {
				busy--
			}
		}
		s.mu.Unlock()
		if busy == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type choice struct {
	gate *gate
	how  verdict
}

func (c choice) String() string { return c.gate.name + " " + c.gate.what + c.how.String() }

// choices lists what may happen next, in an order that is the same in every run.
func (s *scheduler) choices() []choice {
	slices.SortFunc(s.waiting, func(a, b *gate) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.what, b.what))
	})
	var cs []choice
	for _, g := range s.waiting {
		cs = append(cs, choice{g, pass})
		if g.by == nil || !g.by.copies {
			continue
		}
		if s.faults > 0 {
			cs = append(cs, choice{g, refuse}, choice{g, lose}, choice{g, delay})
		}
		if s.deaths > 0 {
			cs = append(cs, choice{g, die}, choice{g, dieLate})
		}
	}
	return cs
}

func (s *scheduler) take(c choice) {
	s.log = append(s.log, c.String())
	s.waiting = slices.DeleteFunc(s.waiting, func(o *gate) bool { return o == c.gate })
	switch {
	case c.gate.by == nil:
		c.gate.effect()
		return
	case c.how >= die:
		s.deaths--
	case c.how != pass:
		s.faults--
	}
	c.gate.release <- c.how
}

// let lets everybody go on; with drop, all their calls fail.
func (s *scheduler) let(drop bool) {
	s.mu.Lock()
	s.free, s.dropped = true, drop
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for _, g := range waiting {
		if g.by != nil {
			g.release <- refuse
		}
	}
	s.settle()
}

type state [16]byte

// explore runs every order and returns the first that breaks a law, as the
// lines of its schedule, and how many runs there were.
func explore(t *testing.T, sc *scenario) (broken []string, runs int) {
	t.Helper()
	// One goroutine goes on at a time: to wake it on another processor is waste.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	synctest.Test(t, func(*testing.T) {
		x := explorer{sc: sc, seen: make(map[state]struct{}), old: memory(), young: memory()}
		for {
			runs++
			if broken = x.run(); broken != nil {
				return
			}
			for len(x.path) > 0 && x.path[len(x.path)-1]+1 >= x.width[len(x.path)-1] {
				x.path, x.width = x.path[:len(x.path)-1], x.width[:len(x.path)-1]
			}
			if len(x.path) == 0 {
				return
			}
			x.path[len(x.path)-1]++
		}
	})
	return broken, runs
}

// run makes one run: along the path as far as it goes, then by first choices, until all
// is done or it comes to a state that was seen.
func (x *explorer) run() []string {
	w := x.world()
	s := &w.scheduler
	known := len(x.path)
	for step := 0; ; step++ {
		s.settle()
		w.watch()
		cs := s.choices()
		if len(cs) == 0 || len(w.broken) > 0 {
			break
		}
		if step == len(x.path) {
			h := fnv.New128a()
			_, _ = h.Write(w.key())
			key := state(h.Sum(nil))
			if _, ok := x.seen[key]; ok {
				s.let(true)
				return nil
			}
			x.seen[key] = struct{}{}
			x.path, x.width = append(x.path, 0), append(x.width, len(cs))
		} else if step < known && x.width[step] != len(cs) {
			return append(s.log, "the run differs from the one before")
		}
		s.take(cs[x.path[step]])
	}
	if len(w.broken) == 0 {
		w.finish()
	}
	if len(w.broken) == 0 {
		return nil
	}
	s.let(true)
	return append(s.log, w.broken...)
}

// An explorer keeps the decisions of a run, so that the next one differs in the
// last that still has another possibility.
type explorer struct {
	sc          *scenario
	seen        map[state]struct{}
	old, young  store
	path, width []int
}

package cacheddb_test

import (
	"bytes"
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

// This file is the explorer: it runs real operations of real Stores as
// goroutines, stops each at every call of the cache or the database, and runs
// every order in which those calls can happen, with every fault and every
// eviction the scenario allows at every point. A run is repeated from the start
// for each order; a state that was seen before is not entered again.

// A verdict is how the scheduler lets a call go on.
type verdict int

const (
	pass   verdict = iota // take effect, answer
	refuse                // no effect, an error
	lose                  // take effect, an error
	delay                 // an error now, the effect at any later moment
)

var errFault = errors.New("connection reset by peer")

// A gate is a call that waits to be let go.
type gate struct {
	actor   string
	what    string
	tier    tier
	release chan verdict
	effect  func() // of a delayed call, whose caller is gone
}

type tier int

const (
	beginning tier = iota // of an operation: no call
	cacheTier
	truthTier
)

// A scheduler decides one run.
type scheduler struct {
	scenario *scenario
	start    time.Time

	mu      sync.Mutex
	waiting []*gate
	history map[string]*strings.Builder // of each actor: what it called and what it was told
	free    bool                        // nothing waits anymore
	dropped bool                        // the run is not of interest anymore: all calls fail

	evictions, cacheFaults, truthFaults, ticks int // left
	faulted                                    bool
	next                                       string // the actor that alone may go on
	log                                        []choice
}

type actorKey struct{}

// record notes what an actor called and what it was told.
func (s *scheduler) record(actor, what, result string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.history[actor]
	if h == nil {
		h = new(strings.Builder)
		s.history[actor] = h
	}
	h.WriteString(what)
	h.WriteByte('=')
	h.WriteString(result)
	if err != nil {
		h.WriteString(err.Error())
	}
	if s.scenario.ticks > 0 {
		fmt.Fprint(h, "@", time.Since(s.start))
	}
	h.WriteByte(';')
}

// forget merges all histories of an actor that is done.
func (s *scheduler) forget(actor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history[actor].Reset()
	s.history[actor].WriteString("done")
}

// at stops the actor of ctx in front of a call and then makes it.
func (s *scheduler) at(ctx context.Context, proc *process, t tier, what string, effect func() (string, error)) error {
	actor, ok := ctx.Value(actorKey{}).(string)
	if !ok {
		actor = "repair" + proc.name
	}
	s.mu.Lock()
	if s.free {
		dropped := s.dropped
		s.mu.Unlock()
		if dropped {
			return errFault
		}
		_, err := effect()
		return err
	}
	g := &gate{actor: actor, what: what, tier: t, release: make(chan verdict)}
	s.waiting = append(s.waiting, g)
	s.mu.Unlock()

	v := <-g.release
	result, err := "", errFault
	switch v {
	case pass:
		result, err = effect()
	case lose:
		_, _ = effect()
	case delay:
		late := &gate{actor: "late " + actor, what: what, tier: t, effect: func() { _, _ = effect() }}
		s.mu.Lock()
		s.waiting = append(s.waiting, late)
		s.mu.Unlock()
	}
	s.record(actor, what, result, err)
	return err
}

// A choice is what may happen next: the gate is let go, or else act.
type choice struct {
	gate *gate
	how  verdict
	name string
	act  func()
}

func (c choice) String() string {
	if c.gate == nil {
		return c.name
	}
	return c.gate.actor + " " + c.gate.what + [...]string{pass: "", refuse: " [refused]", lose: " [answer lost]", delay: " [delayed]"}[c.how]
}

// take lets a choice happen.
func (s *scheduler) take(c choice) {
	g := c.gate
	if g == nil {
		c.act()
		return
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(o *gate) bool { return o == g })
	if c.how != pass {
		s.faulted = s.faulted || g.tier == cacheTier
		*s.faultsLeft(g.tier)--
	}
	if g.effect != nil {
		g.effect()
		return
	}
	if g.tier == beginning && s.scenario.faultless() {
		s.next = g.actor // a load that begins late sees the most
	}
	g.release <- c.how
}

func (s *scheduler) faultsLeft(t tier) *int {
	switch t {
	case cacheTier:
		return &s.cacheFaults
	case truthTier:
		return &s.truthFaults
	}
	return new(int) // a beginning cannot fail
}

// choices lists them in an order that is the same in every run.
func (s *scheduler) choices(w *world) []choice {
	cs := make([]choice, 0, 8)
	slices.SortFunc(s.waiting, func(a, b *gate) int {
		return cmp.Or(strings.Compare(a.actor, b.actor), strings.Compare(a.what, b.what))
	})
	only := s.next
	s.next = ""
	for _, g := range s.waiting {
		if only != "" && g.actor != only {
			continue
		}
		cs = append(cs, choice{gate: g, how: pass})
		if g.effect == nil && *s.faultsLeft(g.tier) > 0 {
			cs = append(cs, choice{gate: g, how: refuse}, choice{gate: g, how: lose}, choice{gate: g, how: delay})
		}
	}
	if only != "" {
		return cs
	}
	if s.evictions > 0 && w.cache.holds() {
		cs = append(cs, choice{name: "evict", act: func() { s.evictions--; w.evict() }})
	}
	if s.ticks > 0 && w.repairing() {
		cs = append(cs, choice{name: "time passes", act: func() { s.ticks--; time.Sleep(tick) }})
	}
	return cs
}

const tick = 1001 * time.Millisecond

// key is a hash of all that the rest of a run depends on.
func (s *scheduler) key(w *world) state {
	var b bytes.Buffer
	actors := make([]string, 0, len(s.history))
	for a := range s.history {
		actors = append(actors, a)
	}
	slices.Sort(actors)
	for _, a := range actors {
		b.WriteString(a)
		b.WriteByte(':')
		b.WriteString(s.history[a].String())
		b.WriteByte('\n')
	}
	for _, g := range s.waiting {
		b.WriteString(g.actor)
		b.WriteByte('/')
		b.WriteString(g.what)
		b.WriteByte('\n')
	}
	fmt.Fprint(&b, s.evictions, s.cacheFaults, s.truthFaults, s.ticks, s.faulted, w.state())
	if s.scenario.ticks > 0 {
		fmt.Fprint(&b, time.Since(s.start))
	}
	h := fnv.New128a()
	_, _ = h.Write(b.Bytes())
	return state(h.Sum(nil))
}

type state [16]byte

// explore runs every order and returns the first that breaks a law, as the
// lines of its schedule, and how many runs there were.
func explore(t *testing.T, sc *scenario) (broken []string, runs int) {
	t.Helper()
	// One goroutine goes on at a time: to wake it on another processor is waste.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[state]struct{})
		var path, width []int
		for {
			runs++
			if broken = sc.run(seen, &path, &width); broken != nil {
				return
			}
			for len(path) > 0 && path[len(path)-1]+1 >= width[len(path)-1] {
				path, width = path[:len(path)-1], width[:len(width)-1]
			}
			if len(path) == 0 {
				return
			}
			path[len(path)-1]++
		}
	})
	return broken, runs
}

// run makes one run: along path as far as it goes, then by first choices, which
// it appends to path, until all is done or it comes to a state that was seen.
func (sc *scenario) run(seen map[state]struct{}, path, width *[]int) (broken []string) {
	w := newWorld(sc)
	s := w.scheduler
	known := len(*path)
	report := func() []string {
		if len(w.broken) == 0 {
			return nil
		}
		for _, c := range s.log {
			broken = append(broken, c.String())
		}
		return append(broken, w.broken...)
	}
	synctest.Wait()
	for step := 0; ; step++ {
		cs := s.choices(w)
		if len(cs) == 0 {
			if !w.busy() {
				break
			}
			time.Sleep(tick) // all that is left to happen waits for the clock
			synctest.Wait()
			continue
		}
		pick := 0
		if step < known {
			pick = (*path)[step]
		} else {
			key := s.key(w)
			if _, ok := seen[key]; ok {
				broken = report()
				w.drop()
				return broken
			}
			seen[key] = struct{}{}
			*path, *width = append(*path, 0), append(*width, len(cs))
		}
		s.log = append(s.log, cs[pick])
		s.take(cs[pick])
		synctest.Wait()
		if sc.forgets {
			w.forgetPending()
		}
		w.watch()
	}
	w.settle()
	return report()
}

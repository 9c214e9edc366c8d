package cacheddb_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

	evictions, cacheFaults, truthFaults, ticks int // left
	faulted                                    bool
	next                                       string // the actor that alone may go on
	log                                        []string
}

type actorKey struct{}

func (s *scheduler) record(actor string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.history[actor]
	if h == nil {
		h = new(strings.Builder)
		s.history[actor] = h
	}
	fmt.Fprint(h, args...)
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
		s.mu.Unlock()
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
	s.record(actor, what, "=", result, err)
	return err
}

// A choice is what may happen next.
type choice struct {
	name string
	act  func()
}

// choices lists them in an order that is the same in every run.
func (s *scheduler) choices(w *world) []choice {
	var cs []choice
	slices.SortFunc(s.waiting, func(a, b *gate) int {
		return strings.Compare(a.actor+a.what, b.actor+b.what)
	})
	only := s.next
	s.next = ""
	for i, g := range s.waiting {
		if only != "" && g.actor != only {
			continue
		}
		let := func(v verdict, how string) {
			cs = append(cs, choice{g.actor + " " + g.what + how, func() {
				s.waiting = slices.Delete(s.waiting, i, i+1)
				if v != pass {
					s.faulted = s.faulted || g.tier == cacheTier
					if g.tier == cacheTier {
						s.cacheFaults--
					} else {
						s.truthFaults--
					}
				}
				if g.effect != nil {
					g.effect()
					return
				}
				if g.tier == beginning && s.scenario.faultless() {
					s.next = g.actor // a load that begins late sees the most
				}
				g.release <- v
			}})
		}
		let(pass, "")
		if left := map[tier]int{cacheTier: s.cacheFaults, truthTier: s.truthFaults}[g.tier]; left > 0 && g.effect == nil {
			let(refuse, " [refused]")
			let(lose, " [answer lost]")
			let(delay, " [delayed]")
		}
	}
	if only != "" {
		return cs
	}
	if s.evictions > 0 && w.cache.holds() {
		cs = append(cs, choice{"evict", func() { s.evictions--; w.evict() }})
	}
	if s.ticks > 0 && w.repairing() {
		cs = append(cs, choice{"time passes", func() { s.ticks--; time.Sleep(tick) }})
	}
	return cs
}

const tick = 1001 * time.Millisecond

func (s *scheduler) key(w *world) string {
	var b strings.Builder
	actors := make([]string, 0, len(s.history))
	for a := range s.history {
		actors = append(actors, a)
	}
	slices.Sort(actors)
	for _, a := range actors {
		fmt.Fprint(&b, a, ":", s.history[a].String(), "\n")
	}
	for _, g := range s.waiting {
		fmt.Fprint(&b, g.actor, "/", g.what, "\n")
	}
	fmt.Fprint(&b, s.evictions, s.cacheFaults, s.truthFaults, s.ticks, s.faulted, w.state())
	if s.scenario.ticks > 0 {
		fmt.Fprint(&b, time.Since(s.start))
	}
	return b.String()
}

// explore runs every order and returns the first that breaks a law, as the
// lines of its schedule, and how many runs there were.
func explore(t *testing.T, sc *scenario) (broken []string, runs int) {
	t.Helper()
	// One goroutine goes on at a time: to wake it on another processor is waste.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[string]struct{})
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
// it appends to path until it comes to a state that was seen.
func (sc *scenario) run(seen map[string]struct{}, path, width *[]int) []string {
	w := newWorld(sc)
	s := w.scheduler
	known := len(*path)
	cut := false
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
		switch {
		case step < known:
			pick = (*path)[step]
		case !cut:
			key := s.key(w)
			if _, cut = seen[key]; cut {
				break
			}
			seen[key] = struct{}{}
			*path, *width = append(*path, 0), append(*width, len(cs))
		}
		s.log = append(s.log, cs[pick].name)
		cs[pick].act()
		synctest.Wait()
		if sc.forgets {
			w.forgetPending()
		}
		w.watch()
	}
	w.settle()
	if len(w.broken) > 0 {
		return append(s.log, w.broken...)
	}
	return nil
}

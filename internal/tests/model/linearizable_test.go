package model_test

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A setting is how the processes of a run stand to the stores, and what goes wrong.
type setting struct {
	name      string
	one       bool // cached_db: both managers are in one process
	truth     odds // of faults between the processes and the store, or the database of cached_db
	cache     odds // between the processes and the cache
	loose     bool // reads may see what is being overwritten
	forgetful bool // reads may see what was overwritten, until entries are checked again
}

var quiet = odds{pause: 300}

// settings of an engine. In cached_db a write reaches two places, one after the
// other: while it is under way, one reader may see it and a later one not yet.
// Once it has been answered, all see it; but if a process could not tell the
// cache, the others only see it when they check again.
func (e engine) settings() []setting {
	faulty := odds{before: 30, after: 30, late: 20, gone: 10, pause: 300}
	if !e.cached() {
		return []setting{
			{name: "no faults", truth: quiet},
			{name: "faults", truth: faulty},
		}
	}
	lossy := odds{before: 40, after: 30, late: 30, gone: 10, pause: 300, evict: 100}
	return []setting{
		{name: "evictions", truth: quiet, cache: odds{pause: 300, evict: 250}, loose: true},
		{name: "faults of the database", truth: faulty, cache: odds{pause: 300, evict: 50}, loose: true},
		{name: "faults of both, one process", one: true, truth: faulty, cache: lossy, loose: true},
		{name: "faults of both, two processes", truth: faulty, cache: lossy, loose: true, forgetful: true},
	}
}

// A verdict is what came of one run.
type verdict struct {
	requests, faults int
	unsettled        int    // families on which the checker ran out of time
	wrong            string // what no order of the requests explains
	by               map[string]int
}

// try runs a crowd once and judges its histories.
func try(t testing.TB, p place, s setting, seed uint64) (v verdict) {
	var over []func()
	cl := cleanups{&over}
	defer func() {
		for _, f := range slices.Backward(over) {
			f()
		}
	}()
	var mu sync.Mutex
	var odd []string
	c := &crowd{clock: &ticking{}, odd: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		odd = append(odd, fmt.Sprintf(format, args...))
	}}
	o := session.Options{Clock: c.clock.Now, Events: silent{}, StoreTimeout: patience, IdleTimeout: time.Hour, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if seed%2 == 0 {
		o.TouchInterval = 10 * time.Microsecond // nearly every request is one that touches
	}
	real := p
	truthChaos, cacheChaos := newChaos(seed, s.truth), newChaos(seed+1, s.cache)
	p.truth = chaoticStore{p.truth, truthChaos}
	if p.cache != nil {
		p.cache = chaoticCache{p.cache, cacheChaos}
	}
	processes := 2
	if s.one {
		processes = 1
	}
	var stores []session.Store
	for range processes {
		// A short cool-down, so that a run sees the breaker close again.
		stores = append(stores, p.process(cl, cacheddb.Options{BreakerCooldown: time.Millisecond}))
	}
	manager := func(store session.Store) *session.Manager {
		o.Store = store
		m, err := session.New(o)
		must(t, err)
		return m
	}
	c.managers = []*session.Manager{manager(stores[0]), manager(stores[len(stores)-1])}
	c.truth = manager(real.truth)

	for i := range 2 {
		c.found(t, fmt.Sprintf("p%d", i), 2)
	}
	c.play(seed, 7, s.truth.gone > 0)
	truthChaos.end()
	cacheChaos.end()
	c.lookAround()

	v.by = truthChaos.faults()
	for k, n := range cacheChaos.faults() {
		v.by["cache: "+k] += n
	}
	for k, n := range v.by {
		if !strings.HasSuffix(k, "pause") {
			v.faults += n
		}
	}
	v.wrong = strings.Join(odd, "\n")
	for _, k := range c.families {
		v.requests += len(k.history)
		switch wrong, settled := k.history.judge(k.principals[0], s); {
		case !settled:
			v.unsettled++
		case wrong != "":
			v.wrong += wrong
		}
	}
	return v
}

// cleanups lets a run that is no test of its own clean up after itself.
type cleanups struct{ all *[]func() }

func (c cleanups) Cleanup(f func()) { *c.all = append(*c.all, f) }

// patienceOfTheChecker is how long it looks for an order. Histories are small, so
// it hardly ever takes that long to find one; to know that there is none may.
const patienceOfTheChecker = 3 * time.Second

// judge says what is wrong with a history; "" is nothing. Not settled means
// that the checker gave up.
func (h history) judge(principal string, s setting) (wrong string, settled bool) {
	result := h.check(principal, s, patienceOfTheChecker)
	if result != porcupine.Illegal {
		return "", result == porcupine.Ok
	}
	// The first answer by which the history cannot be explained any more.
	byAnswer := slices.Clone(h)
	slices.SortFunc(byAnswer, func(a, b operation) int { return int(a.answer - b.answer) })
	first := len(h)
	for i := range byAnswer {
		until := byAnswer[i].answer
		var known history
		for _, o := range h {
			switch {
			case o.answer <= until:
				known = append(known, o)
			case o.call < until:
				known = append(known, o.unanswered()...)
			}
		}
		if known.check(principal, s, patienceOfTheChecker) == porcupine.Illegal {
			first = i
			break
		}
	}
	return fmt.Sprintf("no order of these requests explains their answers%s:\n%s",
		map[bool]string{true: fmt.Sprintf("; up to request %d they could be explained", byAnswer[min(first, len(h)-1)].id)}[first < len(h)], h), true
}

// unanswered is the request as it is known before its answer; nothing if what
// it does cannot be told without it.
func (o operation) unanswered() history {
	o.status, o.answer = unavailable, open
	if o.verb == read || o.verb == readTruth || o.verb == pop && !o.live {
		return nil
	}
	return history{o}
}

// check asks whether there is an order.
func (h history) check(principal string, s setting, limit time.Duration) porcupine.CheckResult {
	var ops []porcupine.Operation
	for _, p := range h.parts(principal, s.loose && !s.forgetful) {
		ops = append(ops, porcupine.Operation{ClientId: p.client, Input: &p, Call: p.call, Return: p.answer})
	}
	return porcupine.CheckOperationsTimeout(linearizable(principal, s.loose), ops, limit)
}

// runs is how many there are of each setting, in memory.
const runs = 100

func TestHistoriesAreLinearizable(t *testing.T) {
	leaksNothing(t)
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			open := e.open(t)
			for _, s := range e.settings() {
				t.Run(s.name, func(t *testing.T) {
					sum := verdict{by: map[string]int{}}
					runs := runs / e.slow * times
					for run := range runs {
						seed := uint64(run)
						if times > 1 {
							seed = uint64(time.Now().UnixNano())
						}
						v := try(t, open(), s, seed)
						sum.requests += v.requests
						sum.faults += v.faults
						sum.unsettled += v.unsettled
						for k, n := range v.by {
							sum.by[k] += n
						}
						if v.wrong != "" {
							t.Fatalf("seed %d: %s", seed, v.wrong)
						}
					}
					if sum.unsettled > runs/10+1 {
						t.Errorf("of %d runs the checker gave up on %d histories", runs, sum.unsettled)
					}
					t.Logf("%d runs, %d requests, %d faults, %d histories left open", runs, sum.requests, sum.faults, sum.unsettled)
					for _, k := range slices.Sorted(maps.Keys(sum.by)) {
						t.Logf("  %-40s %d", k, sum.by[k])
					}
				})
			}
		})
	}
}

package interleave

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A world is one run of a scenario.
type world struct {
	*Scenario
	schedule

	truth  *gated
	cache  *gatedCache
	leases map[session.ID]held
	clock  *clock

	started   time.Time
	alice     string // of this run: stores may be shared by many
	forgery   string // the same
	processes []*process
	requests  []*request
	setup     *request

	naming sync.Mutex
	ids    map[session.ID]string
	order  []session.ID
	maker  map[session.ID]*request
	marks  map[[8]byte]string

	faults, evictions int // left
	faulted           int // so far
	latest            []int
	moving            bool // a request may change the token

	mu        sync.Mutex
	jar       string // the token that the browser has
	first     string // and had at the start
	start     session.ID
	tokens    []issued
	ended     string // which requests ended a session
	answers   int
	broken    []string
	elsewhere session.ID // the expired session beside it
}

// issued is a token that a response carried.
type issued struct {
	token string
	id    session.ID
	by    *request // nil: from the start
}

// A process is a manager of its own over the tiers that all share.
type process struct {
	m      *session.Manager
	cached *cacheddb.Store
}

// clock tells a time that only the scenario moves.
type clock struct {
	start time.Time
	moved atomic.Int64
}

func (c *clock) now() time.Time          { return c.start.Add(c.offset()) }
func (c *clock) offset() time.Duration   { return time.Duration(c.moved.Load()) }
func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

var runs atomic.Int64

const (
	idle     = 24 * time.Hour
	lifetime = 14 * 24 * time.Hour
)

func newWorld(e Engine, tiers Tiers, sc *Scenario) *world {
	start := time.Now().UTC().Truncate(time.Microsecond)
	run := runs.Add(1)
	w := &world{
		Scenario: sc, started: start, clock: &clock{start: start}, alice: fmt.Sprint("alice-", run), forgery: forge(run),
		leases: make(map[session.ID]held), ids: make(map[session.ID]string), maker: make(map[session.ID]*request), marks: make(map[[8]byte]string),
		faults: sc.Faults, evictions: sc.Evictions,
	}
	w.real, w.idle.L = e.Real, &w.schedule.mu
	w.setup = &request{w: w, name: "start"}
	if e.Broken != nil {
		tiers = e.Broken(tiers)
	}
	w.truth, w.cache = &gated{w: w, inner: tiers.Truth}, &gatedCache{w: w, inner: tiers.Cache}
	if e.Real {
		w.truth.twin = memory()
		if tiers.Cache != nil {
			w.cache.twin = memory()
		}
	}
	for i, op := range sc.Ops {
		r := &request{w: w, op: op, name: fmt.Sprint(string(rune('A'+i)), " ", op.Name)}
		if len(w.processes) == 0 || !sc.One {
			w.processes = append(w.processes, w.process())
		}
		r.process = len(w.processes) - 1
		w.requests = append(w.requests, r)
		w.moving = w.moving || op.moves
	}
	w.schedule.open = true
	w.begins()
	w.schedule.open = false
	return w
}

// patience is a time limit of a store that answers, on whatever machine.
const patience = time.Minute

func (w *world) process() *process {
	p := &process{}
	var store session.Store = w.truth
	if w.cache.inner != nil {
		p.cached = cacheddb.New(w.cache, w.truth, cacheddb.Options{
			CacheTimeout: patience, LeaseTTL: 2 * patience, RecheckTimeout: patience, RecheckAge: 24 * time.Hour,
			BreakerFailures: 1000, BreakerCooldown: time.Hour, Events: nowhere{},
		})
		store = p.cached
	}
	now := w.clock.now
	if ahead := skew * time.Duration(len(w.processes)+1); w.Most > 0 {
		now = func() time.Time { return w.clock.now().Add(ahead) }
	}
	p.m = session.Must(session.New(session.Options{
		Store: store, Clock: now, MaxSessions: w.Most, MaxSessionsPreventsLogin: w.Prevents, IdleTimeout: idle, Lifetime: lifetime, StoreTimeout: patience,
		Events: watcher{w}, Logger: slog.New(slog.DiscardHandler),
	}))
	return p
}

// begins makes the session that all is about.
func (w *world) begins() {
	first := &request{w: w, name: "start", op: Op{do: func(r *request) {
		count.Set(r.s, 0)
		name.Set(r.s, "once")
		if !w.Anonymous {
			r.s.Login(w.alice)
		}
	}}}
	first.serve(context.Background())
	if first.token == "" {
		panic(fmt.Sprintf("interleave: the first request was answered %d: %v", first.status, first.panicked))
	}
	w.jar, w.first = first.token, first.token
	w.start = idOf(first.token)
	w.tokens = []issued{{first.token, w.start, nil}}
	if slices.ContainsFunc(w.Ops, func(o Op) bool { return o.purges }) {
		short := &request{w: w, name: "start", op: Op{do: func(r *request) {
			r.s.Login(w.alice)
			r.s.SetLifetime(time.Minute)
		}}}
		short.serve(context.Background())
		w.elsewhere = idOf(short.token)
	}
	if slices.ContainsFunc(w.Ops, func(o Op) bool { return o.later }) {
		w.clock.advance(2 * time.Hour) // a touch is due
	}
	if w.Most > 0 {
		w.clock.advance(time.Minute) // what is to come is newer
	}
	if w.Warm {
		w.visit(w.first, 0)
	}
}

func (w *world) begin() {
	w.running = len(w.requests)
	for _, r := range w.requests {
		go r.run()
	}
}

// close ends what the run began.
func (w *world) close() {
	for _, p := range w.processes {
		if p.cached != nil {
			_ = p.cached.Close(context.Background())
		}
	}
}

// A choice is what may happen next.
type choice struct {
	name string
	act  func()
}

func (w *world) choices() []choice {
	var out []choice
	waiting := w.sorted()
	for _, g := range waiting {
		let := func(v verdict, how string) {
			out = append(out, choice{g.by.name + ": " + g.what + how, func() {
				if v > reverse {
					w.faults--
					w.faulted++
				}
				w.latest = slices.DeleteFunc(w.latest, func(p int) bool { return w.requests[p] == g.by })
				w.latest = append(w.latest, slices.Index(w.requests, g.by))
				g.by.goes(g, v)
				w.release(g, v)
			}})
		}
		if g.land != nil {
			let(pass, " [arrives]")
			continue
		}
		let(pass, "")
		if g.kind == listing && w.Most == 0 { // else logins read it, which sort it
			let(reverse, " [reversed]")
		}
		if w.faults == 0 || g.kind == beginning || g.cache && w.OnlyTruth {
			continue
		}
		let(refuse, " [refused]")
		if g.kind == writing {
			let(lose, " [answer lost]")
			let(delay, " [delayed]")
		}
	}
	if w.evictions > 0 && w.cache.inner != nil && len(waiting) > 0 {
		out = append(out, choice{"evict", func() { w.evictions--; w.evict() }})
	}
	return out
}

func (w *world) breaks(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

func (w *world) jarName() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jar == "" {
		return ""
	}
	return w.id(idOf(w.jar))
}

// watcher hears what the managers do.
type watcher struct{ w *world }

func (e watcher) Event(ctx context.Context, ev session.Event) {
	if r := requestOf(ctx); r != nil {
		r.hears(ev)
	}
}

type nowhere struct{}

func (nowhere) Event(context.Context, session.Event) {}

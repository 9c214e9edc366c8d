package session_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var errDown = errors.New("the server cannot be reached")

// probe is a memory store that counts its calls and lets a test decide what
// becomes of each. It has every power, LoadFresh included.
type probe struct {
	inner *session.MemoryStore
	mu    sync.Mutex
	calls []string
	plans map[string][]plan
	all   plan // for every call without a plan of its own
}

// A plan is what becomes of one call: do is the effect on the store.
type plan func(ctx context.Context, do func(context.Context) error) error

var (
	_ session.Store       = (*probe)(nil)
	_ session.FreshLoader = (*probe)(nil)
	_ session.Lister      = (*probe)(nil)
	_ session.Purger      = (*probe)(nil)
)

func newProbe() *probe {
	return &probe{inner: session.NewMemoryStore(session.MemoryOptions{}), plans: make(map[string][]plan)}
}

// pass lets the call through.
func pass(ctx context.Context, do func(context.Context) error) error { return do(ctx) }

// failBefore fails without an effect.
func failBefore(context.Context, func(context.Context) error) error { return errDown }

// failAfter has its effect, but the reply is lost.
func failAfter(ctx context.Context, do func(context.Context) error) error {
	_ = do(ctx)
	return errDown
}

// hang answers only when the caller gives up.
func hang(ctx context.Context, _ func(context.Context) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// refuse answers with an error of the contract, without an effect.
func refuse(err error) plan {
	return func(context.Context, func(context.Context) error) error { return err }
}

// before runs f, then lets the call through.
func before(f func()) plan {
	return func(ctx context.Context, do func(context.Context) error) error {
		f()
		return do(ctx)
	}
}

// after lets the call through, then runs f before the reply.
func after(f func()) plan {
	return func(ctx context.Context, do func(context.Context) error) error {
		err := do(ctx)
		f()
		return err
	}
}

// late returns a plan that fails at once, and the effect for the test to have
// whenever it likes: a write that was on its way when the caller gave up.
func late() (plan, func() error) {
	arrive := make(chan func(context.Context) error, 1)
	return func(_ context.Context, do func(context.Context) error) error {
		arrive <- do
		return errDown
	}, func() error { return (<-arrive)(context.Background()) }
}

// gate stops a call until it is opened.
type gate struct{ reached, open chan struct{} }

func newGate() gate { return gate{make(chan struct{}), make(chan struct{})} }

func (g gate) stop() {
	close(g.reached)
	<-g.open
}

// stopBefore stops a call before its effect.
func stopBefore() (plan, gate) {
	g := newGate()
	return before(g.stop), g
}

// stopAfter stops a call between its effect and its reply.
func stopAfter() (plan, gate) {
	g := newGate()
	return after(g.stop), g
}

// plan decides what becomes of the next calls of an operation: "load", "fresh",
// "create", "update", "touch", "delete", "list" or "purge".
func (p *probe) plan(op string, plans ...plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans[op] = append(p.plans[op], plans...)
}

// always decides what becomes of every call; nil ends that.
func (p *probe) always(f plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = f
}

// reset forgets the calls and plans so far.
func (p *probe) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls, p.plans, p.all = nil, make(map[string][]plan), nil
}

// took returns the calls since the last reset, in order.
func (p *probe) took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// records returns everything that is stored.
func (p *probe) records() map[session.ID]session.Record {
	out := make(map[session.ID]session.Record)
	for after := ""; ; {
		page, next, err := p.inner.Scan(context.Background(), after, 1000)
		if err != nil {
			panic(err)
		}
		for _, s := range page {
			out[s.ID] = s.Record
		}
		if after = next; after == "" {
			return out
		}
	}
}

// alive returns how many stored records are sessions that have not ended.
func (s *site) alive() int {
	n, now := 0, s.clock.Now()
	for _, r := range s.store.records() {
		if r.MovedTo == "" && now.Before(r.Expires) && now.Before(r.LifetimeEnd) {
			n++
		}
	}
	return n
}

// wantCalls checks the store calls since the last reset.
func (s *site) wantCalls(calls ...string) {
	s.t.Helper()
	if got := s.store.took(); !slices.Equal(got, calls) {
		s.t.Errorf("store calls: %q, want %q", got, calls)
	}
}

func (p *probe) call(ctx context.Context, op string, do func(context.Context) error) error {
	p.mu.Lock()
	p.calls = append(p.calls, op)
	f := p.all
	if queue := p.plans[op]; len(queue) > 0 {
		f, p.plans[op] = queue[0], queue[1:]
	}
	p.mu.Unlock()
	if f == nil {
		f = pass
	}
	return f(ctx, do)
}

func (p *probe) Load(ctx context.Context, id session.ID) (rec session.Record, err error) {
	return p.load(ctx, "load", id)
}

func (p *probe) LoadFresh(ctx context.Context, id session.ID) (rec session.Record, err error) {
	return p.load(ctx, "fresh", id)
}

func (p *probe) load(ctx context.Context, op string, id session.ID) (rec session.Record, err error) {
	err = p.call(ctx, op, func(ctx context.Context) (err error) {
		rec, err = p.inner.Load(ctx, id)
		return err
	})
	if err != nil {
		return session.Record{}, err
	}
	return rec, nil
}

func (p *probe) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return p.call(ctx, "create", func(ctx context.Context) error { return p.inner.Create(ctx, id, rec) })
}

func (p *probe) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	return p.call(ctx, "update", func(ctx context.Context) error { return p.inner.Update(ctx, id, rec, ifVersion) })
}

func (p *probe) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return p.call(ctx, "touch", func(ctx context.Context) error { return p.inner.Touch(ctx, id, lastSeen, expires, ifVersion) })
}

func (p *probe) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	return p.call(ctx, "delete", func(ctx context.Context) error { return p.inner.Delete(ctx, id, ifVersion) })
}

func (p *probe) List(ctx context.Context, principal, after string, limit int) (page []session.Stored, next string, err error) {
	err = p.call(ctx, "list", func(ctx context.Context) (err error) {
		page, next, err = p.inner.List(ctx, principal, after, limit)
		return err
	})
	return page, next, err
}

func (p *probe) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = p.call(ctx, "purge", func(ctx context.Context) (err error) {
		n, err = p.inner.Purge(ctx, before, limit)
		return err
	})
	return n, err
}

// bare has no powers but those of a Store.
type bare struct{ session.Store }

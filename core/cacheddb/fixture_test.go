package cacheddb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

var errDown = errors.New("connection refused")

// A tap stands before a tier: it writes down the calls, and can be made to fail
// or hang, or to do something before or after a call.
type tap struct {
	mu    sync.Mutex
	calls []string
	fails map[string]error // by call; "" is every call
	hangs bool
	first func(call string) // is called before each call,
	then  func(call string) // and after each that did not fail
}

func (p *tap) pass(ctx context.Context, call string, do func(context.Context) error) error {
	p.mu.Lock()
	p.calls = append(p.calls, call)
	err := p.fails[call]
	if err == nil {
		err = p.fails[""]
	}
	hangs, before, after := p.hangs, p.first, p.then
	p.mu.Unlock()
	if before != nil {
		before(call)
	}
	switch {
	case hangs:
		<-ctx.Done()
		return ctx.Err()
	case err != nil:
		return err
	}
	err = do(ctx)
	if after != nil {
		after(call)
	}
	return err
}

// fail makes the given calls fail, or all if there are none.
func (p *tap) fail(calls ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = make(map[string]error)
	if len(calls) == 0 {
		calls = []string{""}
	}
	for _, c := range calls {
		p.fails[c] = errDown
	}
}

func (p *tap) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = true
}

func (p *tap) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails, p.hangs = nil, false
}

func (p *tap) before(f func(call string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first = f
}

func (p *tap) after(f func(call string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.then = f
}

// took returns the calls since it was last asked.
func (p *tap) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := strings.Join(p.calls, " ")
	p.calls = nil
	return s
}

type tappedCache struct {
	tap
	cacheddb.Cache
}

func (c *tappedCache) Get(ctx context.Context, id session.ID) (e session.Cached, err error) {
	err = c.pass(ctx, "Get", func(ctx context.Context) error { e, err = c.Cache.Get(ctx, id); return err })
	return e, err
}

func (c *tappedCache) AddLease(ctx context.Context, id session.ID, l session.Lease, ttl time.Duration) (ok bool, err error) {
	err = c.pass(ctx, "AddLease", func(ctx context.Context) error { ok, err = c.Cache.AddLease(ctx, id, l, ttl); return err })
	return ok, err
}

func (c *tappedCache) Fill(ctx context.Context, id session.ID, l session.Lease, e session.Cached) error {
	return c.pass(ctx, "Fill", func(ctx context.Context) error { return c.Cache.Fill(ctx, id, l, e) })
}

func (c *tappedCache) Replace(ctx context.Context, id session.ID, e session.Cached) error {
	return c.pass(ctx, "Replace", func(ctx context.Context) error { return c.Cache.Replace(ctx, id, e) })
}

func (c *tappedCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return c.pass(ctx, "RaiseTimes", func(ctx context.Context) error {
		return c.Cache.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (c *tappedCache) Refresh(ctx context.Context, id session.ID, read, e session.Cached) error {
	return c.pass(ctx, "Refresh", func(ctx context.Context) error { return c.Cache.Refresh(ctx, id, read, e) })
}

func (c *tappedCache) Remove(ctx context.Context, id session.ID) error {
	return c.pass(ctx, "Remove", func(ctx context.Context) error { return c.Cache.Remove(ctx, id) })
}

type tappedStore struct {
	tap
	session.Store
}

func (s *tappedStore) Load(ctx context.Context, id session.ID) (rec session.Record, err error) {
	err = s.pass(ctx, "Load", func(ctx context.Context) error { rec, err = s.Store.Load(ctx, id); return err })
	return rec, err
}

func (s *tappedStore) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return s.pass(ctx, "Create", func(ctx context.Context) error { return s.Store.Create(ctx, id, rec) })
}

func (s *tappedStore) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	return s.pass(ctx, "Update", func(ctx context.Context) error { return s.Store.Update(ctx, id, rec, ifVersion) })
}

func (s *tappedStore) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return s.pass(ctx, "Touch", func(ctx context.Context) error { return s.Store.Touch(ctx, id, lastSeen, expires, ifVersion) })
}

func (s *tappedStore) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	return s.pass(ctx, "Delete", func(ctx context.Context) error { return s.Store.Delete(ctx, id, ifVersion) })
}

// heard collects events.
type heard struct {
	mu     sync.Mutex
	events []session.Event
}

func (h *heard) Event(_ context.Context, e session.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

// took returns the kinds of the events since it was last asked.
func (h *heard) took() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var kinds []string
	for _, e := range h.events {
		kinds = append(kinds, string(e.Kind))
	}
	h.events = nil
	return strings.Join(kinds, ", ")
}

// A fixture is a Store over two tapped memory stores, in a bubble of its own
// with a clock of its own.
type fixture struct {
	*testing.T
	*cacheddb.Store
	cache  *tappedCache
	truth  *tappedStore
	events *heard
}

func bubble(t *testing.T, o cacheddb.Options, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{
			T:      t,
			cache:  &tappedCache{Cache: session.NewMemoryStore(session.MemoryOptions{})},
			truth:  &tappedStore{Store: session.NewMemoryStore(session.MemoryOptions{})},
			events: &heard{},
		}
		f.Store = f.another(o)
		test(f)
		f.idle()
	})
}

// another is a Store over the same tiers, as another process has it.
func (f *fixture) another(o cacheddb.Options) *cacheddb.Store {
	o.Events = f.events
	return cacheddb.New(f.cache, f.truth, o)
}

// stored creates a session and forgets the calls it took.
func (f *fixture) stored() (session.ID, session.Record) {
	f.Helper()
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	f.ok("Create", f.Create(f.Context(), id, rec))
	f.truth.took()
	return id, rec
}

// warm creates a session that the cache has.
func (f *fixture) warm() (session.ID, session.Record) {
	f.Helper()
	id, rec := f.stored()
	f.finds(id, 1)
	f.took("Get AddLease Fill", "Load")
	return id, rec
}

func next(rec session.Record) session.Record {
	rec.Version++
	rec.Mark[0]++
	rec.LastSeen = storetest.Now()
	rec.Payload = append(slices.Clone(rec.Payload), '+')
	return rec
}

func (f *fixture) ok(what string, err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("%s: %v", what, err)
	}
}

func (f *fixture) fails(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// finds fails the test unless a load finds the version.
func (f *fixture) finds(id session.ID, version uint64) {
	f.Helper()
	rec, err := f.Load(f.Context(), id)
	f.ok("Load", err)
	if rec.Version != version {
		f.Fatalf("Load found version %d, want %d", rec.Version, version)
	}
}

// lacks fails the test unless a load finds nothing.
func (f *fixture) lacks(id session.ID) {
	f.Helper()
	_, err := f.Load(f.Context(), id)
	f.fails("Load", err, session.ErrNotFound)
}

// took fails the test unless these were the calls since it was last asked.
func (f *fixture) took(cache, truth string) {
	f.Helper()
	gotCache, gotTruth := f.cache.took(), f.truth.took()
	if gotCache != cache || gotTruth != truth {
		f.Fatalf("the cache was asked %q and the database %q, want %q and %q", gotCache, gotTruth, cache, truth)
	}
}

// heard fails the test unless these were the events since it was last asked.
func (f *fixture) heard(want string) {
	f.Helper()
	if got := f.events.took(); got != want {
		f.Fatalf("events %q, want %q", got, want)
	}
}

// cached fails the test unless the cache has this version; 0 is none.
func (f *fixture) cached(id session.ID, version uint64) {
	f.Helper()
	e, err := f.cache.Cache.Get(f.Context(), id)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		f.Fatal(err)
	}
	if e.Record.Version != version {
		f.Fatalf("the cache has version %d, want %d", e.Record.Version, version)
	}
}

// idle fails the test unless nothing is pending and nothing runs.
func (f *fixture) idle() {
	f.Helper()
	synctest.Wait()
	if n := f.Pending(); n != 0 || f.Repairing() {
		f.Fatalf("%d IDs are pending, repairing is %v", n, f.Repairing())
	}
}

// within fails the test unless do takes exactly as long by the bubble's clock.
func (f *fixture) within(want time.Duration, do func()) {
	f.Helper()
	began := time.Now()
	do()
	if got := time.Since(began); got != want {
		f.Fatalf("took %v, want %v", got, want)
	}
}

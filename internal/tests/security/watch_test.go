package security_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A watch sees every call that the processes of a site make to a store or a
// cache, and the events, and can stop a request at a call.
type watch struct {
	mu     sync.Mutex
	calls  []call
	events []session.Event
	fail   func(op string) error // instead of a call, if not nil
	dumps  []func() string
	cache  cacheddb.Cache // of cached_db, unwatched
}

// A call is one call as the store got it.
type call struct {
	op     string // of cached_db the calls of its tiers too: "sql load", "cache fill"
	id     session.ID
	text   string // the other arguments
	record session.Record
}

// A halt stops one request before its nth call.
type halt struct {
	n             int
	reached, open chan struct{}

	mu   sync.Mutex
	seen int
}

type haltKey struct{}

func newHalt(n int) *halt {
	return &halt{n: n, reached: make(chan struct{}), open: make(chan struct{})}
}

func (w *watch) see(ctx context.Context, c call) error {
	w.mu.Lock()
	w.calls = append(w.calls, c)
	fail := w.fail
	w.mu.Unlock()
	if h, ok := ctx.Value(haltKey{}).(*halt); ok {
		h.mu.Lock()
		h.seen++
		here := h.seen == h.n
		h.mu.Unlock()
		if here {
			close(h.reached)
			<-h.open
		}
	}
	if fail != nil {
		return fail(c.op)
	}
	return nil
}

// Event implements session.Events.
func (w *watch) Event(_ context.Context, e session.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// failing makes every call an error, until it is given nil.
func (w *watch) failing(f func(op string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = f
}

// reset forgets what was seen.
func (w *watch) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.events = nil, nil
}

// ops are the calls since the last reset, in order.
func (w *watch) ops() (out []string) {
	for _, c := range w.seen() {
		out = append(out, c.op)
	}
	return out
}

func (w *watch) seen() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls)
}

// of are the events of a kind since the last reset.
func (w *watch) of(kind session.EventKind) (out []session.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// dump is everything that the servers of the engine hold; "" if it has none.
func (w *watch) dump() string {
	var out strings.Builder
	for _, d := range w.dumps {
		if d != nil {
			out.WriteString(d())
		}
	}
	return out.String()
}

// watchedStore is a store of which each call is seen.
type watchedStore struct {
	inner session.Store
	w     *watch
	tier  string // before the names of its calls
}

var (
	_ session.FreshLoader = (*watchedStore)(nil)
	_ session.Lister      = (*watchedStore)(nil)
	_ session.Purger      = (*watchedStore)(nil)
	_ session.Scanner     = (*watchedStore)(nil)
)

func (s *watchedStore) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := s.w.see(ctx, call{op: s.tier + "load", id: id}); err != nil {
		return session.Record{}, err
	}
	return s.inner.Load(ctx, id)
}

func (s *watchedStore) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	f, ok := s.inner.(session.FreshLoader)
	if !ok {
		return s.Load(ctx, id)
	}
	if err := s.w.see(ctx, call{op: s.tier + "load fresh", id: id}); err != nil {
		return session.Record{}, err
	}
	return f.LoadFresh(ctx, id)
}

func (s *watchedStore) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if err := s.w.see(ctx, call{op: s.tier + "create", id: id, record: rec}); err != nil {
		return err
	}
	return s.inner.Create(ctx, id, rec)
}

func (s *watchedStore) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if err := s.w.see(ctx, call{op: s.tier + "update", id: id, record: rec}); err != nil {
		return err
	}
	return s.inner.Update(ctx, id, rec, ifVersion)
}

func (s *watchedStore) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := s.w.see(ctx, call{op: s.tier + "touch", id: id, text: fmt.Sprint(lastSeen, expires)}); err != nil {
		return err
	}
	return s.inner.Touch(ctx, id, lastSeen, expires, ifVersion)
}

func (s *watchedStore) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if err := s.w.see(ctx, call{op: s.tier + "delete", id: id}); err != nil {
		return err
	}
	return s.inner.Delete(ctx, id, ifVersion)
}

func (s *watchedStore) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	l, ok := s.inner.(session.Lister)
	if !ok {
		return nil, "", errors.ErrUnsupported
	}
	if err := s.w.see(ctx, call{op: s.tier + "list", text: principal + " " + after}); err != nil {
		return nil, "", err
	}
	return l.List(ctx, principal, after, limit)
}

func (s *watchedStore) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	p, ok := s.inner.(session.Purger)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return p.Purge(ctx, before, limit)
}

func (s *watchedStore) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	sc, ok := s.inner.(session.Scanner)
	if !ok {
		return nil, "", errors.ErrUnsupported
	}
	return sc.Scan(ctx, after, limit)
}

// watchedCache is a cache of which each call is seen.
type watchedCache struct {
	inner cacheddb.Cache
	w     *watch
}

var _ cacheddb.Cache = (*watchedCache)(nil)

func (c *watchedCache) Get(ctx context.Context, id session.ID) (session.Cached, error) {
	if err := c.w.see(ctx, call{op: "cache get", id: id}); err != nil {
		return session.Cached{}, err
	}
	return c.inner.Get(ctx, id)
}

func (c *watchedCache) AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (bool, error) {
	if err := c.w.see(ctx, call{op: "cache lease", id: id}); err != nil {
		return false, err
	}
	return c.inner.AddLease(ctx, id, lease, ttl)
}

func (c *watchedCache) Fill(ctx context.Context, id session.ID, lease session.Lease, entry session.Cached) error {
	if err := c.w.see(ctx, call{op: "cache fill", id: id, record: entry.Record}); err != nil {
		return err
	}
	return c.inner.Fill(ctx, id, lease, entry)
}

func (c *watchedCache) Replace(ctx context.Context, id session.ID, entry session.Cached) error {
	if err := c.w.see(ctx, call{op: "cache replace", id: id, record: entry.Record}); err != nil {
		return err
	}
	return c.inner.Replace(ctx, id, entry)
}

func (c *watchedCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := c.w.see(ctx, call{op: "cache touch", id: id}); err != nil {
		return err
	}
	return c.inner.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
}

func (c *watchedCache) Refresh(ctx context.Context, id session.ID, read, entry session.Cached) error {
	if err := c.w.see(ctx, call{op: "cache refresh", id: id, record: entry.Record}); err != nil {
		return err
	}
	return c.inner.Refresh(ctx, id, read, entry)
}

func (c *watchedCache) Remove(ctx context.Context, id session.ID) error {
	if err := c.w.see(ctx, call{op: "cache remove", id: id}); err != nil {
		return err
	}
	return c.inner.Remove(ctx, id)
}

package cacheddb

import (
	"context"
	"errors"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// came tells the observer, if there is one, how a load came out.
func (s *Store) came(ctx context.Context, r session.CacheResult) {
	if s.loads != nil {
		s.loads.CacheLoad(ctx, r)
	}
}

// errNoAnswer is what an observer is told of a call that panicked.
var errNoAnswer = errors.New("cacheddb: the tier panicked")

func observe(ctx context.Context, o session.CallObserver, c session.Call, f func(context.Context) error) error {
	ctx, end := o.BeginCall(ctx, c)
	err := errNoAnswer
	defer func() { end(err) }()
	err = f(ctx)
	return err
}

// observedCache is a cache within sight of an observer.
type observedCache struct {
	inner    Cache
	observer session.CallObserver
}

var _ Cache = (*observedCache)(nil)

func (c *observedCache) call(ctx context.Context, op string, size int, f func(context.Context) error) error {
	return observe(ctx, c.observer, session.Call{Tier: session.TierCache, Op: op, Size: size}, f)
}

func (c *observedCache) Get(ctx context.Context, id session.ID) (entry session.Cached, err error) {
	err = c.call(ctx, "get", 0, func(ctx context.Context) (err error) {
		entry, err = c.inner.Get(ctx, id)
		return err
	})
	return entry, err
}

func (c *observedCache) AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (placed bool, err error) {
	err = c.call(ctx, "lease", 0, func(ctx context.Context) (err error) {
		placed, err = c.inner.AddLease(ctx, id, lease, ttl)
		return err
	})
	return placed, err
}

func (c *observedCache) Fill(ctx context.Context, id session.ID, lease session.Lease, entry session.Cached) error {
	return c.call(ctx, "fill", len(entry.Record.Payload), func(ctx context.Context) error {
		return c.inner.Fill(ctx, id, lease, entry)
	})
}

func (c *observedCache) Replace(ctx context.Context, id session.ID, entry session.Cached) error {
	return c.call(ctx, "replace", len(entry.Record.Payload), func(ctx context.Context) error {
		return c.inner.Replace(ctx, id, entry)
	})
}

func (c *observedCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return c.call(ctx, "touch", 0, func(ctx context.Context) error {
		return c.inner.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (c *observedCache) Refresh(ctx context.Context, id session.ID, read, entry session.Cached) error {
	return c.call(ctx, "refresh", len(entry.Record.Payload), func(ctx context.Context) error {
		return c.inner.Refresh(ctx, id, read, entry)
	})
}

func (c *observedCache) Remove(ctx context.Context, id session.ID) error {
	return c.call(ctx, "remove", 0, func(ctx context.Context) error { return c.inner.Remove(ctx, id) })
}

// observedTruth is a database store within sight of an observer. Of its optional
// powers it has those to load afresh, which it does by Load where there is no
// other way; the others are asked for elsewhere.
type observedTruth struct {
	inner    session.Store
	observer session.CallObserver
}

var (
	_ session.Store       = (*observedTruth)(nil)
	_ session.FreshLoader = (*observedTruth)(nil)
)

func (s *observedTruth) call(ctx context.Context, op string, size int, f func(context.Context) error) error {
	return observe(ctx, s.observer, session.Call{Tier: session.TierDatabase, Op: op, Size: size}, f)
}

func (s *observedTruth) load(ctx context.Context, id session.ID, load func(context.Context, session.ID) (session.Record, error)) (rec session.Record, err error) {
	err = s.call(ctx, "load", 0, func(ctx context.Context) (err error) {
		rec, err = load(ctx, id)
		return err
	})
	return rec, err
}

func (s *observedTruth) Load(ctx context.Context, id session.ID) (session.Record, error) {
	return s.load(ctx, id, s.inner.Load)
}

func (s *observedTruth) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	if f, ok := s.inner.(session.FreshLoader); ok {
		return s.load(ctx, id, f.LoadFresh)
	}
	return s.Load(ctx, id)
}

func (s *observedTruth) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return s.call(ctx, "create", len(rec.Payload), func(ctx context.Context) error { return s.inner.Create(ctx, id, rec) })
}

func (s *observedTruth) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	return s.call(ctx, "update", len(rec.Payload), func(ctx context.Context) error { return s.inner.Update(ctx, id, rec, ifVersion) })
}

func (s *observedTruth) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return s.call(ctx, "touch", 0, func(ctx context.Context) error {
		return s.inner.Touch(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (s *observedTruth) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	return s.call(ctx, "delete", 0, func(ctx context.Context) error { return s.inner.Delete(ctx, id, ifVersion) })
}

package interleave

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// gatedCache is a cache each call of which stops, with a twin as gated has one.
type gatedCache struct {
	w     *world
	inner cacheddb.Cache
	twin  cacheddb.Cache // nil: none
}

var _ cacheddb.Cache = (*gatedCache)(nil)

func (g *gatedCache) call(ctx context.Context, k kind, what string, do func(ctx context.Context, to cacheddb.Cache) (string, error)) error {
	return g.w.at(ctx, call{kind: k, cache: true, what: what}, func(ctx context.Context, _ bool) (string, error) {
		got, err := do(ctx, g.inner)
		if g.twin != nil {
			g.w.same(what, got, err, func() (string, error) { return do(ctx, g.twin) })
		}
		return got, err
	})
}

func (g *gatedCache) Get(ctx context.Context, id session.ID) (entry session.Cached, err error) {
	err = g.call(ctx, reading, "get "+g.w.id(id), func(ctx context.Context, to cacheddb.Cache) (string, error) {
		e, err := to.Get(ctx, id)
		if to == g.inner {
			entry = e
		}
		return g.w.describe(e.Record, err), err
	})
	if err != nil {
		return session.Cached{}, err
	}
	return entry, nil
}

func (g *gatedCache) AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (ok bool, err error) {
	err = g.call(ctx, writing, "lease "+g.w.id(id), func(ctx context.Context, to cacheddb.Cache) (string, error) {
		added, err := to.AddLease(ctx, id, lease, ttl)
		if to == g.inner {
			ok = added
			if added {
				g.w.naming.Lock()
				g.w.leases[id] = held{lease, requestOf(ctx).label()}
				g.w.naming.Unlock()
			}
		}
		return fmt.Sprint(added), err
	})
	return ok && err == nil, err
}

// settles notes that a write removes whatever lease there is, or just the one
// that is given.
func (g *gatedCache) settles(id session.ID, lease ...session.Lease) {
	g.w.naming.Lock()
	defer g.w.naming.Unlock()
	if len(lease) == 0 || g.w.leases[id].lease == lease[0] {
		delete(g.w.leases, id)
	}
}

func (g *gatedCache) Fill(ctx context.Context, id session.ID, lease session.Lease, e session.Cached) error {
	what := fmt.Sprintf("fill %s %s", g.w.id(id), g.w.describe(e.Record, nil))
	return g.call(ctx, writing, what, func(ctx context.Context, to cacheddb.Cache) (string, error) {
		g.settles(id, lease)
		return "", to.Fill(ctx, id, lease, e)
	})
}

func (g *gatedCache) Replace(ctx context.Context, id session.ID, e session.Cached) error {
	what := fmt.Sprintf("replace %s %s", g.w.id(id), g.w.describe(e.Record, nil))
	return g.call(ctx, writing, what, func(ctx context.Context, to cacheddb.Cache) (string, error) {
		g.settles(id)
		return "", to.Replace(ctx, id, e)
	})
}

func (g *gatedCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return g.call(ctx, writing, fmt.Sprintf("raise %s %d", g.w.id(id), ifVersion), func(ctx context.Context, to cacheddb.Cache) (string, error) {
		g.settles(id)
		return "", to.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (g *gatedCache) Refresh(ctx context.Context, id session.ID, read, e session.Cached) error {
	what := fmt.Sprintf("refresh %s %s", g.w.id(id), g.w.describe(e.Record, nil))
	return g.call(ctx, writing, what, func(ctx context.Context, to cacheddb.Cache) (string, error) {
		return "", to.Refresh(ctx, id, read, e)
	})
}

func (g *gatedCache) Remove(ctx context.Context, id session.ID) error {
	return g.call(ctx, writing, "remove "+g.w.id(id), func(ctx context.Context, to cacheddb.Cache) (string, error) {
		g.settles(id)
		return "", to.Remove(ctx, id)
	})
}

// held is a lease and who placed it.
type held struct {
	lease session.Lease
	by    string
}

// evict has the cache lose everything.
func (w *world) evict() {
	ctx := context.Background()
	for _, id := range w.order {
		for _, c := range []cacheddb.Cache{w.cache.inner, w.cache.twin} {
			if c != nil {
				if err := c.Remove(ctx, id); err != nil && !errors.Is(err, session.ErrNotFound) {
					w.breaks("evicting: %v", err)
				}
			}
		}
		delete(w.leases, id)
	}
}

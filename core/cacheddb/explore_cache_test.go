package cacheddb_test

import (
	"context"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A rule is one of those that a Cache has to keep.
type rule string

const (
	fillNeedsLease       rule = "Fill replaces nothing but a lease"
	fillNeedsItsLease    rule = "Fill replaces no lease but its own"
	replacePlacesNothing rule = "Replace places nothing where there is nothing"
	replaceFillsNoLease  rule = "Replace places nothing where a lease is"
	replaceRemovesLease  rule = "Replace removes a lease"
	replaceLeavesNewer   rule = "Replace leaves a newer entry"
	replaceReplaces      rule = "Replace replaces an older entry"
	raiseChecksVersion   rule = "RaiseTimes leaves an entry of another version"
	raiseRemovesLease    rule = "RaiseTimes removes a lease"
	raiseRaises          rule = "RaiseTimes raises"
	refreshCompares      rule = "Refresh leaves an entry that is not the one that was read"
	refreshNeedsEntry    rule = "Refresh places nothing where there is nothing"
	removeRemoves        rule = "Remove removes an entry"
	removeRemovesLease   rule = "Remove removes a lease"
)

// specCache is the contract of Cache for one ID, in as few words as possible.
// It breaks the rule it is told to break.
type specCache struct {
	entry  *session.Cached
	lease  *session.Lease
	owner  string // of the lease
	breaks rule
}

func (c *specCache) holds() bool { return c.entry != nil || c.lease != nil }

func (c *specCache) evict() { c.entry, c.lease = nil, nil }

func (c *specCache) state(start time.Time) string {
	switch {
	case c.lease != nil:
		return "lease of " + c.owner
	case c.entry != nil:
		return describe(c.entry.Record, nil, start) + fmt.Sprint(c.entry.Checked.Sub(start))
	}
	return "nothing"
}

func (c *specCache) put(e session.Cached) { c.entry, c.lease = &e, nil }

func (c *specCache) addLease(l session.Lease, owner string) bool {
	if c.holds() {
		return false
	}
	c.lease, c.owner = &l, owner
	return true
}

func (c *specCache) fill(l session.Lease, e session.Cached) {
	switch {
	case c.lease != nil && (*c.lease == l || c.breaks == fillNeedsItsLease):
		c.put(e)
	case c.breaks == fillNeedsLease && (c.entry == nil || c.entry.Record.Version < e.Record.Version):
		c.put(e)
	}
}

func (c *specCache) replace(e session.Cached) {
	switch {
	case c.lease != nil && c.breaks == replaceFillsNoLease:
		c.put(e)
	case c.lease != nil:
		if c.breaks != replaceRemovesLease {
			c.lease = nil
		}
	case c.entry == nil && c.breaks == replacePlacesNothing:
		c.put(e)
	case c.entry == nil || c.breaks == replaceReplaces:
	case c.entry.Record.Version < e.Record.Version || c.breaks == replaceLeavesNewer:
		c.put(e)
	}
}

func (c *specCache) raise(lastSeen, expires time.Time, ifVersion uint64) {
	switch {
	case c.lease != nil:
		if c.breaks != raiseRemovesLease {
			c.lease = nil
		}
	case c.entry == nil || c.breaks == raiseRaises:
	case c.entry.Record.Version == ifVersion || c.breaks == raiseChecksVersion:
		e := *c.entry
		if lastSeen.After(e.Record.LastSeen) {
			e.Record.LastSeen = lastSeen
		}
		if expires.After(e.Record.Expires) {
			e.Record.Expires = expires
		}
		c.put(e)
	}
}

func (c *specCache) refresh(read, e session.Cached) {
	switch {
	case c.entry == nil && c.breaks == refreshNeedsEntry:
		c.put(e)
	case c.entry == nil:
	case c.breaks == refreshCompares || c.same(read):
		c.put(e)
	}
}

func (c *specCache) same(read session.Cached) bool {
	a, b := c.entry.Record, read.Record
	return a.Version == b.Version && a.Mark == b.Mark && c.entry.Checked.Equal(read.Checked) &&
		a.LastSeen.Equal(b.LastSeen) && a.Expires.Equal(b.Expires)
}

func (c *specCache) remove() {
	if c.breaks != removeRemoves {
		c.entry = nil
	}
	if c.breaks != removeRemovesLease {
		c.lease = nil
	}
}

// gatedCache is the cache as one process reaches it. What it does is done to a
// MemoryStore too, if the scenario says so, and must come out the same.
type gatedCache struct {
	w *world
	p *process
}

type deafKey struct{}

// call makes one call; other is the same for the MemoryStore.
func (g gatedCache) call(ctx context.Context, what string, do func() (string, error), other func(context.Context, *session.MemoryStore) (string, error)) error {
	return g.w.scheduler.at(ctx, g.p, cacheTier, what, func() (string, error) {
		if ctx.Value(deafKey{}) != nil {
			return "", nil
		}
		result, err := do()
		if g.w.compared {
			result2, err2 := other(context.Background(), g.w.memory)
			if result2 != result || (err == nil) != (err2 == nil) {
				g.w.fail("%s: the MemoryStore says %q %v, the contract %q %v", what, result2, err2, result, err)
			}
		}
		return result, err
	})
}

func (g gatedCache) Get(ctx context.Context, id session.ID) (entry session.Cached, err error) {
	start := g.w.scheduler.start
	err = g.call(ctx, "asks the cache", func() (string, error) {
		if g.w.cache.entry == nil {
			return "miss", session.ErrNotFound
		}
		entry = *g.w.cache.entry
		return g.w.cache.state(start), nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		e, err := m.Get(ctx, id)
		if err != nil {
			return "miss", err
		}
		return (&specCache{entry: &e}).state(start), nil
	})
	return entry, err
}

func (g gatedCache) AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (ok bool, err error) {
	owner, _ := ctx.Value(actorKey{}).(string)
	err = g.call(ctx, "leases", func() (string, error) {
		ok = g.w.cache.addLease(lease, owner)
		return fmt.Sprint(ok), nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		ok, err := m.AddLease(ctx, id, lease, ttl)
		return fmt.Sprint(ok), err
	})
	return ok, err
}

func (g gatedCache) Fill(ctx context.Context, id session.ID, lease session.Lease, e session.Cached) error {
	return g.call(ctx, fmt.Sprint("fills ", e.Record.Version), func() (string, error) {
		g.w.cache.fill(lease, e)
		return "", nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		return "", m.Fill(ctx, id, lease, e)
	})
}

func (g gatedCache) Replace(ctx context.Context, id session.ID, e session.Cached) error {
	return g.call(ctx, fmt.Sprint("replaces by ", e.Record.Version), func() (string, error) {
		g.w.cache.replace(e)
		return "", nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		return "", m.Replace(ctx, id, e)
	})
}

func (g gatedCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return g.call(ctx, "raises the times", func() (string, error) {
		g.w.cache.raise(lastSeen, expires, ifVersion)
		return "", nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		return "", m.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
	})
}

func (g gatedCache) Refresh(ctx context.Context, id session.ID, read, e session.Cached) error {
	return g.call(ctx, fmt.Sprint("refreshes to ", e.Record.Version), func() (string, error) {
		g.w.cache.refresh(read, e)
		return "", nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		return "", m.Refresh(ctx, id, read, e)
	})
}

func (g gatedCache) Remove(ctx context.Context, id session.ID) error {
	if id != sid { // the probe of a breaker that wants to close
		return g.call(ctx, "probes", func() (string, error) { return "", nil },
			func(context.Context, *session.MemoryStore) (string, error) { return "", nil })
	}
	return g.call(ctx, "removes", func() (string, error) {
		g.w.cache.remove()
		return "", nil
	}, func(ctx context.Context, m *session.MemoryStore) (string, error) {
		return "", m.Remove(ctx, id)
	})
}

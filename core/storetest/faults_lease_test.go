package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// keepsLeases remembers the leases that were placed.
func keepsLeases(b *brokenCache) *sync.Map {
	var m sync.Map
	b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
		ok, err := b.MemoryStore.AddLease(ctx, i, l, ttl)
		if ok {
			m.Store(i, l)
		}
		return ok, err
	}
	return &m
}

// fillsIf makes Fill place its entry where may says so, in addition to where
// it must.
func fillsIf(may func(placed, l lease, exists, nothing bool) bool) func(*brokenCache) {
	return func(b *brokenCache) {
		leases := keepsLeases(b)
		b.fill = func(ctx ctxt, i id, l lease, e entry) error {
			placed, _ := leases.LoadOrStore(i, lease{})
			_, exists, nothing := b.peek(ctx, i)
			if may(placed.(lease), l, exists, nothing) {
				return b.force(ctx, i, e)
			}
			return b.MemoryStore.Fill(ctx, i, l, e)
		}
	}
}

var leaseFaults = []cacheFault{
	{"a miss is an error of the driver", "Get/of nothing is ErrNotFound", func(b *brokenCache) {
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			if err != nil {
				err = errors.New("redis: nil")
			}
			return e, err
		}
	}},
	{"a lease is an empty entry", "Get/of a lease is ErrNotFound", func(b *brokenCache) {
		leases := keepsLeases(b)
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			if _, leased := leases.Load(i); leased {
				err = nil
			}
			return e, err
		}
	}},
	{"an entry can be read once", "Get/returns the entry, again and again", func(b *brokenCache) {
		n := 0
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			if n++; n > 4 {
				_ = b.MemoryStore.Remove(ctx, i)
			}
			return e, err
		}
	}},
	{"reading wipes a lease", "Get/leaves a lease as it is", func(b *brokenCache) {
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			if err != nil {
				_ = b.MemoryStore.Remove(ctx, i)
			}
			return e, err
		}
	}},
	{"no lease is ever placed", "AddLease/places a lease where nothing is", func(b *brokenCache) {
		b.add = func(ctx ctxt, _ id, _ lease, _ time.Duration) (bool, error) { return false, ctx.Err() }
	}},
	{"a lease replaces another", "AddLease/leaves another lease alone", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if _, exists, nothing := b.peek(ctx, i); !exists && !nothing {
				_ = b.MemoryStore.Remove(ctx, i)
			}
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
	}},
	{"a lease replaces another and says it does not", "AddLease/leaves another lease alone", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			ok, err := b.MemoryStore.AddLease(ctx, i, l, ttl)
			if _, exists, _ := b.peek(ctx, i); !ok && !exists {
				_ = b.MemoryStore.Remove(ctx, i)
				_, err = b.MemoryStore.AddLease(ctx, i, l, ttl)
			}
			return ok, err
		}
	}},
	{"the same lease is placed again", "AddLease/does not place the same lease twice", func(b *brokenCache) {
		leases := keepsLeases(b)
		add := b.add
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if placed, ok := leases.Load(i); ok && placed == l {
				return true, nil
			}
			return add(ctx, i, l, ttl)
		}
	}},
	{"a lease replaces an entry", "AddLease/leaves an entry alone", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if _, exists, _ := b.peek(ctx, i); exists {
				_ = b.MemoryStore.Remove(ctx, i)
			}
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
	}},
	{"an ID takes one lease in its life", "AddLease/places a lease after the entry was removed", func(b *brokenCache) {
		leases := keepsLeases(b)
		add := b.add
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if _, ok := leases.Load(i); ok {
				return false, nil
			}
			return add(ctx, i, l, ttl)
		}
	}},
	{"a lease never ends", "AddLease/lets a lease end, which then fills nothing", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, _ time.Duration) (bool, error) {
			return b.MemoryStore.AddLease(ctx, i, l, time.Hour)
		}
	}},
	{"a fill does not look whose lease it is", "AddLease/lets a lease end, which then fills nothing", fillsIf(func(_, _ lease, exists, nothing bool) bool { return !exists && !nothing })},
	{"fill does nothing", "Fill/replaces the lease by the entry", func(b *brokenCache) {
		b.fill = func(ctx ctxt, _ id, _ lease, _ entry) error { return ctx.Err() }
	}},
	{"fill needs no lease", "Fill/places nothing where nothing is", fillsIf(func(_, _ lease, _, nothing bool) bool { return nothing })},
	{"fill takes any lease", "Fill/with another lease has no effect", fillsIf(func(_, _ lease, exists, nothing bool) bool { return !exists && !nothing })},
	{"fill compares half the lease", "Fill/with another lease has no effect", fillsIf(func(placed, l lease, exists, nothing bool) bool {
		return !exists && !nothing && string(placed[:8]) == string(l[:8])
	})},
	{"a lease is good for every ID", "Fill/with the lease of another ID has no effect", func(b *brokenCache) {
		var m sync.Map
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			m.Store(l, true)
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
		b.fill = func(ctx ctxt, i id, l lease, e entry) error {
			if _, ok := m.Load(l); ok {
				return b.force(ctx, i, e)
			}
			return nil
		}
	}},
	{"a lease fills twice", "Fill/works once: the lease is used up", fillsIf(func(placed, l lease, _, _ bool) bool { return placed == l })},
	{"fill replaces what is older", "Fill/with no lease leaves an entry, older or newer, alone", fillsIf(func(_, _ lease, exists, _ bool) bool { return exists })},
	{"a fill after a removal works", "Fill/with a lease that was removed has no effect", fillsIf(func(placed, l lease, _, nothing bool) bool { return nothing && placed == l })},
	{"a fill after a fill and a removal works", "Fill/with a lease from before a fill and a removal has no effect", fillsIf(func(placed, l lease, _, nothing bool) bool { return nothing && placed == l })},
	{"an earlier lease fills", "Fill/with a lease from before another has no effect", fillsIf(func(_, _ lease, exists, nothing bool) bool { return !exists && !nothing })},
	{"the lease of zero bytes is none", "Fill/accepts any lease, also of zero bytes", func(b *brokenCache) {
		b.fill = func(ctx ctxt, i id, l lease, e entry) error {
			if l == (lease{}) {
				return nil
			}
			return b.MemoryStore.Fill(ctx, i, l, e)
		}
	}},
	{"remove does nothing", "Remove/removes an entry", func(b *brokenCache) {
		b.remove = func(ctx ctxt, _ id) error { return ctx.Err() }
	}},
	{"remove leaves a lease", "Remove/removes a lease", func(b *brokenCache) {
		b.remove = func(ctx ctxt, i id) error {
			if _, err := b.MemoryStore.Get(ctx, i); err != nil {
				return ctx.Err()
			}
			return b.MemoryStore.Remove(ctx, i)
		}
	}},
	{"removing nothing is ErrNotFound", "Remove/of nothing is no error", func(b *brokenCache) {
		b.remove = func(ctx ctxt, i id) error {
			if _, _, nothing := b.peek(ctx, i); nothing {
				return session.ErrNotFound
			}
			return b.MemoryStore.Remove(ctx, i)
		}
	}},
	{"remove clears all leases", "Remove/removes nothing else", func(b *brokenCache) {
		leases := keepsLeases(b)
		b.remove = func(ctx ctxt, i id) error {
			leases.Range(func(other, _ any) bool {
				if _, err := b.MemoryStore.Get(ctx, other.(id)); err != nil {
					_ = b.MemoryStore.Remove(ctx, other.(id))
				}
				return true
			})
			return b.MemoryStore.Remove(ctx, i)
		}
	}},
}

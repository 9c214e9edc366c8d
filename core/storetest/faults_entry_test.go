package storetest

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"
)

// replacesIf makes Replace place its entry where may says so, in addition.
func replacesIf(may func(old, e entry, exists, nothing bool) bool) func(*brokenCache) {
	return func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			if old, exists, nothing := b.peek(ctx, i); may(old, e, exists, nothing) {
				return b.force(ctx, i, e)
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}
}

// raises lets how change an entry on every touch; it tells whether to cache it.
func raises(how func(e *entry, lastSeen, expires time.Time, v uint64) bool) func(*brokenCache) {
	return func(b *brokenCache) {
		b.raise = func(ctx ctxt, i id, l, x time.Time, v uint64) error {
			if e, exists, _ := b.peek(ctx, i); exists && how(&e, l, x, v) {
				return b.force(ctx, i, e)
			}
			return b.MemoryStore.RaiseTimes(ctx, i, l, x, v)
		}
	}
}

func setBoth(e *entry, lastSeen, expires time.Time) bool {
	return setTimes(&e.Record, lastSeen, expires)
}

// refreshesIf makes Refresh place its entry where may says so, in addition.
func refreshesIf(may func(have, read entry, exists, nothing bool) bool) func(*brokenCache) {
	return func(b *brokenCache) {
		b.refresh = func(ctx ctxt, i id, read, e entry) error {
			if have, exists, nothing := b.peek(ctx, i); may(have, read, exists, nothing) {
				return b.force(ctx, i, e)
			}
			return b.MemoryStore.Refresh(ctx, i, read, e)
		}
	}
}

// caches changes the entries that are given.
func caches(how func(e *entry)) func(*brokenCache) {
	return func(b *brokenCache) {
		b.fill = func(ctx ctxt, i id, l lease, e entry) error { how(&e); return b.MemoryStore.Fill(ctx, i, l, e) }
		b.replace = func(ctx ctxt, i id, e entry) error { how(&e); return b.MemoryStore.Replace(ctx, i, e) }
	}
}

var entryFaults = []cacheFault{
	{"replace does nothing", "Replace/replaces an entry of a lower version", func(b *brokenCache) {
		b.replace = func(ctx ctxt, _ id, _ entry) error { return ctx.Err() }
	}},
	{"replace compares versions as text", "Replace/replaces an entry of a lower version", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			old, exists, _ := b.peek(ctx, i)
			if exists && old.Record.Version == 3 && e.Record.Version == 10 {
				return nil
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}},
	{"replace keeps the later times", "Replace/replaces an entry of a lower version", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			if old, exists, _ := b.peek(ctx, i); exists && old.Record.Expires.After(e.Record.Expires) {
				e.Record.Expires = old.Record.Expires
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}},
	{"replace replaces the same version", "Replace/leaves an entry of the same or a higher version", replacesIf(func(old, e entry, exists, _ bool) bool {
		return exists && old.Record.Version == e.Record.Version
	})},
	{"replace replaces what is newer", "Replace/leaves an entry of the same or a higher version", replacesIf(func(old, e entry, exists, _ bool) bool {
		return exists && old.Record.Version > e.Record.Version
	})},
	{"replace fills a lease", "Replace/removes a lease and places nothing", replacesIf(func(_, _ entry, exists, nothing bool) bool { return !exists && !nothing })},
	{"replace leaves a lease", "Replace/removes a lease and places nothing", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			if _, exists, _ := b.peek(ctx, i); !exists {
				return ctx.Err()
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}},
	{"a lease counts as version 0", "Replace/removes a lease also for version 0", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			if e.Record.Version == 0 {
				return ctx.Err()
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}},
	{"replace places where nothing is", "Replace/places nothing where nothing is", replacesIf(func(_, _ entry, _, nothing bool) bool { return nothing })},
	{"marks are not cached", "Replace/turns an entry into that of a moved mark", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			if e.Record.MovedTo != "" {
				return nil
			}
			return b.MemoryStore.Replace(ctx, i, e)
		}
	}},
	{"replace replaces every entry", "Replace/replaces no other entry", func(b *brokenCache) {
		leases := keepsLeases(b)
		b.replace = func(ctx ctxt, _ id, e entry) error {
			leases.Range(func(i, _ any) bool { return b.MemoryStore.Replace(ctx, i.(id), e) == nil })
			return ctx.Err()
		}
	}},
	{"a touch checks the entry", "RaiseTimes/moves LastSeen and Expires forward and changes nothing else", raises(func(e *entry, l, x time.Time, v uint64) bool {
		e.Checked = time.Now()
		return e.Record.Version == v && setBoth(e, l, x)
	})},
	{"a touch does nothing", "RaiseTimes/moves LastSeen and Expires forward and changes nothing else", func(b *brokenCache) {
		b.raise = func(ctx ctxt, _ id, _, _ time.Time, _ uint64) error { return ctx.Err() }
	}},
	{"a touch sets what it is given", "RaiseTimes/never moves backwards", raises(func(e *entry, l, x time.Time, v uint64) bool {
		return e.Record.Version == v && setBoth(e, l, x)
	})},
	{"a touch judges both times by one", "RaiseTimes/moves each time on its own", raises(func(e *entry, l, x time.Time, v uint64) bool {
		return e.Record.Version == v && (!l.After(e.Record.LastSeen) || setBoth(e, l, x))
	})},
	{"a touch does not mind the version", "RaiseTimes/leaves an entry of another version", raises(func(e *entry, l, x time.Time, _ uint64) bool { return setBoth(e, l, x) })},
	{"a touch leaves a lease", "RaiseTimes/removes a lease, whatever the version", func(b *brokenCache) {
		b.raise = func(ctx ctxt, i id, l, x time.Time, v uint64) error {
			if _, exists, _ := b.peek(ctx, i); !exists {
				return ctx.Err()
			}
			return b.MemoryStore.RaiseTimes(ctx, i, l, x, v)
		}
	}},
	{"a touch places", "RaiseTimes/places nothing where nothing is", func(b *brokenCache) {
		b.raise = func(ctx ctxt, i id, l, x time.Time, v uint64) error {
			if _, _, nothing := b.peek(ctx, i); nothing {
				return b.force(ctx, i, entry{Record: rec{Version: v, LastSeen: l, Expires: x}})
			}
			return b.MemoryStore.RaiseTimes(ctx, i, l, x, v)
		}
	}},
	{"a touch is a version", "RaiseTimes/is no write: the next version replaces the entry, also by earlier times", raises(func(e *entry, l, x time.Time, v uint64) bool {
		current := e.Record.Version == v
		e.Record.Version++
		return current && setBoth(e, l, x)
	})},
	{"refresh does nothing", "Refresh/replaces exactly the entry that was read", func(b *brokenCache) {
		b.refresh = func(ctx ctxt, _ id, _, _ entry) error { return ctx.Err() }
	}},
	{"refresh goes forward only", "Refresh/replaces exactly the entry that was read", func(b *brokenCache) {
		b.refresh = func(ctx ctxt, i id, read, e entry) error {
			if e.Record.Version < read.Record.Version {
				return nil
			}
			return b.MemoryStore.Refresh(ctx, i, read, e)
		}
	}},
	{"what Get returns is not what was read", "Refresh/works with what Get returned", func(b *brokenCache) {
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			e.Record.Mark = [8]byte{}
			return e, err
		}
	}},
	{"refresh compares versions only", "Refresh/leaves an entry that differs in any one of what tells it", refreshesIf(func(have, read entry, exists, _ bool) bool {
		return exists && have.Record.Version == read.Record.Version
	})},
	{"refresh does not compare the mark", "Refresh/leaves an entry that differs in any one of what tells it", refreshesIf(func(have, read entry, exists, _ bool) bool {
		have.Record.Mark = read.Record.Mark
		return exists && told(have) == told(read)
	})},
	{"refresh does not compare Checked", "Refresh/leaves an entry that differs in any one of what tells it", refreshesIf(func(have, read entry, exists, _ bool) bool {
		have.Checked = read.Checked
		return exists && told(have) == told(read)
	})},
	{"refresh does not compare LastSeen", "Refresh/leaves an entry that differs in any one of what tells it", refreshesIf(func(have, read entry, exists, _ bool) bool {
		have.Record.LastSeen = read.Record.LastSeen
		return exists && told(have) == told(read)
	})},
	{"refresh does not compare Expires", "Refresh/leaves an entry that differs in any one of what tells it", refreshesIf(func(have, read entry, exists, _ bool) bool {
		have.Record.Expires = read.Record.Expires
		return exists && told(have) == told(read)
	})},
	{"refresh compares payloads", "Refresh/does not mind what else differs", func(b *brokenCache) {
		b.refresh = func(ctx ctxt, i id, read, e entry) error {
			if have, _, _ := b.peek(ctx, i); string(have.Record.Payload) != string(read.Record.Payload) {
				return nil
			}
			return b.MemoryStore.Refresh(ctx, i, read, e)
		}
	}},
	{"refresh does not see touches", "Refresh/after a touch that came between leaves the entry", refreshesIf(func(have, read entry, exists, _ bool) bool {
		return exists && have.Record.Mark == read.Record.Mark
	})},
	{"refresh places", "Refresh/after a removal places nothing", refreshesIf(func(_, _ entry, _, nothing bool) bool { return nothing })},
	{"refresh fills a lease", "Refresh/leaves a lease as it is", refreshesIf(func(_, _ entry, exists, nothing bool) bool { return !exists && !nothing })},
	{"refresh wipes a lease", "Refresh/leaves a lease as it is", func(b *brokenCache) {
		b.refresh = func(ctx ctxt, i id, read, e entry) error {
			if _, exists, _ := b.peek(ctx, i); !exists {
				return b.MemoryStore.Remove(ctx, i)
			}
			return b.MemoryStore.Refresh(ctx, i, read, e)
		}
	}},
	{"Checked is not kept", "Entry/keeps every field", caches(func(e *entry) { e.Checked = Now() })},
	{"the successor is not cached", "Entry/keeps every field", caches(func(e *entry) { e.Record.MovedTo = "" })},
	{"a zero Checked becomes 1970", "Entry/keeps zero values", caches(func(e *entry) {
		if e.Checked.IsZero() {
			e.Checked = time.Unix(0, 0)
		}
	})},
	{"payloads are text in the cache", "Entry/keeps a payload of any bytes", caches(func(e *entry) {
		e.Record.Payload = []byte(strings.ToValidUTF8(string(e.Record.Payload), "?"))
	})},
	{"times in the cache are in nanoseconds", "Entry/keeps times far away", caches(func(e *entry) {
		e.Record.LifetimeEnd = time.Unix(0, e.Record.LifetimeEnd.UnixNano())
	})},
	{"entries go when the record expires", "Entry/is kept beyond the record's expiry, for the engine to judge", func(b *brokenCache) {
		b.fill = func(ctx ctxt, i id, l lease, e entry) error {
			if e.Record.Expires.Before(time.Now()) {
				return b.MemoryStore.Remove(ctx, i)
			}
			return b.MemoryStore.Fill(ctx, i, l, e)
		}
	}},
	{"the cache keeps the payload given", "Entry/shares no memory with the caller", func(b *brokenCache) {
		var m sync.Map
		b.replace = func(ctx ctxt, i id, e entry) error {
			m.Store(i, e.Record.Payload)
			return b.MemoryStore.Replace(ctx, i, e)
		}
		b.get = func(ctx ctxt, i id) (entry, error) {
			e, err := b.MemoryStore.Get(ctx, i)
			if p, ok := m.Load(i); ok {
				e.Record.Payload = p.([]byte)
			}
			return e, err
		}
	}},
	{"a malformed ID takes a lease", "CacheID/malformed is ErrNotFound, false or no effect", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if !i.Valid() {
				return true, nil
			}
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
	}},
	{"the cache ignores the case of letters", "CacheID/that differs in the case of letters is another ID", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if _, exists, _ := b.peek(ctx, otherCase(i)); exists {
				return false, nil
			}
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
	}},
	{"two caches are one", "CacheApart/two caches keep different entries under one ID", func(*brokenCache) {}},
	{"two caches are one to leases", "CacheApart/a lease of one cache is nothing to another", func(*brokenCache) {}},
	{"removing from the cache removes from the store", "CacheApart/what is cached is not stored, and what is stored is not cached", func(b *brokenCache) {
		b.remove = func(ctx ctxt, i id) error {
			_ = b.MemoryStore.Delete(ctx, i, 1)
			return b.MemoryStore.Remove(ctx, i)
		}
	}},
	{"the cache ignores the context", "CacheContext/cancelled before the call is an error without an effect", func(b *brokenCache) {
		b.remove = func(ctx ctxt, i id) error { return b.MemoryStore.Remove(context.WithoutCancel(ctx), i) }
	}},
	{"the cache looks at the context after the write", "CacheContext/past its deadline before the call is an error without an effect", func(b *brokenCache) {
		b.replace = func(ctx ctxt, i id, e entry) error {
			return cmp.Or(b.MemoryStore.Replace(context.WithoutCancel(ctx), i, e), ctx.Err())
		}
	}},
}

// told is what Refresh compares.
func told(e entry) [5]any {
	r := e.Record
	return [5]any{r.Version, r.Mark, r.LastSeen.UnixMicro(), r.Expires.UnixMicro(), e.Checked.UnixMicro()}
}

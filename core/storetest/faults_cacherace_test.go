package storetest

import (
	"time"
)

// Each of these reads and writes in two steps.

func splitFill(b *brokenCache) {
	leases := keepsLeases(b)
	b.fill = func(ctx ctxt, i id, l lease, e entry) error {
		_, exists, nothing := b.peek(ctx, i)
		if placed, _ := leases.Load(i); exists || nothing || placed != l {
			return nil
		}
		b.wait()
		return b.force(ctx, i, e)
	}
}

func splitReplace(b *brokenCache) {
	b.replace = func(ctx ctxt, i id, e entry) error {
		old, exists, _ := b.peek(ctx, i)
		if !exists {
			return b.MemoryStore.Remove(ctx, i)
		}
		if old.Record.Version >= e.Record.Version {
			return nil
		}
		b.wait()
		return b.force(ctx, i, e)
	}
}

func splitRaise(b *brokenCache) {
	b.raise = func(ctx ctxt, i id, l, x time.Time, v uint64) error {
		e, exists, _ := b.peek(ctx, i)
		if !exists || e.Record.Version != v {
			return b.MemoryStore.RaiseTimes(ctx, i, l, x, v)
		}
		b.wait()
		if l.After(e.Record.LastSeen) {
			e.Record.LastSeen = l
		}
		if x.After(e.Record.Expires) {
			e.Record.Expires = x
		}
		return b.force(ctx, i, e)
	}
}

func splitRefresh(b *brokenCache) {
	b.refresh = func(ctx ctxt, i id, read, e entry) error {
		if have, exists, _ := b.peek(ctx, i); !exists || told(have) != told(read) {
			return nil
		}
		b.wait()
		return b.force(ctx, i, e)
	}
}

var cacheRaceFaults = []cacheFault{
	{"a lease is placed after a look", "CacheRace/of leases has one winner, who can fill", func(b *brokenCache) {
		b.add = func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
			if _, _, nothing := b.peek(ctx, i); !nothing {
				return false, nil
			}
			b.wait()
			_ = b.MemoryStore.Remove(ctx, i)
			return b.MemoryStore.AddLease(ctx, i, l, ttl)
		}
	}},
	{"fill looks first, and a removal comes between", "CacheRace/of a fill and a removal leaves nothing", splitFill},
	{"fill looks first, and a replacement comes between", "CacheRace/of a fill and a replacement leaves the newer entry or nothing", splitFill},
	{"fill looks first, and a touch comes between", "CacheRace/of a fill and a touch leaves the later times or nothing", splitFill},
	{"replace looks first, and another comes between", "CacheRace/of replacements ends with the highest version", splitReplace},
	{"replace looks first, and a removal comes between", "CacheRace/of a replacement and a removal leaves nothing", splitReplace},
	{"a touch looks first, and a removal comes between", "CacheRace/of a touch and a removal leaves nothing", splitRaise},
	{"a touch looks first, and a replacement comes between", "CacheRace/of a touch and a replacement leaves the replacement", splitRaise},
	{"a touch looks first, and another comes between", "CacheRace/of touches ends with the latest times", splitRaise},
	{"a refresh leaves versions that it was not given", "CacheRace/of refreshes of one entry has one winner", func(b *brokenCache) {
		b.refresh = func(ctx ctxt, i id, read, e entry) error {
			have, exists, _ := b.peek(ctx, i)
			if !exists {
				return nil
			}
			b.wait()
			e.Record.Payload = append(have.Record.Payload, e.Record.Payload...)
			return b.force(ctx, i, e)
		}
	}},
	{"refresh looks first, and a replacement comes between", "CacheRace/of a refresh and a replacement leaves the replacement", splitRefresh},
	{"refresh looks first, and a removal comes between", "CacheRace/of a refresh and a removal leaves nothing", splitRefresh},
}

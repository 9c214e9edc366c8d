package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

type (
	lease = session.Lease
	entry = session.Cached
)

// A brokenCache is a memory store, as a cache, of which single methods were
// replaced.
type brokenCache struct {
	*session.MemoryStore
	gap

	get     func(ctx ctxt, i id) (entry, error)
	add     func(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error)
	fill    func(ctx ctxt, i id, l lease, e entry) error
	replace func(ctx ctxt, i id, e entry) error
	raise   func(ctx ctxt, i id, lastSeen, expires time.Time, v uint64) error
	refresh func(ctx ctxt, i id, read, e entry) error
	remove  func(ctx ctxt, i id) error
}

func newBrokenCache(how func(b *brokenCache)) *brokenCache {
	m := session.NewMemoryStore(session.MemoryOptions{})
	b := &brokenCache{
		MemoryStore: m, get: m.Get, add: m.AddLease, fill: m.Fill,
		replace: m.Replace, raise: m.RaiseTimes, refresh: m.Refresh, remove: m.Remove,
	}
	how(b)
	return b
}

func (b *brokenCache) Get(ctx ctxt, i id) (entry, error) {
	defer b.finished.Add(1)
	return b.get(ctx, i)
}

func (b *brokenCache) AddLease(ctx ctxt, i id, l lease, ttl time.Duration) (bool, error) {
	defer b.finished.Add(1)
	return b.add(ctx, i, l, ttl)
}

func (b *brokenCache) Fill(ctx ctxt, i id, l lease, e entry) error {
	defer b.finished.Add(1)
	return b.fill(ctx, i, l, e)
}

func (b *brokenCache) Replace(ctx ctxt, i id, e entry) error {
	defer b.finished.Add(1)
	return b.replace(ctx, i, e)
}

func (b *brokenCache) RaiseTimes(ctx ctxt, i id, lastSeen, expires time.Time, v uint64) error {
	defer b.finished.Add(1)
	return b.raise(ctx, i, lastSeen, expires, v)
}

func (b *brokenCache) Refresh(ctx ctxt, i id, read, e entry) error {
	defer b.finished.Add(1)
	return b.refresh(ctx, i, read, e)
}

func (b *brokenCache) Remove(ctx ctxt, i id) error {
	defer b.finished.Add(1)
	return b.remove(ctx, i)
}

// force caches e whatever is there.
func (b *brokenCache) force(ctx ctxt, i id, e entry) error {
	if ctx.Err() != nil || !i.Valid() {
		return ctx.Err()
	}
	var none lease
	for {
		_ = b.MemoryStore.Remove(ctx, i)
		_, _ = b.MemoryStore.AddLease(ctx, i, none, time.Hour)
		_ = b.MemoryStore.Fill(ctx, i, none, e)
		if _, err := b.MemoryStore.Get(ctx, i); err == nil {
			return nil
		}
	}
}

// peek returns the entry that is there, and whether there is nothing at all. A
// lease is neither.
func (b *brokenCache) peek(ctx ctxt, i id) (e entry, exists, nothing bool) {
	if e, err := b.MemoryStore.Get(ctx, i); err == nil {
		return e, true, false
	}
	probe := newLease()
	if ok, _ := b.MemoryStore.AddLease(ctx, i, probe, time.Hour); !ok {
		return entry{}, false, false
	}
	_ = b.MemoryStore.Remove(ctx, i)
	return entry{}, false, true
}

// A cacheFault is to a cache what a fault is to a store.
type cacheFault struct {
	name   string
	caught string
	how    func(b *brokenCache)
}

func TestTheSuiteCatchesBrokenCaches(t *testing.T) {
	defer func(p time.Duration) { patience = p }(patience)
	patience = 10 * time.Millisecond // only a fault waits for it
	toothless := map[string]bool{}
	checks := map[string]cacheCheck{}
	for _, topic := range cacheTopics {
		for _, c := range topic.checks {
			toothless[topic.name+"/"+c.name] = true
			checks[topic.name+"/"+c.name] = c
		}
	}
	var faults []cacheFault
	for _, f := range [][]cacheFault{leaseFaults, entryFaults, cacheRaceFaults} {
		faults = append(faults, f...)
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			c, ok := checks[f.caught]
			if !ok {
				t.Fatalf("there is no check %q", f.caught)
			}
			open := func() cacheddb.Cache { return newBrokenCache(f.how) }
			if strings.HasPrefix(f.caught, "CacheApart/") {
				one := open() // that is the fault
				open = func() cacheddb.Cache { return one }
			}
			said := fails(t, func(r testing.TB) { c.run(newCacheSubject(r, open)) })
			if said == "" {
				t.Fatalf("%q did not notice", f.caught)
			}
			t.Logf("%s: %s", f.caught, said)
			delete(toothless, f.caught)
		})
	}
	if t.Failed() {
		return
	}
	for name := range toothless {
		t.Errorf("no fault is caught by %q", name)
	}
}

func TestTheSuiteAcceptsACacheWrapperThatBreaksNothing(t *testing.T) {
	RunCache(t, func(*testing.T) cacheddb.Cache { return newBrokenCache(func(*brokenCache) {}) })
}

package session

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// memoryCache is the other role of a MemoryStore: a cache for package cacheddb.
type memoryCache struct {
	budget budget
	leases atomic.Int64  // how many there are
	victim atomic.Uint32 // the shard to evict from next
	shards [memoryShards]cacheShard
}

// A cacheShard holds a part of the cache. Leases and entries are in lists of
// their own: a flood of loads of unknown IDs, each of which leaves a lease, must
// not evict the entries.
type cacheShard struct {
	mu      sync.Mutex
	byID    map[ID]*cacheItem
	leases  itemList // oldest last
	entries itemList // least recently used last
}

// A cacheItem is a lease or an entry.
type cacheItem struct {
	id    ID
	list  *itemList // the one it is in: tells a lease from an entry
	lease Lease
	until time.Time // of a lease: when it ends
	entry Cached    // Payload is replaced, never written to
	size  int64

	prev, next *cacheItem
}

func (sh *cacheShard) init() {
	sh.byID = make(map[ID]*cacheItem)
	sh.leases.init()
	sh.entries.init()
}

// Get implements cacheddb.Cache.
func (s *MemoryStore) Get(ctx context.Context, id ID) (Cached, error) {
	if err := memoryContext(ctx); err != nil {
		return Cached{}, err
	}
	if !id.Valid() {
		return Cached{}, ErrNotFound
	}
	sh := s.cacheShard(id)
	sh.mu.Lock()
	item := s.cache.find(sh, id)
	if item == nil || item.list == &sh.leases {
		sh.mu.Unlock()
		return Cached{}, ErrNotFound
	}
	sh.entries.moveToFront(item)
	entry := item.entry
	sh.mu.Unlock()
	entry.Record.Payload = bytes.Clone(entry.Record.Payload)
	return entry, nil
}

// AddLease implements cacheddb.Cache.
func (s *MemoryStore) AddLease(ctx context.Context, id ID, lease Lease, ttl time.Duration) (bool, error) {
	if err := memoryContext(ctx); err != nil {
		return false, err
	}
	if !id.Valid() {
		return false, nil
	}
	sh := s.cacheShard(id)
	sh.mu.Lock()
	if s.cache.find(sh, id) != nil {
		sh.mu.Unlock()
		return false, nil
	}
	item := &cacheItem{id: ID(strings.Clone(string(id))), lease: lease, until: time.Now().Add(ttl), size: memoryOverhead}
	sh.byID[item.id] = item
	sh.leases.pushFront(item)
	s.cache.leases.Add(1)
	s.cache.budget.add(1, item.size)
	sh.mu.Unlock()
	s.cache.evict()
	return true, nil
}

// Fill implements cacheddb.Cache.
func (s *MemoryStore) Fill(ctx context.Context, id ID, lease Lease, entry Cached) error {
	return s.change(ctx, id, entry, func(sh *cacheShard, item *cacheItem) bool {
		return item.list == &sh.leases && item.lease == lease
	})
}

// Replace implements cacheddb.Cache.
func (s *MemoryStore) Replace(ctx context.Context, id ID, entry Cached) error {
	return s.change(ctx, id, entry, func(sh *cacheShard, item *cacheItem) bool {
		if item.list == &sh.leases {
			s.cache.drop(sh, item)
			return false
		}
		return item.entry.Record.Version < entry.Record.Version
	})
}

// Refresh implements cacheddb.Cache.
func (s *MemoryStore) Refresh(ctx context.Context, id ID, read, entry Cached) error {
	return s.change(ctx, id, entry, func(sh *cacheShard, item *cacheItem) bool {
		have, want := &item.entry, &read
		return item.list == &sh.entries &&
			have.Record.Version == want.Record.Version &&
			have.Record.Mark == want.Record.Mark &&
			have.Checked.Equal(toMicro(want.Checked)) &&
			have.Record.LastSeen.Equal(toMicro(want.Record.LastSeen)) &&
			have.Record.Expires.Equal(toMicro(want.Record.Expires))
	})
}

// change puts entry in the place of the item under id, if there is one and may
// allows it. may is called with the shard locked.
func (s *MemoryStore) change(ctx context.Context, id ID, entry Cached, may func(*cacheShard, *cacheItem) bool) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	entry.Record.Payload = bytes.Clone(entry.Record.Payload)
	sh := s.cacheShard(id)
	sh.mu.Lock()
	if item := s.cache.find(sh, id); item != nil && may(sh, item) {
		s.cache.put(sh, item, entry)
	}
	sh.mu.Unlock()
	s.cache.evict()
	return nil
}

// RaiseTimes implements cacheddb.Cache.
func (s *MemoryStore) RaiseTimes(ctx context.Context, id ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	sh := s.cacheShard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch item := s.cache.find(sh, id); {
	case item == nil:
	case item.list == &sh.leases:
		s.cache.drop(sh, item)
	case item.entry.Record.Version == ifVersion:
		raise(&item.entry.Record, toMicro(lastSeen), toMicro(expires))
	}
	return nil
}

// Remove implements cacheddb.Cache.
func (s *MemoryStore) Remove(ctx context.Context, id ID) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	sh := s.cacheShard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if item := sh.byID[id]; item != nil {
		s.cache.drop(sh, item)
	}
	return nil
}

func (s *MemoryStore) cacheShard(id ID) *cacheShard {
	return &s.cache.shards[s.shardOf(string(id))]
}

package session

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// MemoryStore keeps records in the memory of this process. It is the default
// store, right for tests, development and an application that is one process
// and may sign everybody out when it restarts.
//
// It is not for several processes: each would have sessions of its own. Its
// contents are lost at restart.
//
// It is bounded (see [MemoryOptions]). When it is full, Create, and an Update
// that makes a record larger, drop the records that expired longer than
// [ExpiryGrace] ago and return [ErrFull] if that is not enough: a session that
// is alive is never given up for another. It needs no goroutine and no call of
// Purge: each Create also drops a few expired records.
//
// It is also a cache for package cacheddb. Its entries are apart from its
// records, have bounds of their own, and are evicted, about the least recently
// used first, when those are reached.
//
// All methods are safe for concurrent use. Two MemoryStores share nothing.
type MemoryStore struct {
	options MemoryOptions // as given, for Validate
	seed    maphash.Seed

	budget     budget // of the records
	records    [memoryShards]recordShard
	principals [memoryShards]principalShard

	cache memoryCache
}

var (
	_ Store     = (*MemoryStore)(nil)
	_ Lister    = (*MemoryStore)(nil)
	_ Purger    = (*MemoryStore)(nil)
	_ Scanner   = (*MemoryStore)(nil)
	_ Pinger    = (*MemoryStore)(nil)
	_ Validator = (*MemoryStore)(nil)
)

// MemoryOptions bounds a [MemoryStore]. The zero value means the defaults.
type MemoryOptions struct {
	// MaxRecords is how many records are kept at most as a Store; expired ones
	// count until they are dropped. Reached, new sessions are refused with
	// ErrFull, and their requests fail. Default 100,000.
	MaxRecords int
	// MaxCached is how many entries and leases are kept at most as a cache.
	// Reached, older ones are evicted. Default 100,000.
	MaxCached int
	// MaxBytes bounds the memory of the records, and again that of the cached
	// entries. It counts payloads and text exactly and the rest by estimate.
	// Default 256 MiB, so 512 MiB if both are in use.
	MaxBytes int64
}

const (
	memoryShards    = 64
	defaultMaxItems = 100_000
	defaultMaxBytes = 256 << 20
	memoryOverhead  = 512 // bytes of a record or entry besides its text and payload
)

// NewMemoryStore returns an empty store.
func NewMemoryStore(o MemoryOptions) *MemoryStore {
	s := &MemoryStore{options: o, seed: maphash.MakeSeed()}
	maxBytes := positive(o.MaxBytes, defaultMaxBytes)
	s.budget = budget{maxItems: positive(int64(o.MaxRecords), defaultMaxItems), maxBytes: maxBytes}
	s.cache.budget = budget{maxItems: positive(int64(o.MaxCached), defaultMaxItems), maxBytes: maxBytes}
	for i := range memoryShards {
		s.records[i].byID = make(map[ID]*memoryRecord)
		s.principals[i].sets = make(map[string][]*memoryRecord)
		s.cache.shards[i].init()
	}
	return s
}

func positive(n, standard int64) int64 {
	if n > 0 {
		return n
	}
	return standard
}

// Validate returns an error for a negative bound.
func (s *MemoryStore) Validate() error {
	o := s.options
	for _, b := range []struct {
		name  string
		value int64
	}{{"MaxRecords", int64(o.MaxRecords)}, {"MaxCached", int64(o.MaxCached)}, {"MaxBytes", o.MaxBytes}} {
		if b.value < 0 {
			return fmt.Errorf("%w: MemoryOptions.%s is %d; it must not be negative (0 is the default)",
				ErrInvalid, b.name, b.value)
		}
	}
	return nil
}

// Ping returns the error of ctx, if it has one.
func (s *MemoryStore) Ping(ctx context.Context) error { return memoryContext(ctx) }

// memoryContext is what each method begins with: the error of a context that
// has ended.
func memoryContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("session: memory store: %w", err)
	}
	return nil
}

// shardOf spreads keys over the shards; nobody outside can aim at one.
func (s *MemoryStore) shardOf(key string) int {
	return int(maphash.String(s.seed, key) % memoryShards)
}

// toMicro brings a time to the form that stores keep.
func toMicro(t time.Time) time.Time {
	t = t.UTC() // also drops the monotonic clock
	return t.Add(-time.Duration(t.Nanosecond() % int(time.Microsecond)))
}

// A budget counts items and bytes against their bounds.
type budget struct {
	maxItems, maxBytes int64
	items, bytes       atomic.Int64
}

// take claims room, or nothing and returns false where there is not enough.
func (b *budget) take(items, bytes int64) bool {
	if !claim(&b.items, items, b.maxItems) {
		return false
	}
	if !claim(&b.bytes, bytes, b.maxBytes) {
		b.items.Add(-items)
		return false
	}
	return true
}

// add counts what comes or, negative, goes, whatever the bounds.
func (b *budget) add(items, bytes int64) {
	b.items.Add(items)
	b.bytes.Add(bytes)
}

// over tells whether a bound is exceeded.
func (b *budget) over() bool {
	return b.items.Load() > b.maxItems || b.bytes.Load() > b.maxBytes
}

func claim(used *atomic.Int64, n, most int64) bool {
	for n > 0 {
		old := used.Load()
		if old+n > most {
			return false
		}
		if used.CompareAndSwap(old, old+n) {
			return true
		}
	}
	used.Add(n)
	return true
}

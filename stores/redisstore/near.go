package redisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
)

// NearOptions configures a near cache: what Load and Get return is kept in the
// memory of this process too, and returned from there without asking Redis. It
// pays where sessions are read far more often than written. The zero value is no
// near cache.
//
// The process hears of every write to a key from Redis itself, on a connection of
// its own (CLIENT TRACKING in broadcasting mode), mostly within a millisecond.
// Writes of this Store are seen by all its loads at once. What *another* process
// (or another Store) wrote, a logout too, is seen after MaxStale at the latest: an
// entry is served only while Redis has confirmed, within MaxStale, that everything
// there was to hear has been heard. While it has not, loads ask Redis, as they do
// without a near cache. Two things are older:
//
//   - In a failover in which Redis has two masters for a while, a process that
//     still reaches the old one sees what that one has, as without a near cache.
//   - Where the application's client asks another server than before, the
//     connection follows within MaxStale of its first answer from there. What was
//     read in between from the old one is asked again after a minute.
//
// Only what can be decoded is kept: no absence and no lease. LoadFresh, which the
// engine calls after a conflict and an unknown outcome, and for every Revoke,
// always asks Redis.
//
// Each process hears of every write under the prefix, which a site that mostly
// writes pays for in vain. Twice per MaxStale the application's client is used to
// find out which server it asks (INFO); its hooks see that, and do not see the
// connection that hears.
//
// It needs a *redis.Client (also of redis.NewFailoverClient) that speaks protocol
// 3, and a user of Redis that may run CLIENT TRACKING beside what the package
// documentation lists. Whether it works is told by NearState; while it does not,
// the store works as without it. The connection is made at the first load and
// kept until Close.
type NearOptions struct {
	// Bytes is the most memory that entries may take, with all that is needed to
	// keep them. 0 is no near cache, the default; else at least 1 MiB.
	Bytes int64

	// MaxStale is how old what a load returns can be, compared with what Redis
	// held: the time for which another process may still see a session that was
	// changed or ended while no message of it gets through. Redis is asked
	// whether all was heard five times a second, or four times per MaxStale if
	// that is more often; with a short MaxStale, loads ask Redis as soon as an
	// answer is a little late. From 100 milliseconds to a minute; default 1 second.
	MaxStale time.Duration
}

const (
	defaultMaxStale = time.Second
	leastMaxStale   = 100 * time.Millisecond
	mostMaxStale    = time.Minute
	leastNear       = 1 << 20

	// nearAge is how long an entry is served at most, whatever was heard. It
	// bounds what nobody tells: that it came from a server which is no longer
	// the one that is asked.
	nearAge = time.Minute
)

func (o NearOptions) withDefaults() NearOptions {
	if o.MaxStale == 0 {
		o.MaxStale = defaultMaxStale
	}
	return o
}

func (o NearOptions) validate(rdb redis.UniversalClient) error {
	if o.Bytes == 0 {
		return nil
	}
	if o.Bytes < leastNear {
		return fmt.Errorf("redisstore: Options.Near.Bytes is %d; it must be at least %d (0 is no near cache)", o.Bytes, leastNear)
	}
	if o.MaxStale < leastMaxStale || o.MaxStale > mostMaxStale {
		return fmt.Errorf("redisstore: Options.Near.MaxStale is %v; it must be from %v to %v (0 is the default)", o.MaxStale, leastMaxStale, mostMaxStale)
	}
	c, ok := rdb.(*redis.Client)
	if !ok {
		return errors.New("redisstore: Options.Near cannot serve with a Cluster client, whose nodes each tell of their own keys only: leave Near.Bytes 0, or use a *redis.Client")
	}
	if c.Options().Protocol == 2 {
		return errors.New("redisstore: Options.Near needs the client to speak protocol 3 (redis.Options.Protocol), by which Redis tells of changes: leave Protocol 0 or set it to 3, or leave Near.Bytes 0")
	}
	return nil
}

// NearState is what a near cache is doing; see [NearOptions].
type NearState struct {
	// Serving tells whether loads may be answered from memory at this moment.
	Serving bool
	// Heard is a time before which nothing was written by anybody that has not
	// been heard; zero without a connection.
	Heard time.Time
	// Entries and Bytes are what is kept, about.
	Entries int
	Bytes   int64
	// Err is why the connection that tells of changes ended last, or could not
	// be made; nil if it never did. It may stand again.
	Err error
}

// NearState tells what the near cache is doing. It does no I/O.
func (s *Store) NearState() NearState {
	n := s.near
	if n == nil {
		return NearState{}
	}
	st := NearState{Serving: n.serving(time.Now()), Entries: n.kept.EstimatedSize(), Bytes: int64(n.kept.WeightedSize())}
	if until := n.until.Load(); until != never {
		st.Heard = n.base.Add(time.Duration(until) - n.o.MaxStale)
	}
	if err := n.err.Load(); err != nil {
		st.Err = *err
	}
	return st
}

// Close ends the near cache and its connection, for which it waits up to
// Options.Timeout; without a near cache it does nothing. The
// store goes on without a near cache. It does not close the application's client.
func (s *Store) Close() error {
	if s.near != nil {
		s.near.close()
	}
	return nil
}

// Caches tells whether Load may return what is older than what LoadFresh does.
func (s *Store) Caches() bool { return s.near != nil }

// LoadFresh implements session.FreshLoader: it is Load, always from Redis. What a
// near cache holds of the record is dropped, so that no load in this process
// afterwards returns what is older.
func (s *Store) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	if !id.Valid() {
		return session.Record{}, session.ErrNotFound
	}
	defer s.forget(nearKey{id: id})
	c, err := call(ctx, s, "load", s.askRecord(id))
	return c.Record, err
}

// forget drops what a near cache holds of a key. Each write calls it when all is
// over, whatever came of it, before it returns.
func (s *Store) forget(k nearKey) {
	if s.near != nil {
		s.near.forget(k)
	}
}

// A nearKey is a record, or an entry of a cache.
type nearKey struct {
	entry bool
	id    session.ID
}

// keyOf is what a key of Redis holds; false if it is nothing that is kept.
func (n *near) keyOf(key string) (k nearKey, ok bool) {
	rest, ok := strings.CutPrefix(key, n.store.prefix)
	if !ok {
		return k, false
	}
	rest, k.entry = strings.CutPrefix(rest, "c:")
	k.id = session.ID(rest)
	return k, len(rest) == idLen
}

// nearValue is what is kept, and never changed. A record has no Checked.
type nearValue struct {
	session.Cached
	generation uint64
	at         time.Time // when its flight began
}

// near is a near cache.
//
// What makes it right: a load registers a flight before it asks Redis, and keeps
// the answer only if the flight is still registered when it has come. Whatever
// tells of a change, an own write or Redis, removes the flight and the value in
// one step. And when it can no longer be told that everything was heard, a new
// generation begins, in which nothing from before counts.
type near struct {
	store *Store
	o     NearOptions
	base  time.Time // times are counted from it, by the monotonic clock
	kept  *otter.Cache[nearKey, *nearValue]

	generation atomic.Uint64
	until      atomic.Int64 // until when values may be served
	untilWall  atomic.Int64 // the same by the wall clock, since the other one stops when the machine sleeps
	shards     [64]shard    // the flights
	err        atomic.Pointer[error]

	started atomic.Bool
	mu      sync.Mutex // of what follows, to start and close
	closed  bool
	end     context.CancelFunc
	ended   chan struct{}
}

const never = -1 // of until

func newNear(s *Store, o NearOptions) *near {
	n := &near{store: s, o: o, base: time.Now()}
	n.until.Store(never)
	n.kept = otter.Must(&otter.Options[nearKey, *nearValue]{
		MaximumWeight: uint64(o.Bytes),
		Weigher:       func(_ nearKey, v *nearValue) uint32 { return v.weight() },
		Executor:      func(f func()) { f() }, // no goroutines
	})
	return n
}

// bookkeeping is what an entry takes beside its texts: the value, the ID, the
// node and its part of the table. It is a little more than was measured.
const bookkeeping = unsafe.Sizeof(nearValue{}) + 272

func (v *nearValue) weight() uint32 {
	r := &v.Record
	return uint32(int(bookkeeping) + len(r.Principal) + len(r.MovedTo) + len(r.Device.Address) + len(r.Device.UserAgent) + len(r.Payload))
}

func (n *near) serving(now time.Time) bool {
	return int64(now.Sub(n.base)) <= n.until.Load() && now.UnixNano() <= n.untilWall.Load()
}

// load is what Load and Get do.
func (n *near) load(ctx context.Context, op string, k nearKey) (session.Cached, error) {
	if ctx.Err() == nil {
		if c, ok := n.hit(k); ok {
			return c, nil
		}
	}
	n.start()
	ask := n.store.askRecord
	if k.entry {
		ask = n.store.askEntry
	}
	return call(ctx, n.store, op, func(ctx context.Context) (session.Cached, error) {
		return n.fetch(ctx, k, ask(k.id))
	})
}

// hit returns what is kept. What looks expired is asked of Redis, where it may
// have been removed, which nobody tells in time.
func (n *near) hit(k nearKey) (session.Cached, bool) {
	now := time.Now()
	if !n.serving(now) {
		return session.Cached{}, false
	}
	v, ok := n.kept.GetIfPresent(k)
	if !ok || v.generation != n.generation.Load() || now.Sub(v.at) > nearAge || !now.Before(v.Record.Expires) {
		return session.Cached{}, false
	}
	return apart(v.Cached), true
}

// apart returns c with a payload of its own.
func apart(c session.Cached) session.Cached {
	c.Record.Payload = bytes.Clone(c.Record.Payload)
	return c
}

// forget drops the value and the flight of a key.
func (n *near) forget(k nearKey) {
	s := n.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, k)
	n.kept.Invalidate(k)
}

// forgetAll drops everything.
func (n *near) forgetAll() {
	n.generation.Add(1)
	for i := range n.shards {
		s := &n.shards[i]
		s.mu.Lock()
		clear(s.flights)
		s.mu.Unlock()
	}
	n.kept.InvalidateAll()
}

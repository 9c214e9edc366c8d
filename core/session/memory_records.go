package session

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"strings"
	"sync"
	"time"
)

// A memoryRecord is a record in its place. All but the last group is guarded
// by the mutex of its shard.
type memoryRecord struct {
	id   ID     // never changes
	rec  Record // Payload is replaced, never written to
	size int64

	due  int64 // place in the shard's heap by expiry, in Unix microseconds; never after rec.Expires
	slot int   // index in that heap

	principal string // the set it is in, and its place there; guarded by the
	created   int64  // principalShard while it is in one
}

// A recordShard holds a part of the records. A principalShard may be locked
// while holding it, never the other way round.
type recordShard struct {
	mu   sync.Mutex
	byID map[ID]*memoryRecord
	due  dueHeap
}

// Load implements [Store].
func (s *MemoryStore) Load(ctx context.Context, id ID) (Record, error) {
	rec, err := s.share(ctx, id)
	rec.Payload = bytes.Clone(rec.Payload)
	return rec, err
}

// share is Load for the engine, which does not change a payload: it returns the store's
// own, which is replaced and never written to.
func (s *MemoryStore) share(ctx context.Context, id ID) (Record, error) {
	if err := memoryContext(ctx); err != nil {
		return Record{}, err
	}
	if !id.Valid() {
		return Record{}, ErrNotFound
	}
	sh := &s.records[s.shardOf(string(id))]
	sh.mu.Lock()
	m := sh.byID[id]
	if m == nil {
		sh.mu.Unlock()
		return Record{}, ErrNotFound
	}
	rec := m.rec
	sh.mu.Unlock()
	return rec, nil
}

// Create implements [Store]. It returns [ErrFull] where a bound is reached.
func (s *MemoryStore) Create(ctx context.Context, id ID, rec Record) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return ErrNotFound
	}
	now, size := notAfter(rec.LastSeen), recordSize(&rec)
	if !s.budget.take(1, size) {
		s.dropExpired(now)
		if !s.budget.take(1, size) {
			return ErrFull
		}
	}
	m := &memoryRecord{id: ID(strings.Clone(string(id))), size: size}
	m.rec = ownRecord(rec, &m.rec)
	m.due = m.rec.Expires.UnixMicro()
	sh := &s.records[s.shardOf(string(id))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s.dropDue(sh, now.Add(-ExpiryGrace), 2)
	if sh.byID[id] != nil {
		s.budget.add(-1, -size)
		return ErrExists
	}
	sh.byID[m.id] = m
	heap.Push(&sh.due, m)
	s.index(m)
	return nil
}

// Update implements [Store]. It returns [ErrFull] where the record would grow
// beyond the bound.
func (s *MemoryStore) Update(ctx context.Context, id ID, rec Record, ifVersion uint64) error {
	rec.Payload = bytes.Clone(rec.Payload)
	return s.take(ctx, id, rec, ifVersion)
}

// take is Update for the engine, which does not change the payload afterwards either.
func (s *MemoryStore) take(ctx context.Context, id ID, rec Record, ifVersion uint64) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return ErrNotFound
	}
	err := s.update(id, rec, ifVersion)
	if errors.Is(err, ErrFull) {
		s.dropExpired(notAfter(rec.LastSeen))
		err = s.update(id, rec, ifVersion)
	}
	return err
}

// notAfter is the time by which others have expired: now, or by the engine's
// clock, if that is behind, the time of a record that is just written.
func notAfter(seen time.Time) time.Time {
	if now := time.Now(); seen.IsZero() || seen.After(now) {
		return now
	}
	return seen
}

func (s *MemoryStore) update(id ID, rec Record, ifVersion uint64) error {
	payload := rec.Payload
	sh := &s.records[s.shardOf(string(id))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.byID[id]
	if m == nil {
		return ErrNotFound
	}
	if m.rec.Version != ifVersion {
		return ErrConflict
	}
	rec.Payload = nil
	rec = ownRecord(rec, &m.rec)
	rec.Payload = payload
	if m.rec.LastSeen.After(rec.LastSeen) {
		rec.LastSeen = m.rec.LastSeen
	}
	size := recordSize(&rec)
	if !s.budget.take(0, size-m.size) {
		return ErrFull
	}
	moved := rec.Principal != m.rec.Principal || !rec.Created.Equal(m.rec.Created)
	if moved {
		s.unindex(m)
	}
	m.rec, m.size = rec, size
	if moved {
		s.index(m)
	}
	if due := rec.Expires.UnixMicro(); due < m.due {
		m.due = due
		heap.Fix(&sh.due, m.slot)
	}
	return nil
}

// Touch implements [Store].
func (s *MemoryStore) Touch(ctx context.Context, id ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	sh := &s.records[s.shardOf(string(id))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m := sh.byID[id]; m != nil && m.rec.Version == ifVersion {
		raise(&m.rec, toMicro(lastSeen), toMicro(expires))
	}
	return nil
}

// raise moves the times of use forward, each on its own.
func raise(rec *Record, lastSeen, expires time.Time) {
	if lastSeen.After(rec.LastSeen) {
		rec.LastSeen = lastSeen
	}
	if expires.After(rec.Expires) {
		rec.Expires = expires
	}
}

// Delete implements [Store].
func (s *MemoryStore) Delete(ctx context.Context, id ID, ifVersion uint64) error {
	if err := memoryContext(ctx); err != nil {
		return err
	}
	if !id.Valid() {
		return nil
	}
	sh := &s.records[s.shardOf(string(id))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.byID[id]
	if m == nil {
		return nil
	}
	if m.rec.Version != ifVersion {
		return ErrConflict
	}
	s.drop(sh, m)
	return nil
}

// ownRecord returns rec as the store may keep it: sharing no memory with the
// caller (text may be a slice of something much longer), times in the kept
// form. Text equal to that of old is taken from there.
func ownRecord(rec Record, old *Record) Record {
	rec.Principal = ownText(rec.Principal, old.Principal)
	rec.MovedTo = ID(ownText(string(rec.MovedTo), string(old.MovedTo)))
	rec.Device.Address = ownText(rec.Device.Address, old.Device.Address)
	rec.Device.UserAgent = ownText(rec.Device.UserAgent, old.Device.UserAgent)
	for _, t := range []*time.Time{&rec.Created, &rec.Authenticated, &rec.LastSeen, &rec.Expires, &rec.LifetimeEnd} {
		*t = toMicro(*t)
	}
	rec.Payload = bytes.Clone(rec.Payload)
	return rec
}

func ownText(s, old string) string {
	if s == old {
		return old
	}
	return strings.Clone(s)
}

func recordSize(r *Record) int64 {
	return int64(memoryOverhead + len(r.Payload) + len(r.Principal) + len(r.MovedTo) +
		len(r.Device.Address) + len(r.Device.UserAgent))
}

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
)

// The methods below make a Store a cache for package cacheddb, whose Cache
// interface is the contract. Each is one command. Entries and leases are under
// keys of their own, apart from the records.

// Get implements cacheddb.Cache. It is one GET, or none where Options.Near has the
// entry.
func (s *Store) Get(ctx context.Context, id session.ID) (session.Cached, error) {
	if !id.Valid() {
		return session.Cached{}, session.ErrNotFound
	}
	if s.near != nil {
		return s.near.load(ctx, "cache get", nearKey{entry: true, id: id})
	}
	return call(ctx, s, "cache get", s.askEntry(id))
}

// askEntry asks Redis for an entry.
func (s *Store) askEntry(id session.ID) func(context.Context) (session.Cached, error) {
	key := s.cacheKey(id)
	return func(ctx context.Context) (session.Cached, error) {
		rec, checked, err := s.get(ctx, key, kindEntry)
		if errors.Is(err, session.ErrUndecodable) {
			err = session.ErrNotFound
		}
		return session.Cached{Record: rec, Checked: checked}, err
	}
}

// AddLease implements cacheddb.Cache. A ttl below a millisecond is one.
func (s *Store) AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (bool, error) {
	if !id.Valid() {
		return false, nil
	}
	defer s.forget(nearKey{entry: true, id: id})
	key, value := s.cacheKey(id), encodeLease(lease)
	return call(ctx, s, "cache lease", func(ctx context.Context) (bool, error) {
		_, err := s.send(ctx, 1, "set", key, value, "nx", "px", max(ttl.Milliseconds(), 1))
		if errors.Is(err, redis.Nil) {
			return false, nil
		}
		return err == nil, err
	})
}

// Fill implements cacheddb.Cache.
func (s *Store) Fill(ctx context.Context, id session.ID, lease session.Lease, entry session.Cached) error {
	return s.put(ctx, "cache fill", fillScript, id, entry, encodeLease(lease))
}

// Replace implements cacheddb.Cache.
func (s *Store) Replace(ctx context.Context, id session.ID, entry session.Cached) error {
	return s.put(ctx, "cache replace", replaceScript, id, entry)
}

// Refresh implements cacheddb.Cache.
func (s *Store) Refresh(ctx context.Context, id session.ID, read, entry session.Cached) error {
	was, err := encode(kindEntry, &session.Record{
		Version: read.Record.Version, Mark: read.Record.Mark,
		LastSeen: read.Record.LastSeen, Expires: read.Record.Expires,
	}, read.Checked)
	if err != nil {
		return fmt.Errorf("redisstore: cache refresh: %w", err)
	}
	return s.put(ctx, "cache refresh", refreshScript, id, entry, was[:atCreated])
}

// put runs a script that may store an entry. args come before it.
func (s *Store) put(ctx context.Context, op string, sc script, id session.ID, entry session.Cached, args ...any) error {
	if !id.Valid() {
		return nil
	}
	defer s.forget(nearKey{entry: true, id: id})
	value, err := encode(kindEntry, &entry.Record, entry.Checked)
	if err != nil {
		return fmt.Errorf("redisstore: %s: %w", op, err)
	}
	key, ttl := s.cacheKey(id), millis(keep(entry.Record.Expires, time.Now()))
	_, err = call(ctx, s, op, func(ctx context.Context) (string, error) {
		return s.run(ctx, sc, []string{key}, append(args, value, ttl)...)
	})
	return err
}

// RaiseTimes implements cacheddb.Cache.
func (s *Store) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if !id.Valid() {
		return nil
	}
	defer s.forget(nearKey{entry: true, id: id})
	key, ttl := s.cacheKey(id), millis(keep(expires, time.Now()))
	_, err := call(ctx, s, "cache raise", func(ctx context.Context) (string, error) {
		return s.run(ctx, raiseScript, []string{key},
			number(ifVersion), number(fromTime(lastSeen)), number(fromTime(expires)), ttl)
	})
	return err
}

// Remove implements cacheddb.Cache. It is one DEL, which the driver may repeat:
// that does no harm.
func (s *Store) Remove(ctx context.Context, id session.ID) error {
	if !id.Valid() {
		return nil
	}
	defer s.forget(nearKey{entry: true, id: id})
	key := s.cacheKey(id)
	_, err := call(ctx, s, "cache remove", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.repeat(ctx, redis.NewIntCmd(ctx, "del", key), settle)
	})
	return err
}

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// A Store keeps sessions in Redis. It is a session.Store, and a cache for
// package cacheddb. All methods are safe for concurrent use, by any number of
// processes that share the server and the prefix.
//
// An error of a method names what was being done and wraps its cause; it holds
// neither a payload nor a token. Where the caller's context ended, or the time
// limit passed, the call returns, and a write may still take effect.
type Store struct {
	rdb     redis.UniversalClient
	options Options
	prefix  string
	invalid error // what Validate says

	// Commands that the driver may repeat, and those that it must not, since a write
	// whose answer is lost may have taken effect.
	repeatable, once *batch.Batcher[redis.Cmder]

	// separate: the index cannot be written in the script that writes the
	// record, since they are in different slots.
	separate atomic.Bool
	near     *near // nil: none
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.FreshLoader = (*Store)(nil)
	_ session.Lister      = (*Store)(nil)
	_ session.Purger      = (*Store)(nil)
	_ session.Scanner     = (*Store)(nil)
	_ session.Pinger      = (*Store)(nil)
	_ session.Validator   = (*Store)(nil)
)

// New returns a store over the application's client, which stays the
// application's: it may be used for anything else, and is to be closed when
// the store is no longer used. rdb is a *redis.Client (also of
// redis.NewFailoverClient, but without ReplicaOnly) or a *redis.ClusterClient
// that reads from masters. New does no I/O. What is wrong with the arguments is
// told by Validate, which session.New calls.
func New(rdb redis.UniversalClient, o Options) *Store {
	o = o.withDefaults()
	s := &Store{rdb: rdb, options: o, prefix: o.Prefix}
	if err := validate(rdb, o); err != nil {
		s.invalid = fmt.Errorf("%w: %w", err, session.ErrInvalid)
		return s
	}
	s.repeatable, s.once = newBatcher(rdb, o.Timeout), newBatcher(rdb, o.Timeout)
	if _, cluster := rdb.(*redis.ClusterClient); cluster {
		s.separate.Store(true)
	}
	if o.Near.Bytes > 0 {
		s.near = newNear(s, o.Near)
	}
	return s
}

// Load implements session.Store. It is one GET, or none where Options.Near has
// the record.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if !id.Valid() {
		return session.Record{}, session.ErrNotFound
	}
	if s.near != nil {
		c, err := s.near.load(ctx, "load", nearKey{id: id})
		return c.Record, err
	}
	c, err := call(ctx, s, "load", s.askRecord(id))
	return c.Record, err
}

// askRecord asks Redis for a record.
func (s *Store) askRecord(id session.ID) func(context.Context) (session.Cached, error) {
	key := s.recordKey(id)
	return func(ctx context.Context) (session.Cached, error) {
		rec, _, err := s.get(ctx, key, kindRecord)
		return session.Cached{Record: rec}, err
	}
}

// get returns what is at a key: ErrNotFound where there is nothing, ErrUndecodable
// where it is none of ours.
func (s *Store) get(ctx context.Context, key, kind string) (rec session.Record, stamp time.Time, err error) {
	cmd := redis.NewStringCmd(ctx, "get", key)
	switch err := s.repeat(ctx, cmd, 0); {
	case errors.Is(err, redis.Nil):
		return rec, stamp, session.ErrNotFound
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return rec, stamp, session.ErrUndecodable
	case err != nil:
		return rec, stamp, err
	}
	rec, stamp, payload, err := decodeHead(kind, cmd.Val())
	if err == nil && payload != "" {
		all, _ := cmd.Bytes() // the value once more, which is nobody's but ours
		rec.Payload = all[len(all)-len(payload):]
	}
	return rec, stamp, err
}

// Create implements session.Store. It is one script, and for a record with a
// principal on Cluster a second one before it. session.ErrFull is a server that
// has reached its maxmemory.
func (s *Store) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if !id.Valid() {
		return session.ErrNotFound
	}
	defer s.forget(nearKey{id: id})
	now := time.Now()
	value, err := encode(kindRecord, &rec, now)
	if err != nil {
		return fmt.Errorf("redisstore: create: %w", err)
	}
	key, ttl := s.recordKey(id), millis(keep(rec.Expires, now))
	in := indexed{rec.Principal, rec.Created, now, later(rec.Expires, rec.LifetimeEnd)}
	return s.change(ctx, "create", func(ctx context.Context) (string, error) {
		if in.principal == "" {
			return s.run(ctx, createScript, []string{key}, value, ttl)
		}
		if !s.separate.Load() {
			byCreated, byEnd := s.indexKeys(in.principal)
			reply, err := s.run(ctx, createScript, []string{key, byCreated, byEnd},
				append([]any{value, ttl}, in.args(id, now)...)...)
			if !redis.HasErrorPrefix(err, "CROSSSLOT") {
				return reply, err
			}
			s.separate.Store(true) // a proxy in front of a cluster; nothing was done
		}
		if err := s.enlist(ctx, id, in); err != nil {
			return "", err
		}
		return s.run(ctx, createScript, []string{key}, value, ttl)
	})
}

// Update implements session.Store. It is one script. A second one follows where
// the record loses its principal or its lifetime ends later than before.
func (s *Store) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if !id.Valid() {
		return session.ErrNotFound
	}
	defer s.forget(nearKey{id: id})
	now := time.Now()
	value, err := encode(kindRecord, &rec, now)
	if err != nil {
		return fmt.Errorf("redisstore: update: %w", err)
	}
	key, ttl := s.recordKey(id), millis(keep(rec.Expires, now))
	is := indexed{rec.Principal, rec.Created, time.Time{}, later(rec.Expires, rec.LifetimeEnd)}
	return s.change(ctx, "update", func(ctx context.Context) (string, error) {
		reply, err := s.run(ctx, updateScript, []string{key}, number(ifVersion), value, ttl)
		if was, ok := indexedIn(reply); ok {
			is.added = was.added
			s.follow(ctx, id, was, is)
		}
		return reply, err
	})
}

// Touch implements session.Store. It is one script, and for a record with a
// principal a second one, which enters the record into the index again. What is
// stored under the key and cannot be read is session.ErrUndecodable.
func (s *Store) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if !id.Valid() {
		return nil
	}
	defer s.forget(nearKey{id: id})
	key, ttl := s.recordKey(id), millis(keep(expires, time.Now()))
	err := s.change(ctx, "touch", func(ctx context.Context) (string, error) {
		reply, err := s.run(ctx, touchScript, []string{key},
			number(ifVersion), number(fromTime(lastSeen)), number(fromTime(expires)), ttl)
		if in, ok := indexedIn(reply); ok {
			err = s.enlist(ctx, id, in)
		}
		return reply, err
	})
	if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

// Delete implements session.Store. It is one script, and for a record with a
// principal a second one, which takes the record out of the index. What is
// stored under the key and cannot be read stays, and is session.ErrUndecodable.
func (s *Store) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if !id.Valid() {
		return nil
	}
	defer s.forget(nearKey{id: id})
	key := s.recordKey(id)
	err := s.change(ctx, "delete", func(ctx context.Context) (string, error) {
		return s.remove(ctx, deleteScript, id, key, number(ifVersion))
	})
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

// remove runs a script that deletes a record, and takes it out of the index.
func (s *Store) remove(ctx context.Context, sc script, id session.ID, key, arg string) (string, error) {
	reply, err := s.run(ctx, sc, []string{key}, arg)
	if was, ok := indexedIn(reply); ok {
		s.follow(ctx, id, was, indexed{})
	}
	return reply, err
}

// Ping implements session.Pinger. On Cluster it asks every master.
func (s *Store) Ping(ctx context.Context) error {
	_, err := read(ctx, s, "ping", func(ctx context.Context) (struct{}, error) {
		if c, ok := s.rdb.(*redis.ClusterClient); ok {
			return struct{}{}, c.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
				return master.Ping(ctx).Err()
			})
		}
		return struct{}{}, s.rdb.Ping(ctx).Err()
	})
	return err
}

// change calls f and turns a script's answer into the error it means.
func (s *Store) change(ctx context.Context, op string, f func(context.Context) (string, error)) error {
	_, err := call(ctx, s, op, func(ctx context.Context) (struct{}, error) {
		reply, err := f(ctx)
		if err == nil {
			err = meaning(reply)
		}
		return struct{}{}, err
	})
	return err
}

func meaning(reply string) error {
	if reply == "" {
		return errMalformed
	}
	switch reply[0] {
	case done:
		return nil
	case absent:
		return session.ErrNotFound
	case exists:
		return session.ErrExists
	case conflict:
		return session.ErrConflict
	case unreadable:
		return session.ErrUndecodable
	}
	return errMalformed
}

// maxKeep is the longest that a key is given to live; longer overflows.
const maxKeep = 200 * 365 * 24 * time.Hour

// keep is how long a key with a record that expires at the given time has to
// live: ExpiryGrace longer than the record, and than this moment.
func keep(expires, now time.Time) time.Duration {
	return min(max(expires.Sub(now), 0), maxKeep) + session.ExpiryGrace
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds()+1, 10) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

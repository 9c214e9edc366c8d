package redisstore

import (
	"context"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Purge implements session.Purger. Redis removes expired records by itself,
// session.ExpiryGrace after their expiry, so there is no need to call it: it
// finds what is not yet gone. It walks over all keys.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit < 1 {
		return 0, nil
	}
	w, err := s.walkFrom(ctx, place{}, scanCount)
	if err != nil {
		return 0, err
	}
	n := 0
	for !w.over() {
		keys, err := w.step(ctx)
		if err != nil {
			return n, err
		}
		expired, err := s.expired(ctx, keys, before)
		if err != nil {
			return n, err
		}
		for _, id := range expired {
			reply, err := call(ctx, s, "purge", func(ctx context.Context) (string, error) {
				return s.remove(ctx, purgeScript, id, s.recordKey(id), number(fromTime(before)))
			})
			s.forget(nearKey{id: id})
			if err != nil {
				return n, err
			}
			if meaning(reply) == nil {
				n++
			}
			if n == limit {
				return n, nil
			}
		}
	}
	return n, nil
}

// PurgesItself tells session.Manager.PurgeEvery that it is not needed.
func (s *Store) PurgesItself() bool { return true }

// expired picks the records that expired before the given time.
func (s *Store) expired(ctx context.Context, keys []string, before time.Time) ([]session.ID, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return read(ctx, s, "purge", func(ctx context.Context) ([]session.ID, error) {
		values, err := s.ranges(ctx, keys, atExpires, atExpires+7)
		if err != nil {
			return nil, err
		}
		var ids []session.ID
		for i, key := range keys {
			id, ok := s.recordID(key)
			if ok && len(values[i]) == 8 && uint64At(values[i], 0) < fromTime(before) {
				ids = append(ids, id)
			}
		}
		return ids, nil
	})
}

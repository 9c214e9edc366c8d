package redisstore

import (
	"context"
	"fmt"

	"github.com/seshat-go/seshat/core/session"
)

const (
	scanCount = 1000 // keys that one step of a walk may look at
	scanSteps = 16   // steps of one page at most: other keys may be many
)

// Scan implements session.Scanner. It walks over the keys of each master in
// turn; a page may be empty and yet not the last. What is no record is passed
// over. Where the server of the page before was restarted or replaced, nobody
// knows what is left: Scan returns an error, and the walk must begin again.
// Records whose slot moves to another master during the walk can be missed.
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("redisstore: scan: %w: the limit of a page is %d; it must be positive", session.ErrInvalid, limit)
	}
	at, err := parsePlace(after)
	if err != nil {
		return nil, "", fmt.Errorf("redisstore: scan: %w", err)
	}
	w, err := s.walkFrom(ctx, at, min(limit, scanCount))
	if err != nil {
		return nil, "", err
	}
	var page []session.Stored
	for range scanSteps {
		keys, err := w.step(ctx)
		if err != nil {
			return nil, "", err
		}
		found, err := s.records(ctx, keys)
		if err != nil {
			return nil, "", err
		}
		page = append(page, found...)
		if w.over() || 2*len(page) >= limit {
			break
		}
	}
	return page, w.place(), nil
}

// records reads the records at keys in one round trip.
func (s *Store) records(ctx context.Context, keys []string) ([]session.Stored, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return read(ctx, s, "scan", func(ctx context.Context) ([]session.Stored, error) {
		values, err := s.ranges(ctx, keys, 0, -1)
		if err != nil {
			return nil, err
		}
		found := make([]session.Stored, 0, len(keys))
		for i, key := range keys {
			id, ok := s.recordID(key)
			rec, _, err := decode(kindRecord, values[i])
			if ok && err == nil {
				found = append(found, session.Stored{ID: id, Record: rec})
			}
		}
		return found, nil
	})
}

package gormstore

import (
	"context"
	"time"
)

// Purge implements [session.Purger]. On PostgreSQL it passes over rows that are
// locked at the moment, by a write or by another Purge. A limit below 1 deletes
// nothing.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return change(ctx, s, "purge", s.timeout, func(ctx context.Context) (int, error) {
		if limit < 1 {
			return 0, nil
		}
		end := micros(before)
		n, err := s.exec(ctx, &s.sql.purge, end, end, int64(limit))
		return int(n), err
	})
}

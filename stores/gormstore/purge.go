package gormstore

import (
	"context"
	"strings"
	"time"
)

// Purge implements [session.Purger]. A batch is one statement, without a
// transaction around it; on MySQL and MariaDB it is one that finds the rows, which locks
// none, and one that deletes them by their keys. No row is locked that is not deleted,
// but for SQLite, where a writer locks the database. On PostgreSQL it passes
// over rows that are locked at the moment, by a write or by another Purge. A limit
// below 1 deletes nothing.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.dialect.purgeKeys != "" {
		return s.purgeKeys(ctx, micros(before), limit)
	}
	return change(ctx, s, "purge", s.timeout, func(ctx context.Context) (int, error) {
		if limit < 1 {
			return 0, nil
		}
		end := micros(before)
		n, err := s.exec(ctx, &s.sql.purge, end, end, int64(limit))
		return int(n), err
	})
}

// mostKeys is how many keys are written into one statement.
const mostKeys = 1000

// purgeKeys finds the rows first and deletes then those of them that are
// still there and still expired. It goes on while there are more to be found,
// since another Purge may have been faster.
func (s *Store) purgeKeys(ctx context.Context, end int64, limit int) (int, error) {
	total := 0
	for more := true; more; {
		n, err := change(ctx, s, "purge", s.timeout, func(ctx context.Context) (int, error) {
			most := min(limit-total, mostKeys)
			if more = most > 0; !more {
				return 0, nil
			}
			keys, err := s.expired(ctx, end, most)
			if err != nil {
				return 0, err
			}
			if more = len(keys) == most; len(keys) == 0 {
				return 0, nil
			}
			args := append(keys, end)
			st := statement{text: s.sql.purgeKeys.text + "(?" + strings.Repeat(", ?", len(keys)-1) + ") AND s.expires < ?"}
			n, err := s.exec(ctx, &st, args...)
			return int(n), err
		})
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// expired returns the keys of at most limit rows.
func (s *Store) expired(ctx context.Context, end int64, limit int) ([]any, error) {
	rows, err := s.query(ctx, &s.sql.purge, end, end, int64(limit))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []any
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		keys = append(keys, id)
	}
	return keys, rows.Err()
}

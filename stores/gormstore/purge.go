package gormstore

import (
	"context"
	"strings"
	"sync"
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

// A purgePlace is a row's in the order in which they are purged.
type purgePlace struct {
	purgeAfter int64
	id         string
}

// first is before all rows.
var first = purgePlace{purgeAfter: -1}

// A purgeWalk is where the batches of a purge have come to, which all have the
// same end: what they deleted is in the way of a search for as long as any
// transaction might look at it, and what they left stands there too.
type purgeWalk struct {
	mu   sync.Mutex
	end  int64
	past purgePlace
}

func (w *purgeWalk) from(end int64) purgePlace {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != end {
		w.end, w.past = end, first
	}
	return w.past
}

func (w *purgeWalk) to(end int64, past purgePlace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end == end {
		w.past = past
	}
}

// purgeKeys finds the rows first and deletes then those of them that are
// still there and still expired. It goes on while there are more to be found,
// since another Purge may have been faster, and at the end looks once more from
// the beginning.
func (s *Store) purgeKeys(ctx context.Context, end int64, limit int) (int, error) {
	total := 0
	for more := limit > 0; more && total < limit; {
		n, err := change(ctx, s, "purge", s.timeout, func(ctx context.Context) (int, error) {
			from, most := s.purged.from(end), min(limit-total, mostKeys)
			keys, past, err := s.expired(ctx, from, end, most)
			if err != nil {
				return 0, err
			}
			if len(keys) < most {
				more, past = from != first, first
			}
			n := int64(0)
			if len(keys) > 0 {
				st := statement{text: s.sql.purgeKeys.text + "(?" + strings.Repeat(", ?", len(keys)-1) + ") AND s.expires < ?"}
				n, err = s.exec(ctx, &st, append(keys, end)...)
			}
			if err == nil {
				s.purged.to(end, past)
			}
			return int(n), err
		})
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// expired returns the keys of at most limit rows after a place, and the place
// of the last.
func (s *Store) expired(ctx context.Context, from purgePlace, end int64, limit int) (keys []any, past purgePlace, err error) {
	rows, err := s.query(ctx, &s.sql.purge, from.purgeAfter, from.id, from.purgeAfter, end, end, int64(limit))
	if err != nil {
		return nil, from, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&past.purgeAfter, &past.id); err != nil {
			return nil, from, err
		}
		keys = append(keys, past.id)
	}
	return keys, past, rows.Err()
}

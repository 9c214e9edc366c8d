package benchmarks

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// copies stores n copies of a record that is there, under new IDs, in the
// fastest way that the server has.
func (s *seshatStore) copies(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*setupLimit)
	defer cancel()
	scanner, is := s.Store.(session.Scanner)
	if !is {
		return errors.New("benchmarks: the store cannot be scanned")
	}
	var page []session.Stored
	for after := ""; len(page) == 0; {
		var err error
		if page, after, err = scanner.Scan(ctx, after, 1); err != nil {
			return err
		}
		if after == "" && len(page) == 0 {
			return errors.New("benchmarks: nothing is stored to copy")
		}
	}
	switch one := page[0]; {
	case s.redis != nil:
		return s.copyInRedis(ctx, one.ID, n)
	case s.sql != nil:
		return s.copyInSQL(ctx, one.ID, n)
	default:
		for range n {
			if err := s.Create(ctx, newID(), one.Record); err != nil {
				return err
			}
		}
		return nil
	}
}

// newID is an ID that names nothing.
func newID() session.ID {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return session.ID(base64.RawURLEncoding.EncodeToString(b[:]))
}

// copyInRedis copies the bytes, whatever they are: an ID is only in the key.
func (s *seshatStore) copyInRedis(ctx context.Context, id session.ID, n int) error {
	const (
		prefix = "sessions:" // the default of redisstore.Options
		batch  = 5000
		ttl    = 24 * time.Hour
	)
	data, err := s.redis.Get(ctx, prefix+string(id)).Bytes()
	if err != nil {
		return fmt.Errorf("benchmarks: copy: %w", err)
	}
	for n > 0 {
		pipe := s.redis.Pipeline()
		for range min(n, batch) {
			pipe.Set(ctx, prefix+string(newID()), data, ttl)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return fmt.Errorf("benchmarks: copy: %w", err)
		}
		n -= batch
	}
	return nil
}

// copyInSQL copies the row within the database.
func (s *seshatStore) copyInSQL(ctx context.Context, id session.ID, n int) error {
	columns, err := columnsOf(ctx, s.sql)
	if err != nil {
		return err
	}
	// 43 hexadecimal digits are the form of an ID, and as evenly spread.
	newID, numbers, after := `substr(md5(random()::text) || md5(random()::text), 1, 43)`, `generate_series(1, $2)`, `VACUUM ANALYZE sessions`
	if !s.postgres {
		newID = `substr(lower(hex(randomblob(22))), 1, 43)`
		numbers = `(WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < $2) SELECT n FROM number)`
		after = `ANALYZE`
	}
	list := strings.Join(columns, ", ")
	copying := fmt.Sprintf(`INSERT INTO sessions (id, %s) SELECT %s, %s FROM sessions, %s WHERE id = $1`, list, newID, list, numbers)
	for _, statement := range []string{copying, after} {
		args := []any{string(id), n}
		if statement == after {
			args = nil
		}
		if _, err := s.sql.ExecContext(ctx, statement, args...); err != nil {
			return fmt.Errorf("benchmarks: copy: %w", err)
		}
	}
	return nil
}

// columnsOf are the columns of the table but the ID.
func columnsOf(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM sessions LIMIT 0`)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: copy: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("benchmarks: copy: %w", err)
	}
	var columns []string
	for _, c := range all {
		if c != "id" {
			columns = append(columns, c)
		}
	}
	return columns, rows.Err()
}

package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// List implements [session.Lister]. Nothing is listed for the principal "". A row
// that cannot be read is left out.
func (s *Store) List(ctx context.Context, principal, after string, limit int) (page []session.Stored, next string, err error) {
	err = s.read(ctx, "list", func(ctx context.Context) error {
		if err := checkLimit(limit); err != nil {
			return err
		}
		st, args := &s.sql.listFirst, []any{principal}
		if after != "" {
			created, id, err := parseCursor(after)
			if err != nil {
				return err
			}
			st, args = &s.sql.listNext, append(args, created, created, id)
		}
		if principal == "" || !plainText(principal, session.MaxPrincipal) {
			return nil // no record can have it
		}
		page, next, err = s.page(ctx, limit, false, st, args...)
		return err
	})
	return page, next, err
}

// Scan implements [session.Scanner], in the order of IDs. A row that cannot be
// read is left out.
func (s *Store) Scan(ctx context.Context, after string, limit int) (page []session.Stored, next string, err error) {
	err = s.read(ctx, "scan", func(ctx context.Context) error {
		if err := checkLimit(limit); err != nil {
			return err
		}
		id := ""
		if after != "" {
			if _, id, err = parseCursor(after); err != nil {
				return err
			}
		}
		page, next, err = s.page(ctx, limit, true, &s.sql.scan, id)
		return err
	})
	return page, next, err
}

// page reads at most limit rows. It asks for one more, to know whether there is
// a page after this.
func (s *Store) page(ctx context.Context, limit int, payload bool, st *statement, args ...any) (page []session.Stored, next string, err error) {
	rows, err := s.query(ctx, st, append(args, int64(limit)+1)...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		if n == limit {
			return page, next, whole(next)
		}
		var r row
		record := r.targets()
		if !payload {
			record = record[:len(record)-1]
		}
		unread := scanRow(ctx, rows, append([]any{&r.id}, record...))
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		if unread != nil {
			continue
		}
		next = cursor(int64(r.created), string(r.id))
		rec, unread := r.record()
		if id := session.ID(r.id); unread == nil && id.Valid() {
			page = append(page, session.Stored{ID: id, Record: rec})
		}
	}
	return page, "", rows.Err()
}

// whole tells whether a page has a row to go on from.
func whole(next string) error {
	if next == "" {
		return unreadable("none of the rows of a page")
	}
	return nil
}

// scanRow reads the row that Next found. It fails by what a column holds, or by
// the end of the context.
func scanRow(ctx context.Context, rows *sql.Rows, targets []any) error {
	err := rows.Scan(targets...)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func checkLimit(limit int) error {
	if limit < 1 {
		return fmt.Errorf("%w: the limit of a page is %d; it must be positive", session.ErrInvalid, limit)
	}
	return nil
}

// A cursor is the place of a page's last row: when it was created, and its ID.
func cursor(created int64, id string) string { return strconv.FormatInt(created, 10) + "." + id }

func parseCursor(s string) (created int64, id string, err error) {
	number, id, _ := strings.Cut(s, ".")
	created, err = strconv.ParseInt(number, 10, 64)
	if err != nil || !plainText(id, 64) {
		return 0, "", fmt.Errorf("%w: this is no cursor of a page before", session.ErrInvalid)
	}
	return created, id, nil
}

// Purge implements [session.Purger]. On PostgreSQL it passes over rows that are
// locked at the moment, by a write or by another Purge. A limit below 1 deletes
// nothing.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, "purge", func(ctx context.Context) error {
		if limit < 1 {
			return nil
		}
		end := micros(before)
		deleted, err := s.exec(ctx, &s.sql.purge, end, end, int64(limit))
		n = int(deleted)
		return err
	})
	return n, err
}

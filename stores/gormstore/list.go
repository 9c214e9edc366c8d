package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/seshat-go/seshat/core/session"
)

// A page is a part of a list, and the cursor of the next.
type page struct {
	records []session.Stored
	next    string
}

// List implements [session.Lister]. Nothing is listed for the principal "". A row
// that cannot be read is left out.
func (s *Store) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	p, err := read(ctx, s, "list", func(ctx context.Context) (page, error) {
		if err := checkLimit(limit); err != nil {
			return page{}, err
		}
		st, args := &s.sql.listFirst, []any{principal}
		if after != "" {
			created, id, err := parseCursor(after)
			if err != nil {
				return page{}, err
			}
			st, args = &s.sql.listNext, append(args, created, created, id)
		}
		if principal == "" || !plainText(principal, session.MaxPrincipal) {
			return page{}, nil // no record can have it
		}
		return s.page(ctx, limit, false, st, args...)
	})
	return p.records, p.next, err
}

// Scan implements [session.Scanner], in the order of IDs. A row that cannot be
// read is left out.
func (s *Store) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	p, err := read(ctx, s, "scan", func(ctx context.Context) (page, error) {
		if err := checkLimit(limit); err != nil {
			return page{}, err
		}
		from := ""
		if after != "" {
			var err error
			if _, from, err = parseCursor(after); err != nil {
				return page{}, err
			}
		}
		return s.page(ctx, limit, true, &s.sql.scan, from)
	})
	return p.records, p.next, err
}

// page reads at most limit rows. It asks for one more, to know whether there is
// a page after this. That one begins after the last row that could be read, so
// that rows which could not are no end of the list.
func (s *Store) page(ctx context.Context, limit int, payload bool, st *statement, args ...any) (page, error) {
	rows, err := s.query(ctx, st, append(args, int64(limit)+1)...)
	if err != nil {
		return page{}, err
	}
	defer rows.Close()
	var p page
	for n := 0; rows.Next(); n++ {
		if n == limit {
			if p.next == "" {
				return page{}, unreadable("none of the rows of a page")
			}
			return p, nil
		}
		var r row
		record := r.targets()
		if !payload {
			record = record[:len(record)-1]
		}
		unread := scanRow(ctx, rows, append([]any{&r.id}, record...))
		if err := ctx.Err(); err != nil {
			return page{}, err
		}
		if unread != nil {
			continue
		}
		if next := cursor(int64(r.created), string(r.id)); next != "" {
			p.next = next
		}
		rec, unread := r.record()
		if id := session.ID(r.id); unread == nil && id.Valid() {
			p.records = append(p.records, session.Stored{ID: id, Record: rec})
		}
	}
	if err := rows.Err(); err != nil {
		return page{}, err
	}
	return page{records: p.records}, nil
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

// A cursor is the place of a page's last row: when it was created, and its ID,
// which in a row that is none of ours may be long. "" is none: the ID is no text
// that every database can be asked for.
func cursor(created int64, id string) string {
	if !plainText(id, len(id)) {
		return ""
	}
	return strconv.FormatInt(created, 10) + "." + id
}

func parseCursor(s string) (created int64, id string, err error) {
	number, id, _ := strings.Cut(s, ".")
	created, err = strconv.ParseInt(number, 10, 64)
	if err != nil || !plainText(id, len(id)) {
		return 0, "", fmt.Errorf("%w: this is no cursor of a page before", session.ErrInvalid)
	}
	return created, id, nil
}

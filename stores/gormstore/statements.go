package gormstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"
)

// statements are all that the store sends, but for schema changes.
type statements struct {
	load, loadMany, exists, create, update, touch, delete statement
	listFirst, listNext, scan                             statement
	purge, purgeKeys, ping                                statement
}

func (st *statements) build(d dialect, t table) {
	record := names()
	all, meta := strings.Join(record, ", "), strings.Join(record[:len(record)-1], ", ")
	from := d.table(t)

	st.load.set(d, "SELECT %s FROM %s WHERE id = ?", all, from)
	if d.loadMany != "" {
		st.loadMany.set(d, "SELECT id, %s FROM %s WHERE %s", all, from, d.loadMany)
	}
	st.exists.set(d, "SELECT 1 FROM %s WHERE id = ?", from)
	st.create.set(d, "INSERT INTO %s (id, %s, %s) VALUES (?%s)%s", from, all, purgeAfter, strings.Repeat(", ?", len(record)+1), d.unused)
	st.update.set(d, "UPDATE %s SET %s, %s = ? WHERE id = ? AND version = ?", from, strings.Join(assignments(d, record), ", "), purgeAfter)
	// MySQL uses the new value of a column that was assigned before: here each
	// is assigned from itself alone.
	st.touch.set(d, "UPDATE %[1]s SET last_seen = %[2]s(last_seen, ?), expires = %[2]s(expires, ?), %[3]s = %[2]s(%[3]s, ?) WHERE id = ? AND version = ?", from, d.latest, purgeAfter)
	st.delete.set(d, "DELETE FROM %s WHERE id = ? AND version = ?", from)

	// The second condition on the principal is that of the partial index.
	list := "SELECT id, %s FROM %s WHERE principal = ? AND principal <> ''%s ORDER BY created DESC, id DESC LIMIT ?"
	st.listFirst.set(d, list, meta, from, "")
	st.listNext.set(d, list, meta, from, " AND created <= ? AND (created < ? OR id < ?)")
	st.scan.set(d, "SELECT id, %s FROM %s WHERE id > ? ORDER BY id LIMIT ?", all, from)

	st.purge.set(d, d.purge, from)
	if d.purgeKeys != "" {
		st.purgeKeys.set(d, d.purgeKeys, from)
	}
	st.ping.set(d, "SELECT 1")
}

func assignments(d dialect, columns []string) []string {
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c + " = ?"
		if c == "last_seen" {
			set[i] = fmt.Sprintf("%[1]s = %[2]s(%[1]s, ?)", c, d.latest)
		}
	}
	return set
}

// A statement is sent to one pool only.
type statement struct {
	text     string
	prepare  bool
	prepared atomic.Pointer[sql.Stmt]
}

// set sets the text; each ? in it becomes a placeholder of the dialect.
func (st *statement) set(d dialect, format string, args ...any) {
	st.text, st.prepare = fmt.Sprintf(format, args...), d.prepare
	if !d.numbered {
		return
	}
	var b strings.Builder
	for i, part := range strings.Split(st.text, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	st.text = b.String()
}

// stmt is the prepared form. It needs no closing: database/sql keeps it for
// each connection of the pool as long as that lives. Nobody waits for another
// caller, whose context may end: of two that come first at once, one keeps its own.
func (st *statement) stmt(ctx context.Context, pool gorm.ConnPool) (*sql.Stmt, error) {
	if p := st.prepared.Load(); p != nil {
		return p, nil
	}
	p, err := pool.PrepareContext(ctx, st.text)
	if err != nil {
		return nil, err
	}
	if !st.prepared.CompareAndSwap(nil, p) {
		_ = p.Close()
	}
	return st.prepared.Load(), nil
}

// exec returns the number of rows that were changed.
func (s *Store) exec(ctx context.Context, st *statement, args ...any) (n int64, err error) {
	var result sql.Result
	if st.prepare {
		var p *sql.Stmt
		if p, err = st.stmt(ctx, s.pool); err == nil {
			result, err = p.ExecContext(ctx, args...)
		}
	} else {
		result, err = s.pool.ExecContext(ctx, st.text, args...)
	}
	if err == nil && s.dialect.deaf {
		// The SQLite drivers report success, with the row count of the
		// statement before, for one that they skipped as ctx had ended.
		err = ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *Store) query(ctx context.Context, st *statement, args ...any) (*sql.Rows, error) {
	if !st.prepare {
		return s.pool.QueryContext(ctx, st.text, args...)
	}
	p, err := st.stmt(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	return p.QueryContext(ctx, args...)
}

package gormstore_test

import (
	"context"
	"database/sql"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// A countingPool counts the statements that reach the driver.
type countingPool struct {
	*sql.DB
	execs, queries, prepares, begins atomic.Int64
}

func (p *countingPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	p.execs.Add(1)
	return p.DB.ExecContext(ctx, query, args...)
}

func (p *countingPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.queries.Add(1)
	return p.DB.QueryContext(ctx, query, args...)
}

func (p *countingPool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	p.queries.Add(1)
	return p.DB.QueryRowContext(ctx, query, args...)
}

func (p *countingPool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	p.prepares.Add(1)
	return p.DB.PrepareContext(ctx, query)
}

func (p *countingPool) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	p.begins.Add(1)
	return p.DB.BeginTx(ctx, o)
}

func (p *countingPool) total() int64 {
	return p.execs.Load() + p.queries.Load() + p.prepares.Load() + p.begins.Load()
}

// operations are those of a store on one session, in an order in which each
// succeeds, with the number of statements that each costs.
func operations(store *gormstore.Store) []struct {
	name string
	want int64
	do   func(context.Context) error
} {
	id, rec := newID(), newRecord()
	return []struct {
		name string
		want int64
		do   func(context.Context) error
	}{
		{"ping", 1, store.Ping},
		{"create", 1, func(ctx context.Context) error { return store.Create(ctx, id, rec) }},
		{"load", 1, func(ctx context.Context) error { _, err := store.Load(ctx, id); return err }},
		{"update", 1, func(ctx context.Context) error { return store.Update(ctx, id, next(rec), 1) }},
		{"touch", 1, func(ctx context.Context) error { return store.Touch(ctx, id, start.Add(time.Hour), start.Add(idle), 2) }},
		{"late touch", 1, func(ctx context.Context) error { return store.Touch(ctx, id, start, start, 1) }},
		{"list", 1, func(ctx context.Context) error { _, _, err := store.List(ctx, rec.Principal, "", 9); return err }},
		{"scan", 1, func(ctx context.Context) error { _, _, err := store.Scan(ctx, "", 9); return err }},
		{"purge", 1, func(ctx context.Context) error { _, err := store.Purge(ctx, start, 9); return err }},
		{"delete", 1, func(ctx context.Context) error { return store.Delete(ctx, id, 2) }},
		{"delete of nothing", 2, func(ctx context.Context) error { return store.Delete(ctx, id, 2) }},
		{"malformed ID", 0, func(ctx context.Context) error { return store.Delete(ctx, "'", 2) }},
	}
}

func TestEachOperationIsOneStatement(t *testing.T) {
	databases := []database{sqliteFile}
	if servers.Wanted() {
		databases = append(databases, postgreSQL)
	}
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			pool := db.pool(t, "")
			counting := &countingPool{DB: pool}
			store := migrated(t, db.open(t, counting, gorm.Config{}), newTable())
			for _, op := range operations(store) {
				before := counting.total()
				must(t, op.do(t.Context()))
				if n := counting.total() - before; n != op.want {
					t.Errorf("%s: %d statements, want %d", op.name, n, op.want)
				}
			}
		})
	}
}

// The server itself counts here, since go-sql-driver/mysql makes two round trips
// of one statement with parameters that is not prepared.
func TestOnMariaDBEachOperationIsOneRoundTripOnceItIsPrepared(t *testing.T) {
	needServers(t)
	for _, db := range []database{mariaDB, mariaDB.with("interpolated parameters", params("interpolateParams=true"))} {
		t.Run(db.name, func(t *testing.T) {
			pool := db.pool(t, "")
			pool.SetMaxOpenConns(1) // counters are per connection
			store := migrated(t, db.open(t, pool, gorm.Config{}), newTable())
			for _, op := range operations(store) {
				must(t, op.do(t.Context()))
			}
			for _, op := range operations(store) {
				before := counters(t, pool)
				must(t, op.do(t.Context()))
				after := counters(t, pool)
				maps.DeleteFunc(after, func(name string, n int64) bool { return n == before[name] })
				want := map[string]int64{"Com_stmt_execute": before["Com_stmt_execute"] + op.want}
				if op.want == 0 {
					want = map[string]int64{}
				}
				if !maps.Equal(after, want) {
					t.Errorf("%s: counters went from %v to %v, want %v", op.name, before, after, want)
				}
			}
		})
	}
}

func counters(t *testing.T, pool *sql.DB) map[string]int64 {
	t.Helper()
	rows, err := pool.Query("SHOW SESSION STATUS WHERE Variable_name IN ('Com_stmt_prepare', 'Com_stmt_execute', 'Com_stmt_close', 'Com_begin', 'Com_commit', 'Com_set_option')")
	must(t, err)
	defer rows.Close()
	counters := map[string]int64{}
	for rows.Next() {
		var (
			name string
			n    int64
		)
		must(t, rows.Scan(&name, &n))
		counters[name] = n
	}
	must(t, rows.Err())
	return counters
}

func TestAnUpdateThatFindsNothingReadsOnceMore(t *testing.T) {
	pool := sqliteFile.pool(t, "")
	counting := &countingPool{DB: pool}
	store := migrated(t, sqliteFile.open(t, counting, gorm.Config{}), newTable())
	before := counting.total()
	_ = store.Update(t.Context(), newID(), newRecord(), 1)
	if n := counting.total() - before; n != 2 {
		t.Errorf("%d statements, want 2", n)
	}
}

package cacheddb_test

import (
	"context"
	"database/sql"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// countingPool counts the statements that are sent through it.
type countingPool struct {
	*sql.DB
	n atomic.Int64
}

func (p *countingPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	p.n.Add(1)
	return p.DB.ExecContext(ctx, query, args...)
}

func (p *countingPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.n.Add(1)
	return p.DB.QueryContext(ctx, query, args...)
}

func (p *countingPool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	p.n.Add(1)
	return p.DB.QueryRowContext(ctx, query, args...)
}

// GetDBConn lets GORM find the pool.
func (p *countingPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// statements returns how many statements were executed. MariaDB's are prepared,
// which the pool does not see, so there the server is asked.
func (p *countingPool) statements(t *testing.T, db database) (sum int64) {
	t.Helper()
	if db.driver != mariaDB.driver {
		return p.n.Load()
	}
	rows, err := p.Query("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_select', 'Com_insert', 'Com_update', 'Com_delete')")
	must(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		must(t, rows.Scan(&name, &n))
		sum += n
	}
	must(t, rows.Err())
	return sum
}

// countingHook counts the commands that are sent to Redis.
type countingHook struct{ n atomic.Int64 }

func (h *countingHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *countingHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.n.Add(1)
		return next(ctx, cmd)
	}
}

func (h *countingHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.n.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

func TestEachOperationCostsExactlyWhatItMust(t *testing.T) {
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	for _, db := range databases() {
		t.Run(db.name, func(t *testing.T) {
			g, pool := db.open(t)
			rdb := connect(t, servers.SharedRedis(t).Addr)
			s := process(t, onRedis(rdb), store(t, g), patient())
			hook := &countingHook{}
			var step func(what string, redis, sql int64, do func() error)
			all := func() {
				id, rec := storetest.NewID(), storetest.NewRecord("bob")
				load := func() error { _, err := s.Load(t.Context(), id); return err }
				step("create", 0, 1, func() error { return s.Create(t.Context(), id, rec) })
				step("cold load", 3, 1, load)
				step("warm load", 1, 0, load)
				step("warm touch", 1, 1, func() error { return s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1) })
				step("warm update", 1, 1, func() error { return s.Update(t.Context(), id, next(rec), 1) })
				step("load after an update", 1, 0, load)
				step("load after a conflict", 1, 1, func() error { _, err := s.LoadFresh(t.Context(), id); return err })
				step("delete", 1, 1, func() error { return s.Delete(t.Context(), id, 2) })
				step("forged ID", 2, 1, func() error { _, _ = s.Load(t.Context(), storetest.NewID()); return nil })
			}
			// Once for the connections, the scripts and the prepared statements.
			step = func(_ string, _, _ int64, do func() error) { must(t, do()) }
			all()
			rdb.AddHook(hook)
			step = func(what string, redis, sql int64, do func() error) {
				t.Helper()
				r, q := hook.n.Load(), pool.statements(t, db)
				must(t, do())
				if r, q = hook.n.Load()-r, pool.statements(t, db)-q; r != redis || q != sql {
					t.Errorf("%s: %d Redis commands and %d statements, want %d and %d", what, r, q, redis, sql)
				}
			}
			all()
		})
	}
}

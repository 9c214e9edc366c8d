// Package engine_test runs the whole of Seshat, engine over HTTP and real
// stores, and counts exactly what reaches the servers.
package engine_test

import (
	"context"
	"database/sql"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// countingPool counts the statements that a store sends.
type countingPool struct {
	*sql.DB
	n atomic.Int64
}

func (p *countingPool) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	p.n.Add(1)
	return p.DB.ExecContext(ctx, q, args...)
}

func (p *countingPool) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	p.n.Add(1)
	return p.DB.QueryContext(ctx, q, args...)
}

func (p *countingPool) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	p.n.Add(1)
	return p.DB.QueryRowContext(ctx, q, args...)
}

// GetDBConn lets GORM find the pool.
func (p *countingPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// mariadbStatements asks the server how many statements it has executed: there
// the store prepares them, which no pool sees.
func mariadbStatements(t *testing.T, db *sql.DB) (sum int64) {
	t.Helper()
	rows, err := db.Query("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_select', 'Com_insert', 'Com_update', 'Com_delete')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sum
}

// countingHook counts the Redis commands, and each script call as one.
type countingHook struct{ n atomic.Int64 }

func (h *countingHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *countingHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.count(cmd)
		return next(ctx, cmd)
	}
}

func (h *countingHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			h.count(cmd)
		}
		return next(ctx, cmds)
	}
}

func (h *countingHook) count(cmd redis.Cmder) {
	switch cmd.Name() {
	case "hello", "client", "auth", "select", "ping", "readonly", "cluster", "command", "info": // a new connection's own, or a near cache's
	default:
		h.n.Add(1)
	}
}

// An engine is one of the ways to keep sessions, with its counters.
type engine struct {
	name  string
	store session.Store
	sql   func() int64
	redis func() int64
	// hears waits until a near cache has heard of all that was written; nil
	// without one.
	hears func()
}

func zero() int64 { return 0 }

func sqlStores(t *testing.T) map[string]engine {
	t.Helper()
	open := func(name, driver, dsn string, dialector func(gorm.ConnPool) gorm.Dialector) engine {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		pool := &countingPool{DB: db}
		g, err := gorm.Open(dialector(pool), &gorm.Config{})
		if err != nil {
			t.Fatal(err)
		}
		store := gormstore.New(g, gormstore.Options{Table: "t_" + strings.NewReplacer("-", "_").Replace(string(storetest.NewID())[:20])})
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		statements := pool.n.Load
		if driver == "mysql" {
			statements = func() int64 { return mariadbStatements(t, db) }
		}
		return engine{name, store, statements, zero, nil}
	}
	out := map[string]engine{
		"sqlite": open("db(sqlite)", "sqlite", "file:"+filepath.Join(t.TempDir(), "x.db")+"?"+gormstore.SQLiteParams,
			func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} }),
	}
	if servers.Wanted() {
		out["postgres"] = open("db(postgres)", "pgx", servers.SharedPostgres(t).DSN,
			func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) })
		out["mariadb"] = open("db(mariadb)", "mysql", servers.SharedMariaDB(t).DSN,
			func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) })
	}
	return out
}

// engines returns every engine that can be had: the memory, db, cache and
// cached_db over each server.
func engines(t *testing.T) []engine {
	t.Helper()
	out := []engine{{"memory", session.NewMemoryStore(session.MemoryOptions{}), zero, zero, nil}}
	for _, db := range sqlStores(t) {
		out = append(out, db)
	}
	for name, db := range sqlStores(t) {
		out = append(out, engine{
			"cached_db(memory," + name + ")",
			cacheddb.New(session.NewMemoryStore(session.MemoryOptions{}), db.store, cacheddb.Options{}), db.sql, zero, nil,
		})
	}
	if !servers.Wanted() {
		t.Logf("without %s=1 only the embedded engines are run: make test runs all", servers.Variable)
		return out
	}
	newRedis := func(near redisstore.NearOptions) (*redisstore.Store, func() int64) {
		rdb := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
		t.Cleanup(func() { _ = rdb.Close() })
		hook := &countingHook{}
		rdb.AddHook(hook)
		store := redisstore.New(rdb, redisstore.Options{Prefix: string(storetest.NewID()) + ":", Near: near})
		t.Cleanup(func() { _ = store.Close() })
		for near.Bytes > 0 && !store.NearState().Serving {
			_, _ = store.Load(t.Context(), storetest.NewID())
		}
		return store, hook.n.Load
	}
	store, n := newRedis(redisstore.NearOptions{})
	out = append(out, engine{"cache(redis)", store, zero, n, nil})
	for name, db := range sqlStores(t) {
		store, n := newRedis(redisstore.NearOptions{})
		out = append(out, engine{"cached_db(redis," + name + ")", cacheddb.New(store, db.store, cacheddb.Options{}), db.sql, n, nil})
	}
	onNear := redisstore.NearOptions{Bytes: 8 << 20, MaxStale: time.Minute} // so that no answer of Redis is late
	hears := func(s *redisstore.Store) func() {
		return func() {
			for now := time.Now(); !s.NearState().Heard.After(now); {
				time.Sleep(time.Millisecond)
			}
		}
	}
	store, n = newRedis(onNear)
	out = append(out, engine{"cache(redis), near", store, zero, n, hears(store)})
	store, n = newRedis(onNear)
	db := sqlStores(t)["sqlite"]
	return append(out, engine{"cached_db(redis,sqlite), near", cacheddb.New(store, db.store, cacheddb.Options{}), db.sql, n, hears(store)})
}

func TestMain(m *testing.M) { servers.Main(m) }

package model_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// A place is where the sessions of one run are kept: empty at first.
type place struct {
	truth session.Store  // with Scanner, Lister and Purger
	cache cacheddb.Cache // nil but for cached_db
}

// An engine opens places of one kind.
type engine struct {
	name string
	slow int // how many times as long as in memory a step takes, roughly
	open func(t *testing.T) func() place
}

var names atomic.Int64

func newMemory() *session.MemoryStore { return session.NewMemoryStore(session.MemoryOptions{}) }

// A kind opens stores of one kind.
type kind func(t *testing.T) func() session.Store

func memoryKind(*testing.T) func() session.Store {
	return func() session.Store { return newMemory() }
}

// sqlKind keeps all runs of a test in one table, which is emptied in between.
func sqlKind(driver string, dsn func(*testing.T) string, dialector func(gorm.ConnPool) gorm.Dialector) kind {
	return func(t *testing.T) func() session.Store {
		pool, err := sql.Open(driver, dsn(t))
		must(t, err)
		t.Cleanup(func() { _ = pool.Close() })
		pool.SetMaxOpenConns(16)
		pool.SetMaxIdleConns(16)
		g, err := gorm.Open(dialector(pool), &gorm.Config{Logger: logger.Discard})
		must(t, err)
		table := fmt.Sprintf("model%d", names.Add(1))
		store := gormstore.New(g, gormstore.Options{Table: table, Timeout: patience})
		must(t, store.Migrate(t.Context()))
		return func() session.Store {
			_, err := pool.ExecContext(t.Context(), "DELETE FROM "+table)
			must(t, err)
			return store
		}
	}
}

var (
	sqliteKind = sqlKind(sqlite.DriverName,
		func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "app.db") + "?" + gormstore.SQLiteParams + "&_pragma=synchronous(OFF)"
		},
		func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} })
	postgresKind = sqlKind("pgx",
		func(t *testing.T) string { return servers.SharedPostgres(t).DSN },
		func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) })
	mariadbKind = sqlKind("mysql",
		func(t *testing.T) string { return servers.SharedMariaDB(t).DSN },
		func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) })
)

func redisKind(t *testing.T) func() session.Store { return redisWith(t, redisstore.NearOptions{}) }

// nearKind has a near cache, which serves. The processes share it, as if they
// were one: another one may see what is older.
func nearKind(t *testing.T) func() session.Store {
	return redisWith(t, redisstore.NearOptions{Bytes: 8 << 20})
}

func redisWith(t *testing.T, near redisstore.NearOptions) func() session.Store {
	rdb := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = rdb.Close() })
	var store *redisstore.Store
	end := func() {
		if store != nil {
			_ = store.Close()
		}
	}
	t.Cleanup(end)
	return func() session.Store {
		end()
		must(t, rdb.FlushDB(t.Context()).Err())
		store = redisstore.New(rdb, redisstore.Options{Prefix: fmt.Sprintf("model%d:", names.Add(1)), Timeout: patience, Near: near})
		for near.Bytes > 0 && !store.NearState().Serving {
			_, _ = store.Load(t.Context(), storetest.NewID())
		}
		return store
	}
}

// on is an engine of one store.
func on(name string, slow int, k kind) engine {
	return engine{name, slow, func(t *testing.T) func() place {
		open := k(t)
		return func() place { return place{truth: open()} }
	}}
}

// over is cached_db.
func over(name string, slow int, cache, truth kind) engine {
	return engine{name, slow, func(t *testing.T) func() place {
		c, open := cache(t), truth(t)
		return func() place { return place{truth: open(), cache: c().(cacheddb.Cache)} }
	}}
}

func (e engine) cached() bool { return len(e.name) > 6 && e.name[:6] == "cached" }

// engines are those that can be had here: the embedded ones, or all.
func engines() []engine {
	out := []engine{
		on("memory", 1, memoryKind),
		on("db(SQLite)", 8, sqliteKind),
		over("cached_db(memory, memory)", 1, memoryKind, memoryKind),
	}
	if servers.Wanted() {
		out = append(out,
			on("db(PostgreSQL)", 8, postgresKind),
			on("db(MariaDB)", 8, mariadbKind),
			on("cache(Redis)", 8, redisKind),
			on("cache(Redis), near", 16, nearKind),
			over("cached_db(Redis, PostgreSQL)", 8, redisKind, postgresKind),
			over("cached_db(Redis, PostgreSQL), near", 32, nearKind, postgresKind))
	}
	return out
}

// patience is a time limit that no call on any machine comes near: a time-out
// would be a fault that nobody made.
const patience = 30 * time.Second

// process is the store of one process on a place: as it is, or cached_db.
func (p place) process(t cleaner, o cacheddb.Options) session.Store {
	if p.cache == nil {
		return p.truth
	}
	o.CacheTimeout, o.LeaseTTL, o.RecheckTimeout = patience, 2*patience, patience
	if o.Events == nil {
		o.Events = silent{}
	}
	s := cacheddb.New(p.cache, p.truth, o)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// A cleaner is a test, or one run of a machine.
type cleaner interface{ Cleanup(func()) }

// silent hears events and says nothing.
type silent struct{}

func (silent) Event(context.Context, session.Event) {}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

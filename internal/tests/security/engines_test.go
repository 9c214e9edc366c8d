// Package security_test replays the known failures of session libraries, and
// checks what web standards ask of one, over HTTP on every engine. The table
// that names its tests is docs/security.md.
package security_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

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

func TestMain(m *testing.M) { servers.Main(m) }

// must ends the test if a step of its own preparation failed.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An engine is one way to keep sessions.
type engine struct {
	name string
	// open makes a place for sessions that is this test's own, and returns what
	// gives each process of the application its store. Every call goes through w.
	open func(t *testing.T, w *watch) (process func() session.Store)
}

// A tier opens one store, and what lists everything that its server holds of it.
type tier func(t *testing.T) (store session.Store, dump func() string)

func inMemory(*testing.T) (session.Store, func() string) {
	return session.NewMemoryStore(session.MemoryOptions{}), nil
}

var tables atomic.Int64

// inSQL opens a table of its own.
func inSQL(driver string, dsn func(*testing.T) string, dialector func(*sql.DB) gorm.Dialector) tier {
	return func(t *testing.T) (session.Store, func() string) {
		pool, err := sql.Open(driver, dsn(t))
		must(t, err)
		t.Cleanup(func() { _ = pool.Close() })
		pool.SetMaxOpenConns(16)
		g, err := gorm.Open(dialector(pool), &gorm.Config{Logger: logger.Discard})
		must(t, err)
		table := fmt.Sprintf("s%d", tables.Add(1))
		s := gormstore.New(g, gormstore.Options{Table: table})
		must(t, s.Migrate(t.Context()))
		return s, func() string {
			var rows []map[string]any
			must(t, g.Table(table).Find(&rows).Error)
			return fmt.Sprintf("%q %s %v", rows, rows, rows)
		}
	}
}

var (
	inSQLite = inSQL(sqlite.DriverName,
		func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "app.db") + "?" + gormstore.SQLiteParams + "&_pragma=synchronous(OFF)"
		},
		func(p *sql.DB) gorm.Dialector { return &sqlite.Dialector{Conn: p} })
	inPostgres = inSQL("pgx", func(t *testing.T) string { return servers.SharedPostgres(t).DSN },
		func(p *sql.DB) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) })
	inMariaDB = inSQL("mysql", func(t *testing.T) string { return servers.SharedMariaDB(t).DSN },
		func(p *sql.DB) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) })
)

// inRedis uses keys of its own.
func inRedis(t *testing.T) (session.Store, func() string) {
	return redisAt(t, servers.SharedRedis(t).Addr)
}

// inNearRedis has a near cache, which serves and which its processes share.
func inNearRedis(t *testing.T) (session.Store, func() string) {
	s, dump := redisWith(t, servers.SharedRedis(t).Addr, redisstore.NearOptions{Bytes: 8 << 20})
	for !s.NearState().Serving {
		_, _ = s.Load(t.Context(), storetest.NewID())
	}
	return s, dump
}

func redisAt(t *testing.T, addr string) (session.Store, func() string) {
	return redisWith(t, addr, redisstore.NearOptions{})
}

func redisWith(t *testing.T, addr string, near redisstore.NearOptions) (*redisstore.Store, func() string) {
	rdb := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = rdb.Close() })
	prefix := string(storetest.NewID()) + ":"
	store := redisstore.New(rdb, redisstore.Options{Prefix: prefix, Near: near})
	t.Cleanup(func() { _ = store.Close() })
	return store, func() string {
		var out strings.Builder
		keys := rdb.Scan(t.Context(), 0, prefix+"*", 1000).Iterator()
		for keys.Next(t.Context()) {
			value, err := rdb.Get(t.Context(), keys.Val()).Result()
			if err != nil { // an index
				value = strings.Join(rdb.ZRange(t.Context(), keys.Val(), 0, -1).Val(), " ")
			}
			fmt.Fprintf(&out, "%s %q %s\n", keys.Val(), value, value)
		}
		must(t, keys.Err())
		return out.String()
	}
}

// alone is an engine of one store, which its processes share.
func alone(name string, open tier) engine {
	return engine{name, func(t *testing.T, w *watch) func() session.Store {
		s, dump := open(t)
		w.dumps = append(w.dumps, dump)
		return func() session.Store { return &watchedStore{s, w, ""} }
	}}
}

// cachedDB is an engine of two tiers: each process has a protocol of its own
// over the same cache and database.
func cachedDB(name string, cache, truth tier) engine {
	return cachedDBWith(name, cache, truth, cacheddb.Options{})
}

func cachedDBWith(name string, cache, truth tier, o cacheddb.Options) engine {
	return engine{name, func(t *testing.T, w *watch) func() session.Store {
		c, cacheDump := cache(t)
		s, dump := truth(t)
		w.dumps = append(w.dumps, cacheDump, dump)
		w.cache = c.(cacheddb.Cache)
		o.Events = w
		return func() session.Store {
			process := cacheddb.New(&watchedCache{w.cache, w}, &watchedStore{s, w, "sql "}, o)
			t.Cleanup(func() { _ = process.Close(context.WithoutCancel(t.Context())) })
			return &watchedStore{process, w, ""}
		}
	}}
}

// memory is for what no store has a part in.
var memory = alone("memory", inMemory)

// engines returns those that can be had.
func engines(t *testing.T) []engine {
	t.Helper()
	out := []engine{
		memory,
		alone("db(SQLite)", inSQLite),
		cachedDB("cached_db(memory,memory)", inMemory, inMemory),
	}
	if !servers.Wanted() {
		t.Logf("without %s=1 only the embedded engines are run: make test runs all", servers.Variable)
		return out
	}
	return append(out,
		alone("db(PostgreSQL)", inPostgres),
		alone("db(MariaDB)", inMariaDB),
		alone("cache(Redis)", inRedis),
		alone("cache(Redis), near", inNearRedis),
		cachedDB("cached_db(Redis,PostgreSQL)", inRedis, inPostgres),
	)
}

// onEachEngine runs a test on every engine.
func onEachEngine(t *testing.T, f func(t *testing.T, e engine)) {
	t.Helper()
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) { f(t, e) })
	}
}

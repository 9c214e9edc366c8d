// Package hostile_test sends what nobody honest sends, and stores what no engine
// writes, over HTTP on every engine: hostile input is only input.
package hostile_test

import (
	"context"
	"database/sql"
	"fmt"
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
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestMain(m *testing.M) { servers.Main(m) }

// An engine is one of the ways to keep sessions, and the way below it to what it keeps.
type engine struct {
	name  string
	store session.Store
	table *table    // nil without SQL
	keys  *keyspace // nil without Redis
}

// warm tells whether a cache in this process is before the table.
func (e engine) warm() bool { return strings.HasPrefix(e.name, "memory over") }

// A table is that of a gormstore.
type table struct {
	*sql.DB
	kind, name string
}

// A keyspace is that of a redisstore.
type keyspace struct {
	*redis.Client
	prefix string
	cache  bool // of a cache before SQL
}

var names atomic.Int64

func openTable(t testing.TB, kind string) (*table, session.Store) {
	t.Helper()
	var driver, dsn string
	var dialector func(gorm.ConnPool) gorm.Dialector
	switch kind {
	case "SQLite":
		driver, dsn = sqlite.DriverName, filepath.Join(t.TempDir(), "app.db")+"?"+gormstore.SQLiteParams+"&_pragma=synchronous(OFF)"
		dialector = func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} }
	case "PostgreSQL":
		driver, dsn = "pgx", servers.SharedPostgres(t).DSN
		dialector = func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) }
	case "MariaDB":
		driver, dsn = "mysql", servers.SharedMariaDB(t).DSN
		dialector = func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) }
	}
	pool, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	pool.SetMaxOpenConns(8)
	g, err := gorm.Open(dialector(pool), &gorm.Config{Logger: logger.Discard})
	must(t, err)
	name := fmt.Sprintf("h%d", names.Add(1))
	store := gormstore.New(g, gormstore.Options{Table: name})
	must(t, store.Migrate(t.Context()))
	return &table{pool, kind, name}, store
}

func openKeys(t testing.TB, cache bool) (*keyspace, *redisstore.Store) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = rdb.Close() })
	prefix := fmt.Sprintf("h%d:", names.Add(1))
	return &keyspace{rdb, prefix, cache}, redisstore.New(rdb, redisstore.Options{Prefix: prefix})
}

func cached(t testing.TB, cache cacheddb.Cache, truth session.Store) session.Store {
	t.Helper()
	s := cacheddb.New(cache, truth, cacheddb.Options{CacheTimeout: 10 * time.Second, LeaseTTL: 20 * time.Second, Events: session.SlogEvents(discard)})
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// engines returns every engine that can be had here.
func engines(t *testing.T) []engine {
	t.Helper()
	memory := func() *session.MemoryStore { return session.NewMemoryStore(session.MemoryOptions{}) }
	out := []engine{{name: "memory", store: memory()}}
	kinds := []string{"SQLite"}
	if servers.Wanted() {
		kinds = append(kinds, "PostgreSQL", "MariaDB")
	}
	for _, kind := range kinds {
		table, store := openTable(t, kind)
		out = append(out, engine{name: kind, store: store, table: table})
	}
	if !servers.Wanted() {
		table, store := openTable(t, "SQLite")
		return append(out, engine{name: "memory over SQLite", store: cached(t, memory(), store), table: table})
	}
	keys, store := openKeys(t, false)
	out = append(out, engine{name: "Redis", store: store, keys: keys})
	table, truth := openTable(t, "PostgreSQL")
	keys, cache := openKeys(t, true)
	return append(out, engine{name: "Redis over PostgreSQL", store: cached(t, cache, truth), table: table, keys: keys})
}

func each(t *testing.T, f func(t *testing.T, e engine)) {
	t.Helper()
	only(t, func(engine) bool { return true }, f)
}

// only runs f on the engines that are meant.
func only(t *testing.T, meant func(engine) bool, f func(t *testing.T, e engine)) {
	t.Helper()
	found := false
	for _, e := range engines(t) {
		if meant(e) {
			found = true
			t.Run(e.name, func(t *testing.T) { f(t, e) })
		}
	}
	if !found {
		t.Skip(servers.NotRun)
	}
}

// What only tests are about.
func inRedis(e engine) bool   { return e.keys != nil && !e.keys.cache }
func behind(e engine) bool    { return e.keys != nil && e.keys.cache }
func inSQLOnly(e engine) bool { return e.table != nil && !e.warm() }
func withCache(e engine) bool { return e.table != nil && (e.warm() || e.keys != nil) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

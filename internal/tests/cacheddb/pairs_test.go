// Package cacheddb_test runs cached_db over real caches and databases. Without
// servers (see package servers) it runs over memory and SQLite alone.
package cacheddb_test

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
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestMain(m *testing.M) { servers.Main(m) }

// A database opens pools of one of the databases.
type database struct {
	name      string
	driver    string
	dialector func(gorm.ConnPool) gorm.Dialector
	dsn       func(testing.TB) string
}

var (
	sqliteFile = database{
		"SQLite", sqlite.DriverName,
		func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} },
		func(t testing.TB) string {
			return filepath.Join(t.TempDir(), "app.db") + "?" + gormstore.SQLiteParams + "&_pragma=synchronous(OFF)"
		},
	}
	postgreSQL = database{
		"PostgreSQL", "pgx",
		func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) },
		func(t testing.TB) string { return servers.SharedPostgres(t).DSN },
	}
	mariaDB = database{
		"MariaDB", "mysql",
		func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) },
		func(t testing.TB) string { return servers.SharedMariaDB(t).DSN },
	}
)

// at is the database on a server of the test's own.
func (db database) at(dsn string) database {
	db.dsn = func(testing.TB) string { return dsn }
	return db
}

func databases() []database {
	if !servers.Wanted() {
		return []database{sqliteFile}
	}
	return []database{sqliteFile, postgreSQL, mariaDB}
}

// open returns a handle whose statements are counted, and the pool below it.
func (db database) open(t *testing.T) (*gorm.DB, *countingPool) {
	t.Helper()
	pool, err := sql.Open(db.driver, db.dsn(t))
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	pool.SetMaxOpenConns(16)
	counting := &countingPool{DB: pool}
	g, err := gorm.Open(db.dialector(counting), &gorm.Config{Logger: logger.Discard})
	must(t, err)
	return g, counting
}

var names atomic.Int64

// store returns a store on a table of its own.
func store(t *testing.T, g *gorm.DB) *gormstore.Store {
	t.Helper()
	s := gormstore.New(g, gormstore.Options{Table: fmt.Sprintf("c%d", names.Add(1))})
	must(t, s.Migrate(t.Context()))
	return s
}

// A tier opens caches of one kind, each apart from the others.
type tier struct {
	name string
	open func(t *testing.T) func() cacheddb.Cache
}

var (
	memory = tier{"memory", func(*testing.T) func() cacheddb.Cache {
		return func() cacheddb.Cache { return session.NewMemoryStore(session.MemoryOptions{}) }
	}}
	oneRedis = tier{"Redis", func(t *testing.T) func() cacheddb.Cache {
		rdb := connect(t, servers.SharedRedis(t).Addr)
		return func() cacheddb.Cache { return onRedis(rdb) }
	}}
	redisCluster = tier{"Redis Cluster", func(t *testing.T) func() cacheddb.Cache {
		rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.SharedRedisCluster(t)})
		t.Cleanup(func() { _ = rdb.Close() })
		return func() cacheddb.Cache { return onRedis(rdb) }
	}}
)

func tiers() []tier {
	if !servers.Wanted() {
		return []tier{memory}
	}
	return []tier{memory, oneRedis, redisCluster}
}

func connect(t *testing.T, addr string) *redis.Client {
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func onRedis(rdb redis.UniversalClient) *redisstore.Store {
	return redisstore.New(rdb, redisstore.Options{Prefix: fmt.Sprintf("c%d:", names.Add(1))})
}

// each runs a test for pairings in which each cache and each database occurs:
// both keep contracts of their own, so that nothing depends on who meets whom.
func each(t *testing.T, test func(t *testing.T, cache func() cacheddb.Cache, db database)) {
	for i, db := range databases() {
		c := tiers()[i]
		t.Run(c.name+" over "+db.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			test(t, c.open(t), db)
		})
	}
}

// patience is a time limit for servers that answer, on whatever machine: a call
// that is given up is a fault, after which other processes may see old entries.
const patience = 30 * time.Second

func patient() cacheddb.Options {
	return cacheddb.Options{CacheTimeout: patience, RecheckTimeout: patience, LeaseTTL: 2 * patience}
}

// process is a Store as one process has it; it ends with the test.
func process(t *testing.T, cache cacheddb.Cache, truth session.Store, o cacheddb.Options) *cacheddb.Store {
	t.Helper()
	s := cacheddb.New(cache, truth, o)
	must(t, s.Validate())
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func next(rec session.Record) session.Record {
	rec.Version++
	rec.Mark[0]++
	return rec
}

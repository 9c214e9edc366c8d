// Package races_test runs requests of the laws in every order of their store
// calls, over every engine: real stores on real servers, with a stop before each
// call of each tier. Each call is made to a memory store too, which must answer
// the same.
package races_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/interleave"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestMain(m *testing.M) { servers.Main(m) }

// database is a gormstore on a table of its own.
func database(t *testing.T, driver, dsn string, dialector func(gorm.ConnPool) gorm.Dialector) *gormstore.Store {
	t.Helper()
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	db, err := gorm.Open(dialector(pool), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	store := gormstore.New(db, gormstore.Options{Table: "t_" + strings.NewReplacer("-", "_").Replace(string(storetest.NewID())[:20])})
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func onSQLite(t *testing.T) *gormstore.Store {
	t.Helper()
	dsn := filepath.Join(t.TempDir(), "app.db") + "?" + gormstore.SQLiteParams + "&_pragma=synchronous(OFF)"
	return database(t, sqlite.DriverName, dsn, func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} })
}

func onPostgres(t *testing.T) *gormstore.Store {
	t.Helper()
	return database(t, "pgx", servers.SharedPostgres(t).DSN, func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) })
}

func onMariaDB(t *testing.T) *gormstore.Store {
	t.Helper()
	return database(t, "mysql", servers.SharedMariaDB(t).DSN, func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) })
}

func onRedis(t *testing.T) *redisstore.Store { return onRedisWith(t, redisstore.NearOptions{}) }

// nearRedis has a near cache, which serves. All managers share it, as in one process.
func nearRedis(t *testing.T) *redisstore.Store {
	t.Helper()
	store := onRedisWith(t, redisstore.NearOptions{Bytes: 8 << 20})
	for !store.NearState().Serving {
		_, _ = store.Load(t.Context(), storetest.NewID())
	}
	return store
}

func onRedisWith(t *testing.T, near redisstore.NearOptions) *redisstore.Store {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(t).Addr})
	t.Cleanup(func() { _ = client.Close() })
	store := redisstore.New(client, redisstore.Options{Prefix: string(storetest.NewID()) + ":", Near: near})
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// always is an engine on servers, which all its runs share.
func always(name string, tiers interleave.Tiers) interleave.Engine {
	return interleave.Engine{Name: name, Real: true, Tiered: tiers.Cache != nil, Open: func() interleave.Tiers { return tiers }}
}

// each runs a test over every engine that can be had.
func each(t *testing.T, test func(t *testing.T, e interleave.Engine)) {
	t.Helper()
	for _, c := range []struct {
		name string
		open func(t *testing.T) interleave.Tiers
	}{
		{"db(SQLite)", func(t *testing.T) interleave.Tiers { return interleave.Tiers{Truth: onSQLite(t)} }},
		{"db(PostgreSQL)", func(t *testing.T) interleave.Tiers { return interleave.Tiers{Truth: onPostgres(t)} }},
		{"db(MariaDB)", func(t *testing.T) interleave.Tiers { return interleave.Tiers{Truth: onMariaDB(t)} }},
		{"cache(Redis)", func(t *testing.T) interleave.Tiers { return interleave.Tiers{Truth: onRedis(t)} }},
		{"cached_db(Redis, PostgreSQL)", func(t *testing.T) interleave.Tiers {
			return interleave.Tiers{Truth: onPostgres(t), Cache: onRedis(t)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			test(t, always(c.name, c.open(t)))
		})
	}
}

package gormstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// A database is one of those that the store is tested on, in one configuration.
type database struct {
	name      string
	dialector func(gorm.ConnPool) gorm.Dialector
	driver    string // for sql.Open
	dsn       func(t *testing.T) string
}

var (
	sqliteFile = database{
		name:      "SQLite",
		dialector: func(p gorm.ConnPool) gorm.Dialector { return &sqlite.Dialector{Conn: p} },
		driver:    sqlite.DriverName,
		dsn: func(t *testing.T) string {
			return filepath.Join(t.TempDir(), "app.db") + "?" + gormstore.SQLiteParams + "&_pragma=synchronous(OFF)"
		},
	}
	postgreSQL = database{
		name:      "PostgreSQL",
		dialector: func(p gorm.ConnPool) gorm.Dialector { return postgres.New(postgres.Config{Conn: p}) },
		driver:    "pgx",
		dsn:       func(t *testing.T) string { return servers.SharedPostgres(t).DSN },
	}
	mariaDB = database{
		name:      "MariaDB",
		dialector: func(p gorm.ConnPool) gorm.Dialector { return mysql.New(mysql.Config{Conn: p}) },
		driver:    "mysql",
		dsn:       func(t *testing.T) string { return servers.SharedMariaDB(t).DSN },
	}
)

// with is the database with a change to its data source name.
func (db database) with(what string, change func(dsn string) string) database {
	plain := db.dsn
	db.name += " with " + what
	db.dsn = func(t *testing.T) string { return change(plain(t)) }
	return db
}

// params adds parameters to a data source name.
func params(more string) func(string) string {
	return func(dsn string) string {
		if strings.Contains(dsn, "?") {
			return dsn + "&" + more
		}
		return dsn + "?" + more
	}
}

func each(t *testing.T, f func(t *testing.T, db database)) {
	t.Helper()
	all := []database{sqliteFile}
	if servers.Wanted() {
		all = append(all, postgreSQL, mariaDB)
	}
	for _, db := range all {
		t.Run(db.name, func(t *testing.T) { f(t, db) })
	}
}

func needServers(t *testing.T) {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
}

// pool opens a pool of its own, for the given data source name or a new one.
func (db database) pool(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	if dsn == "" {
		dsn = db.dsn(t)
	}
	pool, err := sql.Open(db.driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(16)
	return pool
}

// open returns GORM's handle on the pool.
func (db database) open(t *testing.T, pool gorm.ConnPool, config gorm.Config) *gorm.DB {
	t.Helper()
	if config.Logger == nil {
		config.Logger = logger.Discard
	}
	g, err := gorm.Open(db.dialector(pool), &config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var tables atomic.Int64

// newTable names a table that no other test uses.
func newTable() string { return fmt.Sprintf("s%d", tables.Add(1)) }

// newStore returns a store on a new, migrated table, and the pool below it.
func (db database) newStore(t *testing.T) (*gormstore.Store, *sql.DB, string) {
	t.Helper()
	pool := db.pool(t, "")
	table := newTable()
	return migrated(t, db.open(t, pool, gorm.Config{}), table), pool, table
}

func migrated(t *testing.T, g *gorm.DB, table string) *gormstore.Store {
	t.Helper()
	store := gormstore.New(g, gormstore.Options{Table: table})
	must(t, store.Migrate(t.Context()))
	return store
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustExec(t *testing.T, pool interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, query string, args ...any,
) {
	t.Helper()
	if _, err := pool.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func newID() session.ID {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return session.ID(base64.RawURLEncoding.EncodeToString(b))
}

// start is a time whose expiry two weeks later does not come near a step of the
// purge index within an hour.
var start = time.UnixMicro(25_000<<36 + int64(time.Hour/time.Microsecond)).UTC().Add(-idle)

const idle = 14 * 24 * time.Hour

// newRecord is a record of version 1, in which every column holds something.
func newRecord() session.Record {
	rec := session.Record{
		Version:       1,
		Principal:     "user-" + rand.Text(),
		Created:       start.Add(-2 * time.Hour),
		Authenticated: start.Add(-time.Hour),
		LastSeen:      start,
		Expires:       start.Add(idle),
		LifetimeEnd:   start.Add(90 * 24 * time.Hour),
		IdleTimeout:   idle,
		Persistent:    true,
		MovedTo:       newID(),
		Device:        session.Device{Address: "2001:db8::1", UserAgent: "Mozilla/5.0 (Ünïcode)"},
		Payload:       bytes.Repeat([]byte("secret\x00\xff'\"\\;--"), 60),
	}
	_, _ = rand.Read(rec.Mark[:])
	return rec
}

// next is the record after one more write.
func next(rec session.Record) session.Record {
	rec.Version++
	_, _ = rand.Read(rec.Mark[:])
	rec.LastSeen = rec.LastSeen.Add(time.Minute)
	rec.Expires = rec.Expires.Add(time.Minute)
	return rec
}

func unixMicro(n int64) time.Time { return time.UnixMicro(n).UTC() }

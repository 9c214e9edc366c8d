package soak

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// An operator manages the sessions of the shops from a process of its own, the
// one of the tests, with the same settings.
type operator struct {
	sessions atomic.Pointer[session.Manager] // another one where the setup changes
}

// newOperator opens the servers of a setup. dsn is that of the database's
// driver, redisURL what the shops get; either may be "".
func newOperator(t testing.TB, engine, dsn, redisURL string, idle time.Duration) *operator {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	var truth, store session.Store
	var cache *redisstore.Store
	if dsn != "" {
		db := openDatabase(t, dsn)
		truth = gormstore.New(db, gormstore.Options{})
	}
	if redisURL != "" {
		rdb := openRedis(t, redisURL)
		t.Cleanup(func() { _ = rdb.Close() })
		cache = redisstore.New(rdb, redisstore.Options{})
	}
	switch engine {
	case "db":
		store = truth
	case "cache":
		store = cache
	default:
		tiers := cacheddb.New(cache, truth, cacheddb.Options{Events: session.SlogEvents(quiet)})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_ = tiers.Close(ctx) // what is left to tell the cache is of no interest any more
		})
		store = tiers
	}
	o := &operator{}
	o.use(t, session.Options{Store: store, Insecure: true, IdleTimeout: idle})
	return o
}

// use makes the operator work with other options from now on.
func (o *operator) use(t testing.TB, options session.Options) {
	t.Helper()
	options.MaxSize = 512 << 10
	options.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(options)
	if err != nil {
		t.Fatal(err)
	}
	o.sessions.Store(m)
}

func openDatabase(t testing.TB, dsn string) *gorm.DB {
	t.Helper()
	var dialector gorm.Dialector
	switch {
	case strings.HasPrefix(dsn, "postgres:"):
		dialector = postgres.Open(dsn)
	case strings.HasSuffix(dsn, ".db"):
		dialector = sqlite.Open(dsn + "?" + gormstore.SQLiteParams)
	default:
		config, err := mysqldriver.ParseDSN(dsn)
		if err != nil {
			t.Fatal(err)
		}
		config.Logger = &mysqldriver.NopLogger{} // what matters comes as an error
		connector, err := mysqldriver.NewConnector(config)
		if err != nil {
			t.Fatal(err)
		}
		dialector = mysql.New(mysql.Config{Conn: sql.OpenDB(connector), SkipInitializeWithVersion: true})
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(5)
	t.Cleanup(func() { _ = pool.Close() })
	return db
}

func openRedis(t testing.TB, raw string) redis.UniversalClient {
	t.Helper()
	logging.Disable() // what matters comes as an error
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case u.Query().Has("master_name"):
		o, err := redis.ParseFailoverURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		o.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(o)
	case u.Query().Has("addr"):
		o, err := redis.ParseClusterURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		o.ContextTimeoutEnabled = true
		return redis.NewClusterClient(o)
	default:
		o, err := redis.ParseURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		o.ContextTimeoutEnabled = true
		return redis.NewClient(o)
	}
}

// do runs one operation.
func (o *operator) do(kind Kind, f func(context.Context, *session.Manager) error) *Operation {
	op := &Operation{Kind: kind, Sent: time.Now()}
	op.Err = f(context.Background(), o.sessions.Load())
	op.Done = time.Now()
	return op
}

func (o *operator) list(user string) (op *Operation, infos []session.Info) {
	op = o.do(List, func(ctx context.Context, m *session.Manager) (err error) {
		infos, err = m.List(ctx, user)
		return err
	})
	return op, infos
}

func (o *operator) revoke(id string) *Operation {
	return o.do(Revoke, func(ctx context.Context, m *session.Manager) error { return m.Revoke(ctx, session.ID(id)) })
}

// revokeAll ends the sessions of a user, but for the one of the token, if one is given.
func (o *operator) revokeAll(user, token string) *Operation {
	return o.do(RevokeAll, func(ctx context.Context, m *session.Manager) error {
		if token == "" {
			_, err := m.RevokeAll(ctx, user)
			return err
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookieName+"="+token)
		x := m.Begin(httptest.NewRecorder(), r)
		defer x.Finish(http.StatusOK)
		_, err := m.RevokeAll(ctx, user, session.Except(x.Session()))
		return err
	})
}

func (o *operator) purge() *Operation {
	return o.do(Purge, func(ctx context.Context, m *session.Manager) error {
		_, err := m.Purge(ctx)
		return err
	})
}

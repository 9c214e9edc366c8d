package benchmarks

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// A seshatStore is one of Seshat's stores and what must be closed after it.
type seshatStore struct {
	session.Store
	close    func() error
	redis    *redis.Client // of the store, if it has one
	sql      *sql.DB       // of the store, if it has one
	postgres bool          // what sql is
}

func newSeshatMemory(env Env) (*Site, error)   { return seshatSite(memoryStore, env) }
func newSeshatSQLite(env Env) (*Site, error)   { return seshatSite(sqliteStore, env) }
func newSeshatPostgres(env Env) (*Site, error) { return seshatSite(postgresStore, env) }
func newSeshatRedis(env Env) (*Site, error)    { return seshatSite(redisStore, env) }
func newSeshatCached(env Env) (*Site, error)   { return seshatSite(cachedStore, env) }
func newSeshatNear(env Env) (*Site, error)     { return seshatSite(nearStore, env) }

// memoryStore has room for all sessions that a run makes.
func memoryStore(Env) (*seshatStore, error) {
	return &seshatStore{
		Store: session.NewMemoryStore(session.MemoryOptions{MaxRecords: 10_000_000, MaxBytes: 64 << 30}),
		close: nothingToClose,
	}, nil
}

func redisStore(env Env) (*seshatStore, error) {
	rdb := openRedis(env)
	return &seshatStore{Store: redisstore.New(rdb, redisstore.Options{}), close: rdb.Close, redis: rdb}, nil
}

// nearStore has room for the sessions of a run, and a prefix of its own, since Redis tells it
// of every write under that.
func nearStore(env Env) (*seshatStore, error) {
	rdb := openRedis(env)
	store := redisstore.New(rdb, redisstore.Options{Prefix: "near:", Near: redisstore.NearOptions{Bytes: 256 << 20}})
	near := &seshatStore{
		Store: store,
		close: func() error { return errors.Join(store.Close(), rdb.Close()) },
		redis: rdb,
	}
	ctx, cancel := background()
	defer cancel()
	for !store.NearState().Serving { // the first load connects it
		if _, err := store.Load(ctx, newID()); !errors.Is(err, session.ErrNotFound) {
			return nil, errors.Join(err, near.close())
		}
		time.Sleep(time.Millisecond)
	}
	return near, nil
}

func postgresStore(env Env) (*seshatStore, error) {
	g, db, err := openGorm(env)
	if err != nil {
		return nil, err
	}
	store, err := migrated(g, db)
	if err != nil {
		return nil, err
	}
	store.postgres = true
	return store, nil
}

// sqliteStore opens the file as gormstore advises.
func sqliteStore(env Env) (*seshatStore, error) {
	g, err := gorm.Open(sqlite.Open("file:"+filepath.Join(env.Dir, "sessions.db")+"?"+gormstore.SQLiteParams), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, fmt.Errorf("benchmarks: open SQLite: %w", err)
	}
	db, err := g.DB()
	if err != nil {
		return nil, fmt.Errorf("benchmarks: open SQLite: %w", err)
	}
	return migrated(g, db)
}

func migrated(g *gorm.DB, db *sql.DB) (*seshatStore, error) {
	store := gormstore.New(g, gormstore.Options{})
	ctx, cancel := background()
	defer cancel()
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &seshatStore{Store: store, close: db.Close, sql: db}, nil
}

func cachedStore(env Env) (*seshatStore, error) {
	truth, err := postgresStore(env)
	if err != nil {
		return nil, err
	}
	rdb := openRedis(env)
	store := cacheddb.New(redisstore.New(rdb, redisstore.Options{}), truth.Store, cacheddb.Options{})
	return &seshatStore{
		Store: store,
		close: func() error {
			ctx, cancel := background()
			defer cancel()
			return errors.Join(store.Close(ctx), rdb.Close(), truth.close())
		},
		redis: rdb,
		sql:   truth.sql,
	}, nil
}

// seshatSite is the handlers over a store.
func seshatSite(open func(Env) (*seshatStore, error), env Env) (*Site, error) {
	store, err := open(env)
	if err != nil {
		return nil, err
	}
	sessions, err := newSeshat(store)
	if err != nil {
		return nil, errors.Join(err, store.close())
	}
	return &Site{seshatRoutes(sessions, env), store.close}, nil
}

// newSeshat is a manager with its defaults, but for plain HTTP, for the bound
// that a session of 100 KB and more needs, and for what it would print.
func newSeshat(store session.Store) (*session.Manager, error) {
	return session.New(session.Options{
		Store: store, Insecure: true, MaxSize: 4 << 20, Logger: slog.New(slog.DiscardHandler),
	})
}

var (
	seshatName  = session.NewKey[string](nameKey)
	seshatCount = session.NewKey[int](countKey)
)

// seshatRoutes are the handlers of a user of Seshat with net/http.
func seshatRoutes(sessions *session.Manager, env Env) http.Handler {
	fill := func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		for key, value := range filled(r.URL.Path) {
			session.NewKey[any](key).Set(s, value)
		}
		ok(w)
	}
	return sessions.Handler(newMux(map[string]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) { ok(w) },
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, seshatName.Get(session.From(r.Context())))
		},
		Change: func(w http.ResponseWriter, r *http.Request) {
			seshatCount.Set(session.From(r.Context()), next())
			ok(w)
		},
		First: func(w http.ResponseWriter, r *http.Request) {
			seshatCount.Set(session.From(r.Context()), next())
			ok(w)
		},
		Login: func(w http.ResponseWriter, r *http.Request) {
			session.From(r.Context()).Login(user())
			ok(w)
		},
		Fill:      fill,
		FillBig:   fill,
		Anonymous: fill,
		Mark: func(w http.ResponseWriter, r *http.Request) {
			s := session.From(r.Context())
			if err := s.Load(r.Context()); err != nil {
				fail(w, err)
				return
			}
			env.loaded()
			session.NewKey[bool](r.URL.RawQuery).Set(s, true)
			ok(w)
		},
		Marks: func(w http.ResponseWriter, r *http.Request) {
			s := session.From(r.Context())
			_, _ = io.WriteString(w, markedIn(s.Has))
		},
	}))
}

package benchmarks

import (
	"errors"
	"io"
	"net/http"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/gormstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The stores of scs are made without their periodic cleanup: nothing expires
// during a run.

func newSCSMemory(env Env) (*Site, error) {
	return &Site{scsRoutes(memstore.NewWithCleanupInterval(0), env), nothingToClose}, nil
}

func newSCSRedis(env Env) (*Site, error) {
	rdb := openRedis(env)
	return &Site{scsRoutes(goredisstore.New(rdb), env), rdb.Close}, nil
}

func newSCSGorm(env Env) (*Site, error) {
	g, db, err := openGorm(env)
	if err != nil {
		return nil, err
	}
	store, err := gormstore.NewWithCleanupInterval(g, 0)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Site{scsRoutes(store, env), db.Close}, nil
}

func newSCSPgx(env Env) (*Site, error) {
	config, err := pgxpool.ParseConfig(env.Postgres)
	if err != nil {
		return nil, err
	}
	config.MaxConns = postgresPool
	ctx, cancel := background()
	defer cancel()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	// The table of its README.
	if _, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);
		CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry)`); err != nil {
		pool.Close()
		return nil, err
	}
	store := pgxstore.NewWithCleanupInterval(pool, 0)
	return &Site{scsRoutes(store, env), func() error { pool.Close(); return nil }}, nil
}

// scsRoutes are the handlers of a user of scs. It loads the session before each
// handler and saves it when the handler writes.
func scsRoutes(store scs.Store, env Env) http.Handler {
	sessions := scs.New()
	sessions.Store = store
	fill := func(w http.ResponseWriter, r *http.Request) {
		for key, value := range filled(r.URL.Path) {
			sessions.Put(r.Context(), key, value)
		}
		ok(w)
	}
	return sessions.LoadAndSave(newMux(map[string]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) { ok(w) },
		Read: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, sessions.GetString(r.Context(), nameKey))
		},
		Change: func(w http.ResponseWriter, r *http.Request) {
			sessions.Put(r.Context(), countKey, next())
			ok(w)
		},
		First: func(w http.ResponseWriter, r *http.Request) {
			sessions.Put(r.Context(), countKey, next())
			ok(w)
		},
		Login: func(w http.ResponseWriter, r *http.Request) {
			if err := sessions.RenewToken(r.Context()); err != nil {
				fail(w, err)
				return
			}
			sessions.Put(r.Context(), userKey, user())
			ok(w)
		},
		Fill:      fill,
		FillBig:   fill,
		Anonymous: fill,
		Mark: func(w http.ResponseWriter, r *http.Request) {
			env.loaded()
			sessions.Put(r.Context(), r.URL.RawQuery, true)
			ok(w)
		},
		Marks: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, markedIn(func(name string) bool { return sessions.Exists(r.Context(), name) }))
		},
	}))
}

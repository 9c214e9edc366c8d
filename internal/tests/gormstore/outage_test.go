package gormstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// Whatever happens to the server, no call says that a record is absent or that
// a write was kept; and when the server is back, the same store goes on.
func TestAnOutageIsAnErrorAndPasses(t *testing.T) {
	needServers(t)
	for _, c := range []struct {
		database
		start func(testing.TB) *servers.SQLServer
	}{
		{postgreSQL, servers.Postgres},
		{mariaDB, servers.MariaDB},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := c.start(t)
			pool := c.pool(t, server.DSN)
			g := c.open(t, pool, gorm.Config{})
			store := migrated(t, g, "sessions")
			short := gormstore.New(g, gormstore.Options{Timeout: 50 * time.Millisecond})
			id, rec := newID(), newRecord()
			must(t, store.Create(t.Context(), id, rec))
			must(t, store.Update(t.Context(), id, next(rec), 1))
			must(t, store.Touch(t.Context(), id, start, start, 2))
			for range 4 { // several connections, with what was prepared on them
				tx, err := pool.BeginTx(t.Context(), nil)
				must(t, err)
				t.Cleanup(func() { _ = tx.Rollback() })
				useAll(t, store)
			}
			fails := func(store *gormstore.Store, want error) {
				t.Helper()
				_, load := store.Load(t.Context(), id)
				_, _, list := store.List(t.Context(), rec.Principal, "", 1)
				for op, err := range map[string]error{
					"load": load, "list": list, "ping": store.Ping(t.Context()),
					"create": store.Create(t.Context(), newID(), rec), "update": store.Update(t.Context(), id, next(next(rec)), 2),
					"touch": store.Touch(t.Context(), id, start, start, 2), "delete": store.Delete(t.Context(), newID(), 2),
				} {
					if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || want != nil && !errors.Is(err, want) {
						t.Errorf("%s: got %v, want a failure (%v)", op, err, want)
					}
					if err != nil && strings.Contains(err.Error(), "secret") {
						t.Errorf("%s: %v holds the payload", op, err)
					}
				}
			}
			server.Stop(t)
			fails(short, context.DeadlineExceeded)
			server.Cont(t)
			server.Kill(t)
			fails(store, nil)
			server.Restart(t)
			got, err := store.Load(t.Context(), id)
			if err != nil || got.Version < 2 {
				t.Errorf("afterwards: version %d (%v), want the record", got.Version, err)
			}
			useAll(t, store)
		})
	}
}

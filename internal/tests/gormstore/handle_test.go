package gormstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	"gorm.io/plugin/dbresolver"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// shouting names everything in capitals.
type shouting struct{ schema.NamingStrategy }

func (s shouting) TableName(n string) string     { return strings.ToUpper(n) }
func (s shouting) ColumnName(_, n string) string { return strings.ToUpper(n) }

func TestAHandleThatEndsBeforeTheStoreIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		g := db.open(t, db.pool(t, ""), gorm.Config{})
		refused := func(name string, g *gorm.DB, want string) {
			t.Helper()
			store := gormstore.New(g, gormstore.Options{})
			err := store.Validate()
			if !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: Validate returns %v, want ErrInvalid with %q", name, err, want)
			}
			if _, again := store.Load(t.Context(), newID()); again != err {
				t.Errorf("%s: Load returns %v, want the same", name, again)
			}
		}
		tx := g.Begin()
		refused("Begin", tx, "base *gorm.DB")
		refused("a session of it", tx.Session(&gorm.Session{}), "base *gorm.DB")
		must(t, tx.Rollback().Error)
		must(t, g.Transaction(func(tx *gorm.DB) error {
			refused("Transaction", tx, "base *gorm.DB")
			return nil
		}))
		must(t, g.Session(&gorm.Session{PrepareStmt: true}).Transaction(func(tx *gorm.DB) error {
			refused("prepared Transaction", tx, "base *gorm.DB")
			return nil
		}))
		must(t, g.Connection(func(c *gorm.DB) error {
			refused("Connection", c, "base *gorm.DB")
			return nil
		}))
		refused("dry run", g.Session(&gorm.Session{DryRun: true}), "dry run")
		failed := g.Session(&gorm.Session{})
		_ = failed.AddError(errors.New("boom"))
		refused("handle with an error", failed, "boom")

		if err := gormstore.New(g.WithContext(t.Context()).Debug(), gormstore.Options{}).Validate(); err != nil {
			t.Errorf("a plain session of the handle is refused: %v", err)
		}
	})
}

func TestGORMsLoggerSeesNothing(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		var out bytes.Buffer
		g := db.open(t, db.pool(t, ""), gorm.Config{Logger: logger.New(log.New(&out, "", 0), logger.Config{LogLevel: logger.Info})})
		must(t, g.Exec("SELECT 1").Error)
		if out.Len() == 0 {
			t.Fatal("the logger is off")
		}
		out.Reset()
		store := migrated(t, g, newTable())
		useAll(t, store)
		if out.Len() > 0 {
			t.Errorf("logged: %s", out.String())
		}
	})
}

// useAll calls every method once, with success.
func useAll(t *testing.T, store *gormstore.Store) {
	t.Helper()
	ctx, id, rec := t.Context(), newID(), newRecord()
	must(t, store.Ping(ctx))
	must(t, store.Create(ctx, id, rec))
	_, err := store.Load(ctx, id)
	must(t, err)
	must(t, store.Update(ctx, id, next(rec), 1))
	must(t, store.Touch(ctx, id, start.Add(time.Hour), start.Add(time.Hour+idle), 2))
	_, _, err = store.List(ctx, rec.Principal, "", 10)
	must(t, err)
	_, _, err = store.Scan(ctx, "", 10)
	must(t, err)
	_, err = store.Purge(ctx, start, 10)
	must(t, err)
	must(t, store.Delete(ctx, id, 2))
}

func TestErrorsHoldNoPayload(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		store := gormstore.New(db.open(t, pool, gorm.Config{}), gormstore.Options{Table: newTable()})
		rec := newRecord()
		errs := []error{store.Create(t.Context(), newID(), rec), store.Update(t.Context(), newID(), rec, 1)}
		pool.Close()
		errs = append(errs, store.Create(t.Context(), newID(), rec), store.Update(t.Context(), newID(), rec, 1))
		for _, err := range errs {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "secret") {
				t.Errorf("got %v, want an error without the payload", err)
			}
		}
	})
}

// The base handle and the replica of the plugin are files of their own: what
// reaches them is not seen in the source.
func TestDBResolverReadsAndWritesGoToTheSource(t *testing.T) {
	for _, prepare := range []bool{false, true} {
		db := sqliteFile
		base, source, replica := db.pool(t, ""), db.pool(t, ""), db.pool(t, "")
		for _, c := range []struct {
			name    string
			config  dbresolver.Config
			primary *sql.DB
		}{
			{"replicas only", dbresolver.Config{Replicas: []gorm.Dialector{db.dialector(replica)}}, base},
			{"a source of its own", dbresolver.Config{
				Sources:  []gorm.Dialector{db.dialector(source)},
				Replicas: []gorm.Dialector{db.dialector(replica)},
			}, source},
		} {
			t.Run(fmt.Sprintf("%s, PrepareStmt %v", c.name, prepare), func(t *testing.T) {
				g := db.open(t, base, gorm.Config{PrepareStmt: prepare})
				must(t, g.Use(dbresolver.Register(c.config)))
				table := newTable()
				store := migrated(t, g, table)
				useAll(t, store)
				must(t, store.Create(t.Context(), newID(), newRecord()))
				var n int
				must(t, c.primary.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
				if n != 1 {
					t.Errorf("the primary has %d rows, want 1", n)
				}
			})
		}
	}
}

func TestAContextThatHasEndedIsTheError(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		store, _, _ := db.newStore(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := store.Load(ctx, newID())
		wantErr(t, "load", err, context.Canceled)
		wantErr(t, "create", store.Create(ctx, newID(), newRecord()), context.Canceled)
		wantErr(t, "ping", store.Ping(ctx), context.Canceled)
		wantErr(t, "migrate", store.Migrate(ctx), context.Canceled)
	})
}

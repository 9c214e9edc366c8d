package gormstore_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// Two handles on one file are to SQLite what two processes are. Without a
// busy timeout every collision comes up to the store.
func TestParallelWritersOfAFileWait(t *testing.T) {
	for _, params := range []string{
		gormstore.SQLiteParams + "&_pragma=synchronous(OFF)",
		"_pragma=busy_timeout(0)&_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)",
		"_pragma=busy_timeout(0)&_pragma=synchronous(OFF)", // readers and writers block each other
	} {
		t.Run(params, func(t *testing.T) {
			dsn := filepath.Join(t.TempDir(), "app.db") + "?" + params
			id, first := newID(), newRecord()
			var (
				wg     sync.WaitGroup
				ready  = make(chan struct{})
				stores []*gormstore.Store
			)
			for range 2 {
				g := sqliteFile.open(t, sqliteFile.pool(t, dsn), gorm.Config{})
				store := gormstore.New(g, gormstore.Options{Timeout: time.Minute})
				must(t, store.Migrate(t.Context()))
				stores = append(stores, store)
			}
			must(t, stores[0].Create(t.Context(), id, first))
			const writers, writes = 8, 12
			for w := range writers {
				store := stores[w%2]
				wg.Go(func() {
					<-ready
					for range writes {
						if err := writeOnce(t.Context(), store, id); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			close(ready)
			wg.Wait()
			rec, err := stores[0].Load(t.Context(), id)
			if err != nil || rec.Version != 1+writers*writes {
				t.Errorf("version %d (%v) after %d writes, want each counted once", rec.Version, err, writers*writes)
			}
		})
	}
}

// writeOnce does what the engine does: load, update, again on conflict; and a
// create and delete beside it.
func writeOnce(ctx context.Context, store *gormstore.Store, id session.ID) error {
	other := newID()
	if err := store.Create(ctx, other, newRecord()); err != nil {
		return err
	}
	for {
		rec, err := store.Load(ctx, id)
		if err != nil {
			return err
		}
		switch err = store.Update(ctx, id, next(rec), rec.Version); {
		case err == nil:
			return store.Delete(ctx, other, 1)
		case !isConflict(err):
			return err
		}
	}
}

// An onExec pool calls f after each statement that was not a query.
type onExec struct {
	*sql.DB
	f func(error)
}

func (p onExec) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	r, err := p.DB.ExecContext(ctx, query, args...)
	p.f(err)
	return r, err
}

func TestAWriteWaitsForAForeignTransaction(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "app.db") + "?_pragma=busy_timeout(0)&_pragma=journal_mode(WAL)"
	mine, foreign := sqliteFile.pool(t, dsn), sqliteFile.pool(t, dsn)
	migrated(t, sqliteFile.open(t, mine, gorm.Config{}), "sessions")
	conn, err := foreign.Conn(t.Context())
	must(t, err)
	defer conn.Close()
	mustExec(t, conn, "BEGIN IMMEDIATE")

	refused := 0
	store := gormstore.New(sqliteFile.open(t, onExec{mine, func(err error) {
		if err == nil {
			return
		}
		if refused++; refused == 3 {
			mustExec(t, conn, "COMMIT")
		}
	}}, gorm.Config{}), gormstore.Options{Timeout: time.Minute})
	must(t, store.Create(t.Context(), newID(), newRecord()))
	if refused < 3 {
		t.Errorf("%d tries were refused, want at least 3", refused)
	}
}

// SQLite waits for locks without looking at the context. Here it would do so
// for an hour.
func TestACallEndsWithItsContextAlsoWhileSQLiteWaits(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "app.db") + "?_pragma=busy_timeout(3600000)"
	foreign, err := sqliteFile.pool(t, dsn).Conn(t.Context())
	must(t, err)
	g := sqliteFile.open(t, sqliteFile.pool(t, dsn), gorm.Config{})
	store := migrated(t, g, "sessions")
	short := gormstore.New(g, gormstore.Options{Timeout: 10 * time.Millisecond})
	id, rec := newID(), newRecord()
	must(t, store.Create(t.Context(), id, rec))

	mustExec(t, foreign, "BEGIN EXCLUSIVE")
	wantErr(t, "update", short.Update(t.Context(), id, next(rec), 1), context.DeadlineExceeded)
	wantErr(t, "update behind it", short.Update(t.Context(), id, next(rec), 1), context.DeadlineExceeded)
	_, err = short.Load(t.Context(), id)
	wantErr(t, "load", err, context.DeadlineExceeded)
	mustExec(t, foreign, "COMMIT")
	must(t, foreign.Close())

	got, err := store.Load(t.Context(), id)
	if err != nil || got.Version > 2 {
		t.Errorf("afterwards: version %d (%v)", got.Version, err)
	}
	useAll(t, store)
}

// Each connection to :memory: is a database of its own, so there is one.
func TestADatabaseInMemoryWorksOnOneConnection(t *testing.T) {
	pool := sqliteFile.pool(t, ":memory:")
	pool.SetMaxOpenConns(1)
	store := migrated(t, sqliteFile.open(t, pool, gorm.Config{}), "sessions")
	var wg sync.WaitGroup
	for range 8 {
		id, rec := newID(), newRecord()
		wg.Go(func() {
			if err := errors.Join(store.Create(t.Context(), id, rec), store.Update(t.Context(), id, next(rec), 1)); err != nil {
				t.Error(err)
			}
			if _, _, err := store.Scan(t.Context(), "", 3); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// To SQLite a missing table has the code of any mistake in a statement.
func TestAnErrorOfATriggerIsNotAMissingMigration(t *testing.T) {
	store, pool, table := sqliteFile.newStore(t)
	id := newID()
	must(t, store.Create(t.Context(), id, newRecord()))
	mustExec(t, pool, "CREATE TRIGGER audit BEFORE DELETE ON "+table+" BEGIN INSERT INTO absent VALUES (1); END")
	if err := store.Delete(t.Context(), id, 1); err == nil || errors.Is(err, gormstore.ErrNotMigrated) {
		t.Errorf("got %v, want the error of the trigger", err)
	}
}

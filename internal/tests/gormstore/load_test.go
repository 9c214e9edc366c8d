package gormstore_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// lockTable keeps every statement from the table until unlock.
func lockTable(t *testing.T, db database, table string) (unlock func()) {
	t.Helper()
	tx, err := db.pool(t, "").BeginTx(t.Context(), nil)
	must(t, err)
	_, err = tx.Exec("LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE")
	must(t, err)
	return func() { must(t, tx.Commit()) }
}

// awaitCalls returns when at least n goroutines are in a function.
func awaitCalls(t *testing.T, function string, n int) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	for end := time.Now().Add(20 * time.Second); strings.Count(string(stacks[:runtime.Stack(stacks, true)]), function+"(") < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("fewer than %d are in %s", n, function)
		}
	}
}

// TestParallelLoadsShareAStatementAndNothingElse: each gets its own record, or its own error.
func TestParallelLoadsShareAStatementAndNothingElse(t *testing.T) {
	needServers(t)
	db := postgreSQL
	pool := db.pool(t, "")
	table := looseTable(t, db, pool)
	counted := &countingPool{DB: pool}
	store := migrated(t, db.open(t, counted, gorm.Config{}), table)
	ids := make([]session.ID, 30)
	for i := range ids {
		ids[i] = newID()
		rec := newRecord()
		rec.Payload = []byte(ids[i])
		must(t, store.Create(t.Context(), ids[i], rec))
	}
	mustExec(t, pool, "UPDATE "+table+" SET version = -1 WHERE id = '"+string(ids[7])+"'")
	counted.queries.Store(0)
	unlock := lockTable(t, db, table)
	var loads sync.WaitGroup
	load := func(id session.ID, want error) {
		loads.Go(func() {
			rec, err := store.Load(t.Context(), id)
			switch {
			case !errors.Is(err, want):
				t.Errorf("got %v, want %v", err, want)
			case want == nil && string(rec.Payload) != string(id):
				t.Errorf("%q got the record of %q", id, rec.Payload)
			case want == nil:
				clear(rec.Payload) // it is nobody else's
			}
		})
	}
	for i, id := range ids {
		want := error(nil)
		if i == 7 {
			want = session.ErrUndecodable
		}
		load(id, want)
		load(id, want)
		load(newID(), session.ErrNotFound)
	}
	awaitCalls(t, "gormstore.(*Store).loadMany", 1)
	unlock()
	loads.Wait()
	if n := counted.queries.Load(); n > 60 {
		t.Errorf("90 loads took %d statements", n)
	}
}

// TestOfLoadsInOneStatementEachKeepsItsOwnDeadline: who leaves cancels nobody.
func TestOfLoadsInOneStatementEachKeepsItsOwnDeadline(t *testing.T) {
	needServers(t)
	store, _, table := postgreSQL.newStore(t)
	id, rec := newID(), newRecord()
	must(t, store.Create(t.Context(), id, rec))
	unlock := lockTable(t, postgreSQL, table)
	var patient, hurried sync.WaitGroup
	leaving, leave := context.WithCancel(t.Context())
	for range 20 {
		patient.Go(func() {
			if got, err := store.Load(t.Context(), id); err != nil || got.Version != rec.Version {
				t.Errorf("a patient load: version %d, %v", got.Version, err)
			}
		})
		hurried.Go(func() {
			if _, err := store.Load(leaving, id); !errors.Is(err, context.Canceled) {
				t.Errorf("a load that was cancelled: %v", err)
			}
		})
	}
	awaitCalls(t, "gormstore.(*Store).loadMany", 1)
	leave()
	hurried.Wait() // while nothing is answered
	unlock()
	patient.Wait()
}

// TestLoadsInOneStatementEndWithTheTimeLimit where the database stands still.
func TestLoadsInOneStatementEndWithTheTimeLimit(t *testing.T) {
	needServers(t)
	pool := postgreSQL.pool(t, "")
	g := postgreSQL.open(t, pool, gorm.Config{})
	table := newTable()
	store := gormstore.New(g, gormstore.Options{Table: table, Timeout: 300 * time.Millisecond})
	must(t, store.Migrate(t.Context()))
	unlock := lockTable(t, postgreSQL, table)
	defer unlock()
	var loads sync.WaitGroup
	for range 20 {
		loads.Go(func() {
			if _, err := store.Load(t.Context(), newID()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
	awaitCalls(t, "gormstore.(*Store).loadMany", 1)
	loads.Wait()
	for end := time.Now().Add(20 * time.Second); pool.Stats().InUse > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are still in use", pool.Stats().InUse)
		}
	}
}

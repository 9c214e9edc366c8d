package gormstore_test

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

func isConflict(err error) bool { return errors.Is(err, session.ErrConflict) }

// untilWaiting waits until another connection, in a statement on the table, has
// come to where it waits for a lock.
func untilWaiting(t *testing.T, db database, pool *sql.DB, table string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for waiting := false; !waiting; {
		var err error
		if db.driver == postgreSQL.driver {
			err = pool.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%')", table).Scan(&waiting)
		} else {
			var kind, name, status string // unlike information_schema.innodb_trx, this is no cache
			err = pool.QueryRowContext(ctx, "SHOW ENGINE INNODB STATUS").Scan(&kind, &name, &status)
			_, locks, found := strings.Cut(status, "LOCK WAIT")
			waiting = found && strings.Contains(locks, table)
		}
		must(t, err)
		runtime.Gosched()
	}
}

func TestASerializationFailureIsTriedAgain(t *testing.T) {
	needServers(t)
	for _, level := range []string{"repeatable%20read", "serializable"} {
		db := postgreSQL.with(level, params("default_transaction_isolation="+level))
		t.Run(level, func(t *testing.T) {
			store, pool, table := db.newStore(t)
			id, rec := newID(), newRecord()
			must(t, store.Create(t.Context(), id, rec))

			tx, err := pool.BeginTx(t.Context(), nil)
			must(t, err)
			mustExec(t, tx, "UPDATE "+table+" SET last_seen = last_seen WHERE id = $1", string(id))
			done := make(chan error)
			go func() { done <- store.Update(t.Context(), id, next(rec), 1) }()
			untilWaiting(t, db, pool, table)
			must(t, tx.Commit()) // now the update fails with 40001
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A transaction that has changed much holds one of two expired rows; Purge has
// locked the other and waits. When the transaction wants that one too, Purge is
// the cheaper victim.
func TestADeadlockIsTriedAgain(t *testing.T) {
	needServers(t)
	store, pool, table := mariaDB.newStore(t)
	ids := []session.ID{newID(), newID()}
	slices.Sort(ids) // as Purge goes
	for i, id := range ids {
		rec := newRecord()
		rec.LastSeen, rec.Expires = start, start.Add(time.Duration(i)*365*24*time.Hour)
		must(t, store.Create(t.Context(), id, rec))
	}
	tx, err := pool.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }()
	for range 50 {
		mustExec(t, tx, "INSERT INTO "+table+" (id, version, mark, expires, payload, purge_after) VALUES (?, 1, 'abcdefgh', ?, '', ?)",
			string(newID()), start.Add(10*365*24*time.Hour).UnixMicro(), start.Add(10*365*24*time.Hour).UnixMicro())
	}
	mustExec(t, tx, "UPDATE "+table+" SET version = 9 WHERE id = ?", string(ids[1]))

	type result struct {
		n   int
		err error
	}
	done := make(chan result)
	go func() {
		n, err := store.Purge(t.Context(), start.Add(5*365*24*time.Hour), 10)
		done <- result{n, err}
	}()
	untilWaiting(t, mariaDB, pool, table)
	before := deadlocks(t, pool)
	mustExec(t, tx, "UPDATE "+table+" SET version = 9 WHERE id = ?", string(ids[0]))
	must(t, tx.Commit())
	if got := <-done; got.n != 2 || got.err != nil {
		t.Errorf("purged %d (%v), want 2", got.n, got.err)
	}
	if deadlocks(t, pool) == before {
		t.Error("there was no deadlock; the test proves nothing")
	}
}

func deadlocks(t *testing.T, pool *sql.DB) (n int) {
	t.Helper()
	var name string
	must(t, pool.QueryRow("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").Scan(&name, &n))
	return n
}

func TestALockedRowEndsACallAtItsTimeLimit(t *testing.T) {
	needServers(t)
	for _, db := range []database{postgreSQL, mariaDB} {
		t.Run(db.name, func(t *testing.T) {
			whole, pool, table := db.newStore(t)
			short := gormstore.New(db.open(t, pool, gorm.Config{}), gormstore.Options{Table: table, Timeout: 30 * time.Millisecond})
			id, rec := newID(), newRecord()
			must(t, whole.Create(t.Context(), id, rec))
			tx, err := pool.BeginTx(t.Context(), nil)
			must(t, err)
			mustExec(t, tx, "UPDATE "+table+" SET last_seen = last_seen + 1 WHERE id = '"+string(id)+"'")

			err = short.Update(t.Context(), id, next(rec), 1)
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "30ms") {
				t.Errorf("got %v, want DeadlineExceeded that names the limit", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- whole.Delete(ctx, id, 1) }()
			untilWaiting(t, db, pool, table)
			cancel()
			wantErr(t, "delete", <-done, context.Canceled)
			if got, err := whole.Load(t.Context(), id); err != nil || got.Version != 1 {
				t.Errorf("a reader sees version %d (%v), want 1 and no waiting", got.Version, err)
			}
			must(t, tx.Rollback())
		})
	}
}

// The rows are of one step of the purge index, so that Purge looks at all.
func TestPurgeWaitsForNoRowThatStays(t *testing.T) {
	needServers(t)
	for _, db := range []database{postgreSQL, mariaDB} {
		t.Run(db.name, func(t *testing.T) {
			store, pool, table := db.newStore(t)
			expired, live := newRecord(), newRecord()
			live.Expires = live.Expires.Add(time.Hour)
			id := newID()
			must(t, store.Create(t.Context(), id, live))
			for range 3 {
				must(t, store.Create(t.Context(), newID(), expired))
			}
			tx, err := pool.BeginTx(t.Context(), nil)
			must(t, err)
			mustExec(t, tx, "UPDATE "+table+" SET version = 2 WHERE id = '"+string(id)+"'")
			if n, err := store.Purge(t.Context(), expired.Expires.Add(time.Second), 10); n != 3 || err != nil {
				t.Errorf("purged %d (%v), want 3", n, err)
			}
			must(t, tx.Commit())
		})
	}
}

// A row that another transaction has moved to a later expiry, committed or not,
// is not purged.
func TestPurgeLeavesARowThatIsBeingTouched(t *testing.T) {
	needServers(t)
	for _, db := range []database{postgreSQL, mariaDB} {
		t.Run(db.name, func(t *testing.T) {
			store, pool, table := db.newStore(t)
			id, rec := newID(), newRecord()
			must(t, store.Create(t.Context(), id, rec))
			for range 3 {
				must(t, store.Create(t.Context(), newID(), rec))
			}
			later := rec.Expires.Add(idle)
			tx, err := pool.BeginTx(t.Context(), nil)
			must(t, err)
			mustExec(t, tx, "UPDATE "+table+" SET expires = "+itoa(later.UnixMicro())+" WHERE id = '"+string(id)+"'")
			done := make(chan int)
			go func() {
				n, err := store.Purge(t.Context(), rec.Expires.Add(time.Second), 10)
				if err != nil {
					t.Error(err)
				}
				done <- n
			}()
			if db.name == mariaDB.name {
				untilWaiting(t, db, pool, table)
				must(t, tx.Commit())
			}
			if n := <-done; n != 3 {
				t.Errorf("purged %d, want 3", n)
			}
			if db.name == postgreSQL.name {
				must(t, tx.Commit())
			}
			if got, err := store.Load(t.Context(), id); err != nil || !got.Expires.Equal(later) {
				t.Errorf("got %v (%v), want the row that was touched", got.Expires, err)
			}
		})
	}
}

package gormstore_test

import (
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// PostgreSQL writes no index for an update that changes no indexed column and
// finds room on the row's page. The pages here are as full as inserts make them.
func TestUpdatesAndTouchesAreHeapOnlyOnPostgreSQL(t *testing.T) {
	needServers(t)
	store, pool, table := postgreSQL.newStore(t)
	pool.SetMaxOpenConns(1) // statistics are gathered by connection
	records := map[session.ID]session.Record{}
	for range 40 {
		id, rec := newID(), newRecord()
		records[id] = rec
		must(t, store.Create(t.Context(), id, rec))
	}
	const rounds = 4
	for range rounds {
		for id, rec := range records {
			updated := next(rec)
			must(t, store.Update(t.Context(), id, updated, rec.Version))
			seen := updated.LastSeen.Add(time.Minute)
			must(t, store.Touch(t.Context(), id, seen, seen.Add(idle), updated.Version))
			records[id] = updated
		}
	}
	mustExec(t, pool, "SELECT pg_stat_force_next_flush()")
	var updates, hot int
	must(t, pool.QueryRow("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table).Scan(&updates, &hot))
	if want := 2 * rounds * len(records); updates != want || hot != updates {
		t.Errorf("%d of %d updates were heap-only, want all of %d", hot, updates, want)
	}
}

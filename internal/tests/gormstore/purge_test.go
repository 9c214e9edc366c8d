package gormstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// fill inserts n rows on the server, numbered from 1, which expire at the given
// time and have the given place in the index that Purge goes by.
func fill(t *testing.T, db database, pool *sql.DB, table, prefix string, n int, expires, purgeAfter time.Time) {
	t.Helper()
	numbers := map[string]string{
		"pgx":    "(SELECT i::text AS i FROM generate_series(1, %d) AS i)",
		"mysql":  "(SELECT seq AS i FROM seq_1_to_%d)",
		"sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)",
	}[db.driver]
	mustExec(t, pool, fmt.Sprintf("INSERT INTO %s (id, version, mark, expires, payload, purge_after)"+
		" SELECT n.i, 1, 'abcdefgh', %d, 'x', %d FROM "+numbers+" AS n", table, expires.UnixMicro(), purgeAfter.UnixMicro(), n))
	change := map[string]string{"pgx": "'%s' || id", "mysql": "CONCAT('%s', id)", "sqlite": "'%s' || id"}[db.driver]
	mustExec(t, pool, "UPDATE "+table+" SET id = "+fmt.Sprintf(change, prefix)+" WHERE LENGTH(id) < 6")
}

// A watchedPool knows how many rows each statement changed, and of transactions.
type watchedPool struct {
	*sql.DB
	mu     sync.Mutex
	most   int64
	begins int
}

func (p *watchedPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := p.DB.ExecContext(ctx, query, args...)
	if err == nil {
		n, _ := result.RowsAffected()
		p.mu.Lock()
		p.most = max(p.most, n)
		p.mu.Unlock()
	}
	return result, err
}

func (p *watchedPool) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	p.mu.Lock()
	p.begins++
	p.mu.Unlock()
	return p.DB.BeginTx(ctx, o)
}

var counter = session.NewKey[int]("counter")

// A visitor signs in, counts its visits, and now and then gets a new token,
// until it is stopped.
func visitor(m *session.Manager, n int, until <-chan struct{}) error {
	var cookie *http.Cookie
	visit := func(handle func(*session.Session) error) error {
		r := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		var failed error
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			failed = handle(session.From(r.Context()))
			w.WriteHeader(http.StatusOK)
		})).ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			cookie = c
		}
		if w.Code != http.StatusOK {
			return fmt.Errorf("visitor %d was answered %d: %s", n, w.Code, w.Body)
		}
		return failed
	}
	user := "user-" + strconv.Itoa(n)
	if err := visit(func(s *session.Session) error { s.Login(user); return nil }); err != nil {
		return err
	}
	for visits := 0; ; visits++ {
		err := visit(func(s *session.Session) error {
			if got := counter.Get(s); got != visits || s.Principal() != user {
				return fmt.Errorf("visit %d of %s finds the count %d of %q", visits, user, got, s.Principal())
			}
			counter.Set(s, visits+1)
			if visits%5 == 4 {
				s.Renew()
			}
			return s.Err()
		})
		if err != nil {
			return err
		}
		select {
		case <-until:
			return nil
		default:
		}
	}
}

func TestPurgesBesideTrafficAndBesideEachOther(t *testing.T) {
	const (
		expired, live = 1000, 200
		batch         = 50
	)
	each(t, func(t *testing.T, db database) {
		dsn := db.dsn(t)
		pool, table := db.pool(t, dsn), newTable()
		store := migrated(t, db.open(t, pool, gorm.Config{}), table)
		now := time.Now()
		fill(t, db, pool, table, "expired-", expired, now.Add(-time.Hour), now.Add(-20*time.Hour))
		fill(t, db, pool, table, "staying-", live, now.Add(time.Hour), now.Add(-20*time.Hour))

		traffic := session.Must(session.New(session.Options{Store: store}))
		until, stopped := make(chan struct{}), make(chan error)
		for n := range 3 {
			go func() { stopped <- visitor(traffic, n, until) }()
		}
		watched := &watchedPool{DB: db.pool(t, dsn)}
		type result struct {
			n   int
			err error
		}
		purged := make(chan result)
		for range 2 {
			m := session.Must(session.New(session.Options{Store: gormstore.New(db.open(t, watched, gorm.Config{}), gormstore.Options{Table: table})}))
			go func() {
				n, err := m.Purge(t.Context(), session.PurgeBatch(batch), session.PurgeShare(0.9))
				purged <- result{n, err}
			}()
		}
		sum := 0
		for range 2 {
			r := <-purged
			sum += r.n
			if r.err != nil {
				t.Errorf("purge: %v", r.err)
			}
		}
		close(until)
		for range 3 {
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		}
		if sum != expired {
			t.Errorf("the purges say %d, want %d", sum, expired)
		}
		for prefix, want := range map[string]int{"expired-": 0, "staying-": live} {
			var n int
			must(t, pool.QueryRow("SELECT COUNT(*) FROM "+table+" WHERE id LIKE '"+prefix+"%'").Scan(&n))
			if n != want {
				t.Errorf("%d rows %q are left, want %d", n, prefix, want)
			}
		}
		if watched.most == 0 || watched.most > batch || watched.begins != 0 {
			t.Errorf("a statement of the purges changed %d rows, want at most %d; %d transactions", watched.most, batch, watched.begins)
		}
	})
}

// In a pause the server knows of nothing that the purge holds.
func TestNoTransactionIsOpenBetweenBatches(t *testing.T) {
	needServers(t)
	const name = "purging"
	db := postgreSQL.with("a name", params("application_name="+name))
	store, pool, table := db.newStore(t)
	now := time.Now()
	fill(t, db, pool, table, "expired-", 300, now.Add(-time.Hour), now.Add(-20*time.Hour))
	other := postgreSQL.pool(t, "")
	m := session.Must(session.New(session.Options{Store: store}))
	var states []string
	_, err := m.Purge(t.Context(), session.PurgeBatch(100), session.PurgeProgress(func(session.PurgeStatus) {
		rows, err := other.Query("SELECT state FROM pg_stat_activity WHERE application_name = $1", name)
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			var state string
			must(t, rows.Scan(&state))
			states = append(states, state)
		}
	}))
	must(t, err)
	for _, s := range states {
		if s != "idle" {
			t.Errorf("a connection is %q", s)
		}
	}
	if len(states) < 3 {
		t.Errorf("%d looks; the test proves nothing", len(states))
	}
}

// told counts events.
type told struct {
	mu sync.Mutex
	n  map[session.EventKind]int
}

func (e *told) Event(_ context.Context, event session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n[event.Kind]++
}

// SQLite needs no network, so that the clock can be made to run.
func TestOfProcessesOnOneTableOnePurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, pool, table := sqliteFile.newStore(t)
		fill(t, sqliteFile, pool, table, "expired-", 100, time.Now().Add(-time.Hour), time.Now().Add(-20*time.Hour))
		events := &told{n: make(map[session.EventKind]int)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		for range 3 {
			m := session.Must(session.New(session.Options{Store: store, Events: events}))
			go func() {
				m.PurgeEvery(ctx, time.Hour)
				done <- struct{}{}
			}()
		}
		time.Sleep(6*time.Hour - time.Minute)
		cancel()
		for range 3 {
			<-done
		}
		if n := events.n[session.EventPurged]; n != 6 && n != 5 || events.n[session.EventStoreError] != 0 {
			t.Errorf("events in six hours: %v", events.n)
		}
		page, _, err := store.Scan(t.Context(), "", 10)
		if err != nil || len(page) != 1 || page[0].Record.MovedTo == "" {
			t.Errorf("stored are %+v, %v", page, err)
		}
		must(t, pool.Close())
	})
}

// A purge goes on where its batch before ended; what was written behind that is
// found all the same before it says that none are left.
func TestAPurgeLeavesNothingThatCameBehindIt(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		store, pool, table := db.newStore(t)
		now := time.Now()
		fill(t, db, pool, table, "expired-", 6, now.Add(-time.Hour), now.Add(-20*time.Hour))
		for _, want := range []int{2, 2} {
			if n, err := store.Purge(t.Context(), now, 2); n != want || err != nil {
				t.Fatalf("purged %d, %v", n, err)
			}
		}
		fill(t, db, pool, table, "behind-", 3, now.Add(-2*time.Hour), now.Add(-40*time.Hour))
		for _, want := range []int{2, 2, 1, 0} {
			if n, err := store.Purge(t.Context(), now, 2); n != want || err != nil {
				t.Fatalf("purged %d, %v; want %d", n, err, want)
			}
		}
	})
}

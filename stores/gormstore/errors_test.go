package gormstore_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// The shapes of the drivers' errors.
type (
	pgError     struct{ state string }             // pgx, lib/pq
	mysqlError  struct{ Number uint16 }            // go-sql-driver/mysql
	moderncErr  struct{ code int }                 // modernc.org/sqlite, glebarez/go-sqlite
	errNo       int                                // mattn/go-sqlite3
	mattnError  struct{ Code, ExtendedCode errNo } // mattn/go-sqlite3, by value
	numberOfOwn struct{ Number string }            // somebody's
)

func (e *pgError) Error() string    { return "pg " + e.state }
func (e *pgError) SQLState() string { return e.state }
func (e *mysqlError) Error() string { return fmt.Sprint("mysql ", e.Number) }
func (e *moderncErr) Error() string { return fmt.Sprint("sqlite ", e.code) }
func (e *moderncErr) Code() int     { return e.code }
func (e mattnError) Error() string  { return fmt.Sprint("sqlite ", e.Code) }
func (e numberOfOwn) Error() string { return e.Number }

func TestErrorsAreKnownByTheirCodes(t *testing.T) {
	const once, again = false, true
	for _, c := range []struct {
		database string
		err      error
		want     error // nil: the driver's own
		again    bool  // the statement is sent again
	}{
		{"postgres", &pgError{"23505"}, session.ErrExists, once},
		{"postgres", &pgError{"40001"}, nil, again},
		{"postgres", &pgError{"40P01"}, nil, again},
		{"postgres", &pgError{"55P03"}, nil, again},
		{"postgres", fmt.Errorf("traced: %w", &pgError{"40001"}), nil, again},
		{"postgres", errors.Join(errors.New("x"), &pgError{"40001"}), nil, again},
		{"postgres", &pgError{"42P01"}, gormstore.ErrNotMigrated, once},
		{"postgres", &pgError{"42703"}, gormstore.ErrNotMigrated, once},
		{"postgres", &pgError{"57014"}, nil, once}, // canceled by statement_timeout
		{"postgres", &pgError{"25006"}, nil, once}, // read-only
		{"postgres", &mysqlError{1213}, nil, once},
		{"mysql", &mysqlError{1062}, session.ErrExists, once},
		{"mysql", &mysqlError{1213}, nil, again},
		{"mysql", &mysqlError{1205}, nil, again},
		{"mysql", &mysqlError{1020}, nil, again},
		{"mysql", fmt.Errorf("traced: %w", &mysqlError{1213}), nil, again},
		{"mysql", &mysqlError{1146}, gormstore.ErrNotMigrated, once},
		{"mysql", &mysqlError{1054}, gormstore.ErrNotMigrated, once},
		{"mysql", &mysqlError{1290}, nil, once}, // read-only
		{"mysql", numberOfOwn{Number: "1213"}, nil, once},
		{"mysql", (*mysqlError)(nil), nil, once},
		{"sqlite", &moderncErr{5}, nil, again},
		{"sqlite", &moderncErr{517}, nil, again}, // SQLITE_BUSY_SNAPSHOT
		{"sqlite", &moderncErr{6}, nil, again},
		{"sqlite", &moderncErr{262}, nil, again}, // SQLITE_LOCKED_SHAREDCACHE
		{"sqlite", &moderncErr{9}, nil, again},   // an interrupt that came late
		{"sqlite", mattnError{5, 517}, nil, again},
		{"sqlite", fmt.Errorf("traced: %w", mattnError{6, 262}), nil, again},
		{"sqlite", &moderncErr{1}, gormstore.ErrNotMigrated, once}, // the fake has no table
		{"sqlite", &moderncErr{8}, nil, once},                      // read-only
		{"sqlite", mattnError{13, 13}, nil, once},                  // disk full
		{"sqlite", errors.New("database is locked (5) (SQLITE_BUSY)"), nil, once},
	} {
		synctest.Test(t, func(t *testing.T) {
			tries := 0
			store := newStore(t, c.database, &server{exec: func(context.Context, string) (int64, error) {
				if tries++; c.again && tries == 4 {
					return 1, nil
				}
				return 0, c.err
			}})
			err := store.Create(t.Context(), newID(), session.Record{Version: 1})
			switch {
			case c.again:
				if err != nil || tries != 4 {
					t.Errorf("%s, %v: %v after %d tries, want success with the fourth", c.database, c.err, err, tries)
				}
			case tries != 1:
				t.Errorf("%s, %v: sent %d times, want once", c.database, c.err, tries)
			case c.want != nil && !errors.Is(err, c.want), c.want == nil && !errors.Is(err, c.err):
				t.Errorf("%s, %v: got %v, want %v", c.database, c.err, err, c.want)
			}
		})
	}
}

func TestTryingAgainEndsWithTheTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		store := gormstore.New(handle(t, "sqlite", &server{exec: func(context.Context, string) (int64, error) {
			tries++
			return 0, &moderncErr{5}
		}}), gormstore.Options{Timeout: 3 * time.Second})
		begin := time.Now()
		err := store.Delete(t.Context(), newID(), 1)
		if took := time.Since(begin); took != 3*time.Second || tries < 10 {
			t.Errorf("ended after %v and %d tries, want many within 3s", took, tries)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "delete: no answer within 3s") {
			t.Errorf("got %v, want DeadlineExceeded that names the operation and the limit", err)
		}
	})
}

func TestAReadOnDeadConnectionsIsRepeatedAWriteIsNot(t *testing.T) {
	db := &server{lost: 5}
	store := newStore(t, "postgres", db)
	if _, err := store.Load(t.Context(), newID()); !errors.Is(err, session.ErrNotFound) || len(db.sent) != 6 {
		t.Errorf("a read: %v after %d tries, want ErrNotFound with the sixth", err, len(db.sent))
	}
	db.lost, db.sent = 1000, nil
	if _, err := store.Load(t.Context(), newID()); !errors.Is(err, io.ErrUnexpectedEOF) || len(db.sent) > 20 {
		t.Errorf("a read of a server that is gone: %v after %d tries", err, len(db.sent))
	}
	tries := 0
	store = newStore(t, "postgres", &server{exec: func(context.Context, string) (int64, error) {
		tries++
		return 0, io.ErrUnexpectedEOF
	}})
	if err := store.Delete(t.Context(), newID(), 1); !errors.Is(err, io.ErrUnexpectedEOF) || tries != 1 {
		t.Errorf("a write: %v after %d tries, want one: it may have taken effect", err, tries)
	}
}

func TestTheCallersContextEndsTheCallSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := newStore(t, "mysql", &server{exec: func(context.Context, string) (int64, error) {
			cancel()
			return 0, &mysqlError{1213}
		}})
		err := store.Delete(ctx, newID(), 1)
		if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "no answer") {
			t.Errorf("got %v, want Canceled", err)
		}
	})
}

// glebarez/go-sqlite returns success, and the row count of the statement
// before, when the context ends before it has begun.
func TestOnSQLiteASuccessAfterTheEndOfTheContextIsNotBelieved(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := newStore(t, "sqlite", &server{exec: func(context.Context, string) (int64, error) {
		cancel()
		return 1, nil
	}})
	if err := store.Update(ctx, newID(), session.Record{Version: 2}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

func TestOnSQLiteWritesQueueWithinTheirContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside := make(chan struct{})
		running := 0
		store := newStore(t, "sqlite", &server{exec: func(context.Context, string) (int64, error) {
			if running++; running > 1 {
				t.Error("two writes at once")
			}
			<-inside
			running--
			return 1, nil
		}})
		write := func(ctx context.Context) chan error {
			done := make(chan error, 1)
			go func() { done <- store.Delete(ctx, newID(), 1) }()
			synctest.Wait()
			return done
		}
		first := write(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		second, third := write(ctx), write(t.Context())
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want Canceled while another write is under way", err)
		}
		if _, err := store.Load(t.Context(), newID()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("got %v, want a read that does not queue", err)
		}
		close(inside)
		if err := errors.Join(<-first, <-third); err != nil {
			t.Error(err)
		}
	})
}

// With GORM's, callers wait for one another's contexts.
func TestGORMsCacheOfPreparedStatementsIsNotUsed(t *testing.T) {
	s := &server{}
	g := handle(t, "sqlite", s).Session(&gorm.Session{PrepareStmt: true})
	g.Config.ConnPool = g.Statement.ConnPool // as gorm.Open leaves it for Config.PrepareStmt
	if _, ok := g.ConnPool.(*gorm.PreparedStmtDB); !ok {
		t.Fatalf("the pool is a %T", g.ConnPool)
	}
	if err := gormstore.New(g, gormstore.Options{}).Delete(t.Context(), newID(), 1); err != nil {
		t.Fatal(err)
	}
	if len(s.sent) != 1 || strings.HasPrefix(s.sent[0], "prepare ") {
		t.Errorf("sent %q, want one statement", s.sent)
	}
}

func TestMySQLStatementsArePreparedOnce(t *testing.T) {
	s := &server{}
	store := newStore(t, "mysql", s)
	for range 3 {
		if err := store.Delete(t.Context(), newID(), 1); err != nil {
			t.Fatal(err)
		}
	}
	prepared := slices.DeleteFunc(slices.Clone(s.sent), func(q string) bool { return !strings.HasPrefix(q, "prepare ") })
	if len(prepared) != 1 || len(s.sent) != 4 {
		t.Errorf("sent %q, want one preparation and three executions", s.sent)
	}
}

func TestAPanicOfTheDriverReachesTheCaller(t *testing.T) {
	for _, name := range []string{"postgres", "sqlite"} { // the calls of the latter run on a goroutine of their own
		store := newStore(t, name, &server{exec: func(context.Context, string) (int64, error) { panic("driver") }})
		func() {
			defer func() {
				if r := recover(); r != "driver" {
					t.Errorf("%s: recovered %v", name, r)
				}
			}()
			_ = store.Delete(t.Context(), newID(), 1)
		}()
	}
}

// A connection that ends while rows are read looks to rows.Next like their end.
func TestRowsThatBreakOffAreNeitherAbsenceNorTheEndOfAList(t *testing.T) {
	broken := errors.New("the connection is gone")
	store := newStore(t, "postgres", &server{end: broken, exec: func(context.Context, string) (int64, error) { return 0, nil }})
	ctx, id := t.Context(), newID()
	_, load := store.Load(ctx, id)
	_, _, list := store.List(ctx, "bob", "", 10)
	_, _, scan := store.Scan(ctx, "", 10)
	for what, err := range map[string]error{
		"load": load, "list": list, "scan": scan, "ping": store.Ping(ctx),
		"update": store.Update(ctx, id, session.Record{Version: 2}, 1), "delete": store.Delete(ctx, id, 1),
	} {
		if !errors.Is(err, broken) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", what, err, broken)
		}
	}
}

func TestAReadIsRepeatedOnlyWhereTheConnectionEnded(t *testing.T) {
	for _, c := range []struct {
		loss  error
		tries int
	}{
		{&pgError{"57P01"}, 2}, // admin_shutdown
		{&pgError{"57P02"}, 2}, // crash_shutdown
		{&pgError{"57014"}, 1}, // query_canceled: the connection stands
		{errors.New("x"), 1},
	} {
		db := &server{lost: 1, loss: c.loss}
		_, err := newStore(t, "postgres", db).Load(t.Context(), newID())
		want := c.loss
		if c.tries == 2 {
			want = session.ErrNotFound
		}
		if !errors.Is(err, want) || len(db.sent) != c.tries {
			t.Errorf("%v: %v after %d tries, want %v after %d", c.loss, err, len(db.sent), want, c.tries)
		}
	}
}

// A write of SQLite may go on when its call has returned.
func TestOnSQLiteAWriteSharesNoMemoryWithItsCaller(t *testing.T) {
	var sent []byte
	store := newStore(t, "sqlite", &server{args: func(args []driver.NamedValue) {
		for _, a := range args {
			if b, ok := a.Value.([]byte); ok && len(b) > 8 { // not the mark
				sent = b
			}
		}
	}})
	rec := session.Record{Version: 1, Payload: []byte("the payload")}
	for what, write := range map[string]func() error{
		"create": func() error { return store.Create(t.Context(), newID(), rec) },
		"update": func() error { return store.Update(t.Context(), newID(), rec, 0) },
	} {
		copy(rec.Payload, "the payload")
		if err := write(); err != nil {
			t.Fatal(err)
		}
		clear(rec.Payload)
		if !bytes.Equal(sent, []byte("the payload")) {
			t.Errorf("%s: the driver has %q after the caller changed its own", what, sent)
		}
	}
}

func TestPurgeOfAtMostNothingSendsNothing(t *testing.T) {
	for _, database := range []string{"postgres", "mysql", "sqlite"} {
		s := &server{}
		store := newStore(t, database, s)
		for _, limit := range []int{0, -1} { // to SQLite -1 is no limit
			if n, err := store.Purge(t.Context(), time.Now(), limit); n != 0 || err != nil || len(s.sent) != 0 {
				t.Errorf("%s, limit %d: %d, %v, sent %q", database, limit, n, err, s.sent)
			}
		}
	}
}

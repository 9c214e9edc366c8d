package gormstore_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/utils/tests"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// A server is a database driver that answers with what it is told: for the
// errors that real servers do not make on demand. Everything else is tested
// against real ones, in a module of its own that has their drivers.
type server struct {
	exec func(ctx context.Context, query string) (rows int64, err error) // nil: one row
	rows func(query string) int                                          // nil: none
	lost int                                                             // queries still to come whose connection ends
	loss error                                                           // what those fail with; nil: io.ErrUnexpectedEOF
	end  error                                                           // what comes after the last row; nil: nothing
	args func([]driver.NamedValue)                                       // is shown what a statement was sent with, if not nil

	sent []string // statements, and "prepare" in front of one that was prepared
}

func (s *server) run(ctx context.Context, query string) (driver.Result, error) {
	s.sent = append(s.sent, query)
	if s.exec == nil {
		return driver.RowsAffected(1), nil
	}
	n, err := s.exec(ctx, query)
	return driver.RowsAffected(n), err
}

func (s *server) ask(query string) (driver.Rows, error) {
	s.sent = append(s.sent, query)
	if s.lost > 0 {
		s.lost--
		return nil, cmp.Or(s.loss, io.ErrUnexpectedEOF)
	}
	n := 0
	if s.rows != nil {
		n = s.rows(query)
	}
	return &rows{n, cmp.Or(s.end, io.EOF)}, nil
}

func (s *server) Connect(context.Context) (driver.Conn, error) { return conn{s}, nil }
func (s *server) Driver() driver.Driver                        { return nil }

type conn struct{ *server }

func (c conn) Prepare(query string) (driver.Stmt, error) {
	c.sent = append(c.sent, "prepare "+query)
	return stmt{c.server, query}, nil
}
func (c conn) Close() error              { return nil }
func (c conn) Begin() (driver.Tx, error) { return tx{}, nil }

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.args != nil {
		c.args(args)
	}
	return c.run(ctx, query)
}

func (c conn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	return c.ask(query)
}

type stmt struct {
	*server
	query string
}

func (s stmt) Close() error  { return nil }
func (s stmt) NumInput() int { return strings.Count(s.query, "?") }
func (s stmt) Exec([]driver.Value) (driver.Result, error) {
	return s.run(context.Background(), s.query)
}
func (s stmt) Query([]driver.Value) (driver.Rows, error) { return s.ask(s.query) }

type tx struct{}

func (tx) Commit() error   { return nil }
func (tx) Rollback() error { return nil }

type rows struct {
	n   int
	end error
}

func (r *rows) Columns() []string { return []string{"x"} }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(dest []driver.Value) error {
	if r.n == 0 {
		return r.end
	}
	r.n--
	dest[0] = int64(1)
	return nil
}

// A dialector is one with a name and nothing else.
type dialector struct {
	tests.DummyDialector
	name string
}

func (d dialector) Name() string { return d.name }

// handle returns GORM's handle on the server, as one of the named database.
func handle(t *testing.T, name string, s *server) *gorm.DB {
	t.Helper()
	pool := sql.OpenDB(s)
	t.Cleanup(func() { pool.Close() })
	g, err := gorm.Open(dialector{name: name}, &gorm.Config{ConnPool: pool, Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func newStore(t *testing.T, name string, s *server) *gormstore.Store {
	t.Helper()
	store := gormstore.New(handle(t, name, s), gormstore.Options{})
	if err := store.Validate(); err != nil {
		t.Fatal(err)
	}
	return store
}

func newID() session.ID {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return session.ID(base64.RawURLEncoding.EncodeToString(b))
}

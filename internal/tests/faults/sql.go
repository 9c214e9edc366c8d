package faults

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"
)

// A base is a database server as its administrator sees it: through one
// connection that does not pass any proxy.
type base struct {
	driver, dsn string
	tables      string // selects the names of the application's tables
}

// asks is a fault that one connection to the database makes, keeps open, and
// mends.
func (b base) asks(name string, inject, mend func(testing.TB, *sql.Conn)) Fault {
	var db *sql.DB
	var c *sql.Conn
	return state(name, Nothing, func(t testing.TB) {
		t.Helper()
		db, c = b.connect(t)
		inject(t, c)
	}, func(t testing.TB) {
		t.Helper()
		defer func() {
			if c != nil {
				_ = c.Close()
			}
			_ = db.Close()
		}()
		if mend != nil {
			mend(t, c)
		}
	})
}

// says is a fault made and mended by statements.
func (b base) says(name string, inject, mend []string) Fault {
	return b.asks(name, run(inject...), run(mend...))
}

func run(statements ...string) func(testing.TB, *sql.Conn) {
	return func(t testing.TB, c *sql.Conn) {
		t.Helper()
		for _, statement := range statements {
			execute(t, c, statement)
		}
	}
}

func execute(t testing.TB, c *sql.Conn, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := c.ExecContext(ctx, statement); err != nil {
		t.Fatalf("faults: %s: %v", statement, err)
	}
}

func (b base) connect(t testing.TB) (*sql.DB, *sql.Conn) {
	t.Helper()
	db, err := sql.Open(b.driver, b.dsn)
	check(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var c *sql.Conn
	until(t, "the database lets its administrator in", func() bool {
		c, err = db.Conn(ctx)
		return err == nil
	})
	return db, c
}

// column is the first column of what a query finds.
func column(t testing.TB, c *sql.Conn, query string) (all []string) {
	t.Helper()
	rows, err := c.QueryContext(context.Background(), query)
	check(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value string
		check(t, rows.Scan(&value))
		all = append(all, value)
	}
	check(t, rows.Err())
	return all
}

// eachTable runs a statement for each of the application's tables: its name
// stands between before and after.
func (b base) eachTable(t testing.TB, c *sql.Conn, before, after string) {
	t.Helper()
	for _, table := range column(t, c, b.tables) {
		drain(t, c, before+table+after)
	}
}

// serves tells whether the database answers on a new connection.
func (b base) serves() bool {
	db, err := sql.Open(b.driver, b.dsn)
	if err != nil {
		return false
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return db.PingContext(ctx) == nil
}

// drain runs a statement and reads whatever it answers.
func drain(t testing.TB, c *sql.Conn, statement string) {
	t.Helper()
	rows, err := c.QueryContext(context.Background(), statement)
	check(t, err)
	for rows.Next() {
	}
	check(t, errors.Join(rows.Err(), rows.Close()))
}

// exhaust takes all connections that the server has, after the application lost
// its own, until release gives them back.
func (b base) exhaust(t testing.TB, dropAll func()) (release func()) {
	t.Helper()
	var held []*sql.DB
	hold := func() bool {
		db, err := sql.Open(b.driver, b.dsn)
		check(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if db.PingContext(ctx) != nil {
			_ = db.Close()
			return false
		}
		held = append(held, db)
		return true
	}
	dropAll()
	for range 3 { // what ended late is taken at the next time
		for hold() {
		}
	}
	return func() {
		for _, db := range held {
			_ = db.Close()
		}
	}
}

// rivals keep locking rows of each table in an order of their own until they
// are stopped, so that others who lock several deadlock with them; and those who
// lock one wait a little, again and again.
func (b base) rivals(t testing.TB, order ...string) (stop func()) {
	t.Helper()
	db, err := sql.Open(b.driver, b.dsn)
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	names := func() (all []string) {
		rows, err := db.QueryContext(ctx, b.tables)
		if err != nil {
			return nil
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var name string
			_ = rows.Scan(&name)
			all = append(all, name)
		}
		if rows.Err() != nil {
			return nil
		}
		return all
	}()
	var working sync.WaitGroup
	for _, direction := range order {
		working.Go(func() {
			for ctx.Err() == nil {
				for _, name := range names {
					_ = lockAll(ctx, db, "SELECT * FROM "+name+" ORDER BY 1 "+direction+" FOR UPDATE")
				}
			}
		})
	}
	return func() {
		cancel()
		working.Wait()
		_ = db.Close()
	}
}

// lockAll locks what a query finds for a moment.
func lockAll(ctx context.Context, db *sql.DB, query string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
	return tx.Commit()
}

package gormstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// Store keeps sessions in one table. Make it with [New]. All methods are safe
// for concurrent use, also by many processes on the same table.
//
// Errors other than those of package session and [ErrNotMigrated] are the
// driver's, wrapped; those of a context that ended are also the context's. None
// holds a payload.
type Store struct {
	pool    gorm.ConnPool
	dialect dialect
	table   table
	timeout time.Duration
	sql     statements
	writer  chan struct{}           // one place; nil where the database has many writers
	loads   *batch.Batcher[*wanted] // nil where each load is a statement of its own
	purged  purgeWalk               // where purge SELECTs
	invalid error                   // why nothing of this can work
}

var (
	_ session.Store     = (*Store)(nil)
	_ session.Lister    = (*Store)(nil)
	_ session.Purger    = (*Store)(nil)
	_ session.Scanner   = (*Store)(nil)
	_ session.Pinger    = (*Store)(nil)
	_ session.Migrator  = (*Store)(nil)
	_ session.Validator = (*Store)(nil)
)

// New returns a store over the application's handle, which stays the
// application's to close. It does no I/O. What is wrong with its arguments is the
// error of [Store.Validate], which session.New asks for, and of every other
// method.
func New(db *gorm.DB, o Options) *Store {
	s := &Store{timeout: o.Timeout}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
	}
	if err := s.open(db, o); err != nil {
		s.invalid = fmt.Errorf("gormstore: %w", err)
	}
	return s
}

func (s *Store) open(db *gorm.DB, o Options) (err error) {
	if o.Timeout < 0 {
		return fmt.Errorf("%w: Options.Timeout is %v; it must not be negative (0 is the default)", session.ErrInvalid, o.Timeout)
	}
	if s.table, err = parseTable(o.Table); err != nil {
		return err
	}
	if s.pool, err = poolOf(db, s.table.String()); err != nil {
		return err
	}
	var ok bool
	if s.dialect, ok = dialectOf(db.Name()); !ok {
		return fmt.Errorf("%w: the *gorm.DB speaks %q; supported are postgres, mysql (also for MariaDB) and sqlite", session.ErrInvalid, db.Name())
	}
	if s.dialect.oneWriter {
		s.writer = make(chan struct{}, 1)
	}
	s.sql.build(s.dialect, s.table)
	if s.dialect.loadMany != "" {
		s.batchLoads()
	}
	return nil
}

// Validate returns what is wrong with the arguments of New: a bad
// Options.Table or Timeout, a database that is not supported, a handle inside a
// transaction or on one connection, in dry-run mode, or with an error. It does no I/O.
func (s *Store) Validate() error { return s.invalid }

// Create implements [session.Store].
func (s *Store) Create(ctx context.Context, id session.ID, rec session.Record) error {
	rec.Payload = s.own(rec.Payload)
	return s.write(ctx, "create", func(ctx context.Context) error {
		if !id.Valid() {
			return session.ErrNotFound
		}
		v, err := values(&rec)
		if err != nil {
			return err
		}
		n, err := s.exec(ctx, &s.sql.create, append([]any{string(id)}, v...)...)
		if err == nil && n == 0 || err != nil && s.dialect.failure(err) == duplicate {
			return session.ErrExists
		}
		return err
	})
}

// own returns the payload to write: where a write may go on after the call has
// returned, a copy, which nobody changes then.
func (s *Store) own(payload []byte) []byte {
	if s.dialect.deaf {
		return bytes.Clone(payload)
	}
	return payload
}

// Update implements [session.Store].
func (s *Store) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	rec.Payload = s.own(rec.Payload)
	return s.write(ctx, "update", func(ctx context.Context) error {
		if !id.Valid() {
			return session.ErrNotFound
		}
		v, err := values(&rec)
		if err != nil {
			return err
		}
		n, err := s.exec(ctx, &s.sql.update, append(v, string(id), version(ifVersion))...)
		if err != nil || n > 0 {
			return err
		}
		return s.whyNot(ctx, id)
	})
}

// Touch implements [session.Store].
func (s *Store) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return s.write(ctx, "touch", func(ctx context.Context) error {
		if !id.Valid() {
			return nil
		}
		seen, end := micros(lastSeen), micros(expires)
		_, err := s.exec(ctx, &s.sql.touch, seen, end, purgeAfterOf(seen, end), string(id), version(ifVersion))
		return err
	})
}

// Delete implements [session.Store].
func (s *Store) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	return s.write(ctx, "delete", func(ctx context.Context) error {
		if !id.Valid() {
			return nil
		}
		n, err := s.exec(ctx, &s.sql.delete, string(id), version(ifVersion))
		if err != nil || n > 0 {
			return err
		}
		if err := s.whyNot(ctx, id); !errors.Is(err, session.ErrNotFound) {
			return err
		}
		return nil
	})
}

// whyNot tells why no row had the ID and the version.
func (s *Store) whyNot(ctx context.Context, id session.ID) error {
	rows, err := s.query(ctx, &s.sql.exists, string(id))
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return session.ErrConflict
	}
	return cmp.Or(rows.Err(), session.ErrNotFound)
}

// Ping implements [session.Pinger].
func (s *Store) Ping(ctx context.Context) error {
	_, err := read(ctx, s, "ping", func(ctx context.Context) (struct{}, error) {
		rows, err := s.query(ctx, &s.sql.ping)
		if err != nil {
			return struct{}{}, err
		}
		defer rows.Close()
		rows.Next()
		return struct{}{}, rows.Err()
	})
	return err
}

package gormstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// read runs one operation of the store.
func (s *Store) read(ctx context.Context, op string, f func(context.Context) error) error {
	return s.call(ctx, op, s.timeout, f)
}

// write runs one that changes something: where the database has one writer,
// they queue.
func (s *Store) write(ctx context.Context, op string, f func(context.Context) error) error {
	return s.call(ctx, op, s.timeout, func(ctx context.Context) error { return s.inTurn(ctx, f) })
}

func (s *Store) inTurn(ctx context.Context, f func(context.Context) error) error {
	if s.writer == nil {
		return f(ctx)
	}
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writer }()
	return f(ctx)
}

// call runs f within the time limit, again while the database refuses it
// because of parallel statements, and says in the error what was being done.
func (s *Store) call(parent context.Context, op string, limit time.Duration, f func(context.Context) error) error {
	if s.invalid != nil {
		return s.invalid
	}
	if err := parent.Err(); err != nil {
		return fmt.Errorf("gormstore: %s: %w", op, err)
	}
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	err := s.untilSettled(ctx, f)
	switch ended := ctx.Err(); {
	case err == nil:
		return nil
	case answered(err):
	case ended == nil:
		if s.unmigrated(ctx, err) {
			err = fmt.Errorf("table %s: %w: %w", s.table, ErrNotMigrated, err)
		}
	default:
		if !errors.Is(err, ended) { // a driver's own word for it
			err = fmt.Errorf("%w: %w", ended, err)
		}
		if parent.Err() == nil {
			err = fmt.Errorf("no answer within %v: %w", limit, err)
		}
	}
	return fmt.Errorf("gormstore: %s: %w", op, err)
}

// answered tells whether the error is the store's own, and so no failure.
func answered(err error) bool {
	for _, own := range []error{session.ErrNotFound, session.ErrExists, session.ErrConflict, session.ErrUndecodable, session.ErrInvalid} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// untilSettled repeats f while it fails without effect.
func (s *Store) untilSettled(ctx context.Context, f func(context.Context) error) error {
	for try := 0; ; try++ {
		err := f(ctx)
		if err == nil || ctx.Err() != nil || answered(err) || s.dialect.failure(err) != transient {
			return err
		}
		if pause(ctx, try) != nil {
			return err
		}
	}
}

// The pauses between tries are random, up to the first and doubling to the last.
const (
	firstPause = time.Millisecond
	lastPause  = 64 * time.Millisecond
)

func pause(ctx context.Context, try int) error {
	longest := lastPause
	if try < 6 {
		longest = firstPause << try
	}
	timer := time.NewTimer(rand.N(longest))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

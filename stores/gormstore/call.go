package gormstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// readTries is how many connections a read may find dead.
const readTries = 10

// read runs an operation that changes nothing. Where the pool's connections
// turn out to be dead, as after a restart of the server, it is repeated at once.
func read[T any](ctx context.Context, s *Store, op string, f func(context.Context) (T, error)) (T, error) {
	return call(ctx, s, op, s.timeout, func(ctx context.Context) (T, error) {
		for try := 1; ; try++ {
			result, err := f(ctx)
			if err == nil || try == readTries || ctx.Err() != nil || !connectionLost(err) {
				return result, err
			}
		}
	})
}

// change runs one that changes something: where the database has one writer,
// they queue.
func change[T any](ctx context.Context, s *Store, op string, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	return call(ctx, s, op, limit, func(ctx context.Context) (T, error) {
		if s.writer != nil {
			select {
			case s.writer <- struct{}{}:
			case <-ctx.Done():
				var none T
				return none, ctx.Err()
			}
			defer func() { <-s.writer }()
		}
		return f(ctx)
	})
}

// write is change for what has no result.
func (s *Store) write(ctx context.Context, op string, f func(context.Context) error) error {
	_, err := change(ctx, s, op, s.timeout, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// call runs f within the time limit, again while the database refuses it
// because of parallel statements, and says in the error what was being done. On
// SQLite f may still be running when call returns.
func call[T any](parent context.Context, s *Store, op string, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	var none T
	if s.invalid != nil {
		return none, s.invalid
	}
	if err := parent.Err(); err != nil {
		return none, fmt.Errorf("gormstore: %s: %w", op, err)
	}
	ctx := parent
	if end, ok := parent.Deadline(); !ok || time.Until(end) > limit {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(parent, limit)
		defer cancel()
	}
	result, err := untilSettled(ctx, s, f)
	switch ended := ctx.Err(); {
	case err == nil:
		return result, nil
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
	return none, fmt.Errorf("gormstore: %s: %w", op, err)
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
func untilSettled[T any](ctx context.Context, s *Store, f func(context.Context) (T, error)) (T, error) {
	for try := 0; ; try++ {
		result, err := run(ctx, s.dialect, f)
		if err == nil || ctx.Err() != nil || answered(err) || s.dialect.failure(err) != transient {
			return result, err
		}
		if pause(ctx, try) != nil {
			return result, err
		}
	}
}

// patience is how long a call waits after the end of its context for a driver to
// take note: long enough for all but a driver that waits for a lock.
const patience = 100 * time.Millisecond

// run runs f once, but not much longer than ctx: a driver of SQLite waits for a
// lock (its busy_timeout) without looking at it, and is left to end by itself.
func run[T any](ctx context.Context, d dialect, f func(context.Context) (T, error)) (T, error) {
	if !d.deaf {
		return f(ctx)
	}
	type outcome struct {
		result   T
		err      error
		panicked any
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{err: batch.ErrEnded}
		defer func() {
			o.panicked = recover() // of the driver; it goes on in the caller
			done <- o
		}()
		o.result, o.err = f(ctx)
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		select {
		case o = <-done:
		case <-time.After(patience):
			o.err = ctx.Err()
		}
	}
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.result, o.err
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

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// call runs f, whose commands go through the batchers, within ctx and the time limit
// of the store.
func call[T any](ctx context.Context, s *Store, op string, f func(context.Context) (T, error)) (value T, err error) {
	if s.invalid != nil {
		return value, s.invalid
	}
	if err := ctx.Err(); err != nil {
		return value, fmt.Errorf("redisstore: %s: %w", op, err)
	}
	limited := ctx
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > s.options.Timeout {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, s.options.Timeout)
		defer cancel()
	}
	if value, err = f(limited); err != nil {
		var none T
		return none, s.failure(ctx, op, err)
	}
	return value, nil
}

// read is call for an f that asks the driver itself, and changes nothing.
func read[T any](ctx context.Context, s *Store, op string, f func(context.Context) (T, error)) (T, error) {
	return call(ctx, s, op, func(limited context.Context) (T, error) { return abandonable(limited, f) })
}

// abandonable runs f on a goroutine of its own, which is left behind when there
// is no time left: the driver does not always look at the context. f shares no
// memory with the caller that either writes afterwards.
func abandonable[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		value    T
		err      error
		panicked any
	}
	answer := make(chan result, 1)
	go func() {
		r := result{err: batch.ErrEnded}
		defer func() {
			r.panicked = recover() // of a hook of the application; it goes on in the caller
			answer <- r
		}()
		r.value, r.err = f(ctx)
	}()
	var r result
	select {
	case r = <-answer:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.value, r.err
}

// failure says what was being done and, where there was no answer in time, whose
// time it was.
func (s *Store) failure(ctx context.Context, op string, err error) error {
	over := ctx.Err()
	if deadline, ok := ctx.Deadline(); ok && over == nil && !time.Now().Before(deadline) {
		over = context.DeadlineExceeded // a moment before its timer says so
	}
	switch {
	case !unanswered(err):
		return fmt.Errorf("redisstore: %s: %w", op, clean(err))
	case over != nil:
		return fmt.Errorf("redisstore: %s: %w", op, over)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("redisstore: %s: no answer within %v: %w", op, s.options.Timeout, os.ErrDeadlineExceeded)
	default:
		return fmt.Errorf("redisstore: %s: %w", op, err)
	}
}

// unanswered tells an error of waiting from an answer.
func unanswered(err error) bool {
	var network net.Error
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, redis.ErrPoolTimeout) || errors.As(err, &network)
}

// clean returns an error without what a server or the driver quotes of commands
// and replies, which may be a payload, and marks the one of a full server.
func clean(err error) error {
	text := err.Error()
	var reply redis.Error
	if errors.As(err, &reply) {
		if before, _, found := strings.Cut(text, ", with args beginning with"); found {
			return errors.New(before)
		}
		if strings.Contains(text, "OOM command not allowed") { // older servers put more before it
			return fmt.Errorf("%w: %w", session.ErrFull, err)
		}
		return err
	}
	if strings.HasPrefix(text, "redis: ") && strings.ContainsAny(text, `"`+"`") {
		return errMalformed
	}
	return err
}

var errMalformed = errors.New("the server's reply is not one of Redis")

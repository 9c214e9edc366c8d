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
)

// settle is how long a write whose context was cancelled waits for the answer
// that is on its way. A server that is well answers far sooner, nobody is in a
// hurry, and to know what became of a write is worth it. A deadline is kept.
const settle = 500 * time.Millisecond

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
		var r result
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

// once is a command that the driver sends once, whatever its MaxRetries says: a
// write whose answer is lost may have taken effect, and the engine finds out.
type once struct{ *redis.Cmd }

var _ redis.Cmder = once{}

// NoRetry is what go-redis asks.
func (once) NoRetry() bool { return true }

// Clone keeps the copy such a command too.
func (c once) Clone() redis.Cmder {
	inner, _ := c.Cmd.Clone().(*redis.Cmd)
	return once{inner}
}

// run runs a script in one command, or two where the server does not know it.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) (string, error) {
	reply, err := s.eval(ctx, "evalsha", sc.hash, keys, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return s.eval(ctx, "eval", sc.text, keys, args)
	}
	return reply, err
}

func (s *Store) eval(ctx context.Context, name, script string, keys []string, args []any) (string, error) {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, name, script, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	return s.send(ctx, 3, append(all, args...)...)
}

// send sends a write once. firstKey is the position of its first key.
func (s *Store) send(ctx context.Context, firstKey int8, args ...any) (string, error) {
	cmd := once{redis.NewCmd(ctx, args...)}
	route(cmd, firstKey)
	if err := s.once.do(ctx, cmd, settle); err != nil {
		return "", err
	}
	return cmd.Text()
}

// route tells a Cluster client what it would otherwise ask a server for, with a
// time limit of its own.
func route(cmd redis.Cmder, firstKey int8) {
	cmd.SetFirstKeyPos(firstKey)
	cmd.SetStepCount(1)
}

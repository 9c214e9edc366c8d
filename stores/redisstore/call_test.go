package redisstore

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnlyACancelledWriteWaitsForItsAnswerAndOnlyALittle(t *testing.T) {
	type caller = func(context.Context, *Store, string, func(context.Context) (string, error)) (string, error)
	const end = time.Minute
	for name, c := range map[string]struct {
		call   caller
		limit  time.Duration
		within func(context.Context) (context.Context, context.CancelFunc)
		late   time.Duration // how long after the end the answer comes
		want   error
	}{
		"a cancelled write whose answer is on its way": {call: write[string], within: cancelled(end), late: settle / 2},
		"a cancelled write whose answer does not come": {call: write[string], within: cancelled(end), late: 2 * settle, want: context.Canceled},
		"a cancelled read":            {call: read[string], within: cancelled(end), late: settle / 2, want: context.Canceled},
		"a write past its deadline":   {call: write[string], within: deadline(end), late: settle / 2, want: context.DeadlineExceeded},
		"a write past the time limit": {call: write[string], within: cancelled(time.Hour), limit: end, late: settle / 2, want: os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.limit == 0 {
					c.limit = time.Hour
				}
				ctx, cancel := c.within(t.Context())
				defer cancel()
				s := &Store{options: Options{Timeout: c.limit}}
				answered := make(chan struct{})
				got, err := c.call(ctx, s, "test", func(context.Context) (string, error) {
					defer close(answered)
					<-time.After(end + c.late)
					return "answer", nil
				})
				if !errors.Is(err, c.want) || (got == "answer") != (c.want == nil) {
					t.Errorf("got %q and %v, want the error %v", got, err, c.want)
				}
				<-answered
			})
		})
	}
}

func cancelled(after time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(after, cancel)
		return ctx, cancel
	}
}

func deadline(after time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, after)
	}
}

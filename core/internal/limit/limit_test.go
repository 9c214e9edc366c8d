package limit_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/internal/limit"
)

type key struct{}

// TestALimitIsAsWithTimeout takes every way in which a context ends, once with
// somebody who waits and once without.
func TestALimitIsAsWithTimeout(t *testing.T) {
	for name, end := range map[string]struct {
		by   func(c *limit.Context, cancelParent func())
		want error
	}{
		"not at all":           {func(*limit.Context, func()) {}, nil},
		"with its time":        {func(*limit.Context, func()) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		"with its parent":      {func(_ *limit.Context, cancel func()) { cancel() }, context.Canceled},
		"by End":               {func(c *limit.Context, _ func()) { c.End() }, context.Canceled},
		"just before its time": {func(*limit.Context, func()) { time.Sleep(time.Second - 1) }, nil},
	} {
		for _, waits := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
					defer cancel()
					c := limit.With(parent, time.Second)
					defer c.End()
					if waits {
						c.Done()
					}
					end.by(c, cancel)
					synctest.Wait()
					if err := c.Err(); !errors.Is(err, end.want) {
						t.Errorf("Err is %v, want %v", err, end.want)
					}
					select {
					case <-c.Done():
						if end.want == nil {
							t.Error("Done, and should not be")
						}
					default:
						if end.want != nil {
							t.Error("not Done")
						}
					}
					if c.Value(key{}) != "value" {
						t.Error("the value of the parent is gone")
					}
				})
			})
		}
	}
}

func TestTheShorterLimitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer := limit.With(t.Context(), time.Second)
		for _, d := range []time.Duration{time.Millisecond, time.Hour} {
			inner := limit.With(outer, d)
			want := time.Now().Add(min(d, time.Second))
			if got, ok := inner.Deadline(); !ok || !got.Equal(want) {
				t.Errorf("with %v inside a second the deadline is %v, want %v", d, got, want)
			}
			inner.End()
			if outer.Err() != nil {
				t.Error("the inner one's end has ended the outer one")
			}
		}
		outer.End()
	})
}

// TestWithADeadlineOfTheParentTheParentHasEndedToo: whoever asks which of the two it was
// gets the right answer at once.
func TestWithADeadlineOfTheParentTheParentHasEndedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			parent, cancel := context.WithTimeout(t.Context(), time.Second)
			c := limit.With(parent, time.Hour)
			waits := limit.With(parent, time.Hour)
			<-waits.Done()
			if parent.Err() == nil || waits.Err() == nil {
				t.Fatalf("the parent says %v, the limit %v", parent.Err(), waits.Err())
			}
			if c.Err() != nil && parent.Err() == nil {
				t.Fatal("over before the parent")
			}
			waits.End()
			c.End()
			cancel()
		}
	})
}

func TestTheReasonOfTheEndStaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		passed, ended := limit.With(parent, time.Second), limit.With(parent, time.Second)
		ended.End()
		if err := ended.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("ended: %v", err)
		}
		time.Sleep(time.Second)
		if err := passed.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("passed: %v", err)
		}
		cancel()
		passed.End()
		if !errors.Is(ended.Err(), context.Canceled) || !errors.Is(passed.Err(), context.DeadlineExceeded) {
			t.Errorf("later: %v and %v", ended.Err(), passed.Err())
		}
	})
}

func TestALimitUsedByPackageContextNeedsNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	c := limit.With(t.Context(), time.Hour)
	defer c.End()
	child, cancel := context.WithCancel(c)
	defer cancel()
	if n := runtime.NumGoroutine(); n != before {
		t.Errorf("%d goroutines more", n-before)
	}
	c.End()
	if child.Err() == nil {
		t.Error("the child goes on")
	}
}

func TestALimitNobodyWaitsForIsOneAllocation(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		c := limit.With(context.Background(), time.Second)
		if c.Err() != nil {
			t.Error("ended")
		}
		c.End()
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

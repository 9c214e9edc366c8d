package batch

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A command is a question, and its answer.
type command struct{ key, answer string }

// A line is a server that answers a batch when the test says so.
type line struct {
	*Batcher[*command]
	sent   chan []string // the keys of each batch, in the order in which they are sent
	answer chan struct{} // one for each batch
}

func newLine(lanes int) *line {
	l := &line{sent: make(chan []string, 100), answer: make(chan struct{})}
	l.Batcher = New(Options[*command]{Lanes: lanes, Most: 10, Limit: time.Hour, Send: func(_ context.Context, commands []*command) {
		var keys []string
		for _, c := range commands {
			keys = append(keys, c.key)
		}
		l.sent <- keys
		<-l.answer
		for _, c := range commands {
			c.answer = "of " + c.key
		}
	}})
	return l
}

// ask sends a command from a goroutine of its own. What it got, or an error, comes out of
// the channel.
func (l *line) ask(ctx context.Context, key string, patience time.Duration) <-chan any {
	out := make(chan any, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				out <- p
			}
		}()
		c := &command{key: key}
		if err := l.Do(ctx, c, patience); err != nil {
			out <- err
			return
		}
		out <- c.answer
	}()
	synctest.Wait()
	return out
}

func (l *line) wantSent(t *testing.T, keys ...string) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-l.sent:
		if !slices.Equal(got, keys) {
			t.Errorf("%q were sent together, want %q", got, keys)
		}
	default:
		t.Errorf("nothing was sent, want %q", keys)
	}
}

func (l *line) wantNothingSent(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-l.sent:
		t.Errorf("%q were sent", got)
	default:
	}
}

func want(t *testing.T, from <-chan any, value any) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-from:
		if got != value {
			t.Errorf("got %v, want %v", got, value)
		}
	default:
		t.Errorf("still waiting, want %v", value)
	}
}

func TestCommandsThatComeWhileOthersAreUnderWayGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		a := l.ask(t.Context(), "a", 0)
		l.wantSent(t, "a") // at once
		var rest []<-chan any
		for i := range 13 {
			rest = append(rest, l.ask(t.Context(), strconv.Itoa(i), 0))
		}
		l.wantNothingSent(t)
		l.answer <- struct{}{}
		want(t, a, "of a")
		l.wantSent(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		l.answer <- struct{}{}
		l.wantSent(t, "10", "11", "12")
		l.answer <- struct{}{}
		for i, r := range rest {
			want(t, r, "of "+strconv.Itoa(i))
		}
	})
}

func TestACallerThatLeavesTakesItsOwnCommandAlongAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithTimeout(t.Context(), time.Millisecond)
		defer leaveSecond()
		a := l.ask(first, "a", 0)
		b, c := l.ask(second, "b", 0), l.ask(t.Context(), "c", 0)
		l.wantSent(t, "a")
		leaveFirst()
		want(t, a, context.Canceled)
		time.Sleep(time.Millisecond)
		want(t, b, context.DeadlineExceeded)
		l.answer <- struct{}{}
		l.wantSent(t, "c") // b had not been sent, and never is
		l.answer <- struct{}{}
		want(t, c, "of c")
		l.wantNothingSent(t)
	})
}

func TestWhoeverHasNoTimeLeftSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		want(t, l.ask(ctx, "a", time.Hour), context.Canceled)
		l.wantNothingSent(t)
	})
}

func TestABatchThatIsLateKeepsNobodyElseWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(2)
		a, b := l.ask(t.Context(), "a", 0), l.ask(t.Context(), "b", 0)
		l.wantSent(t, "a")
		l.wantSent(t, "b")
		c := l.ask(t.Context(), "c", 0)
		l.wantNothingSent(t)
		time.Sleep(late)
		l.wantSent(t, "c")
		time.Sleep(time.Hour)
		d := l.ask(t.Context(), "d", 0) // nobody is punctual any more
		l.wantSent(t, "d")
		for range 4 {
			l.answer <- struct{}{}
		}
		for of, r := range map[string]<-chan any{"a": a, "b": b, "c": c, "d": d} {
			want(t, r, "of "+of)
		}
		for _, key := range []string{"e", "f", "g"} { // all is well again: two lanes
			l.ask(t.Context(), key, 0)
		}
		l.wantSent(t, "e")
		l.wantSent(t, "f")
		l.wantNothingSent(t)
		for range 3 {
			l.answer <- struct{}{}
		}
		l.wantSent(t, "g")
		synctest.Wait()
		if l.late != 0 || len(l.flights) != 0 {
			t.Errorf("%d batches count as late, and %d as under way", l.late, len(l.flights))
		}
	})
}

// TestWhereTheDriverKeepsToDeadlinesOneCommandAloneNeedsNoGoroutine: it is sent with its
// own context; those that come meanwhile are sent by a goroutine.
func TestWhereTheDriverKeepsToDeadlinesOneCommandAloneNeedsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		l.o.Direct = true
		got := make(chan context.Context, 10)
		well := l.o.Send
		l.o.Send = func(ctx context.Context, commands []*command) {
			got <- ctx
			well(ctx, commands)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		a := l.ask(ctx, "a", 0)
		l.wantSent(t, "a")
		if <-got != ctx {
			t.Error("it is not the caller's context")
		}
		b, c := l.ask(ctx, "b", 0), l.ask(ctx, "c", 0)
		l.wantNothingSent(t)
		l.answer <- struct{}{}
		want(t, a, "of a")
		l.wantSent(t, "b", "c")
		l.answer <- struct{}{}
		want(t, b, "of b")
		want(t, c, "of c")
		l.o.Send = func(context.Context, []*command) { panic("a hook") }
		want(t, l.ask(ctx, "d", 0), "a hook")
		l.o.Send = well
		l.ask(ctx, "e", 0)
		l.wantSent(t, "e")
		l.answer <- struct{}{}
	})
}

// TestWithoutLanesEachCommandGoesAloneAtOnce: as in Cluster.
func TestWithoutLanesEachCommandGoesAloneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(0)
		var asked []<-chan any
		for i := range 20 {
			asked = append(asked, l.ask(t.Context(), strconv.Itoa(i), 0))
			l.wantSent(t, strconv.Itoa(i))
		}
		ctx, leave := context.WithCancel(t.Context())
		gone := l.ask(ctx, "gone", 0)
		leave()
		want(t, gone, context.Canceled)
		for range 21 {
			l.answer <- struct{}{}
		}
		for i, a := range asked {
			want(t, a, "of "+strconv.Itoa(i))
		}
	})
}

// TestALateBatchThatEndsLeavesTheLaneToTheOneInItsPlace: after a slow moment there are no more
// batches at once than before.
func TestALateBatchThatEndsLeavesTheLaneToTheOneInItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		l.ask(t.Context(), "a", 0)
		l.wantSent(t, "a")
		l.ask(t.Context(), "b", 0)
		time.Sleep(late)
		l.wantSent(t, "b") // in place of a, which is late
		c := l.ask(t.Context(), "c", 0)
		l.answer <- struct{}{} // to either
		synctest.Wait()
		l.mu.Lock()
		if len(l.flights) > 1+l.late {
			t.Errorf("%d batches are under way, %d of them late; there is one lane", len(l.flights), l.late)
		}
		l.mu.Unlock()
		for range 2 {
			l.answer <- struct{}{}
		}
		want(t, c, "of c")
	})
}

func TestAPanicOfTheDriverReachesEachCallerAndTheNextGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(1)
		well := l.o.Send
		first := l.ask(t.Context(), "first", 0)
		a, b := l.ask(t.Context(), "a", 0), l.ask(t.Context(), "b", 0)
		l.o.Send = func(context.Context, []*command) { panic("a hook") }
		l.answer <- struct{}{}
		want(t, first, "of first")
		want(t, a, "a hook")
		want(t, b, "a hook")
		l.o.Send = well
		c := l.ask(t.Context(), "c", 0)
		l.answer <- struct{}{}
		want(t, c, "of c")
	})
}

// TestTheContextOfABatchEndsForNobody but with its time; it has a caller's values, for hooks
// that trace.
func TestTheContextOfABatchEndsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		sent := make(chan context.Context, 1)
		b := New(Options[*command]{Lanes: 1, Most: 10, Limit: time.Hour, Send: func(ctx context.Context, _ []*command) {
			sent <- ctx
			<-ctx.Done()
		}})
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Minute)
		defer cancel()
		if err := b.Do(ctx, &command{}, 0); err != context.DeadlineExceeded {
			t.Fatal(err)
		}
		synctest.Wait()
		got := <-sent
		if got.Err() != nil || got.Value(key{}) != "value" {
			t.Errorf("error %v, value %v", got.Err(), got.Value(key{}))
		}
		if <-got.Done(); time.Since(began) != time.Hour {
			t.Errorf("it ended after %v", time.Since(began))
		}
	})
}

// TestASendThatEndsItsGoroutineIsNoAnswerAndGivesItsLaneBack: runtime.Goexit, as a test's
// FailNow in a hook.
func TestASendThatEndsItsGoroutineIsNoAnswerAndGivesItsLaneBack(t *testing.T) {
	for _, lanes := range []int{0, 1} {
		ends := true
		b := New(Options[*command]{Limit: time.Minute, Lanes: lanes, Most: 64, Send: func(_ context.Context, all []*command) {
			if ends {
				runtime.Goexit()
			}
			for _, c := range all {
				c.answer = "answer"
			}
		}})
		for range 40 {
			if err := b.Do(t.Context(), &command{}, 0); err != ErrEnded {
				t.Fatalf("got %v", err)
			}
		}
		ends = false
		if c := (&command{}); b.Do(t.Context(), c, 0) != nil || c.answer != "answer" {
			t.Error("no lane is left")
		}
	}
}

func TestEachOfManyCallersGetsItsOwnAnswer(t *testing.T) {
	var batches, commands atomic.Int64
	b := New(Options[*command]{Lanes: 2, Most: 10, Limit: time.Hour, Send: func(_ context.Context, sent []*command) {
		batches.Add(1)
		commands.Add(int64(len(sent)))
		for _, c := range sent {
			c.answer = "of " + c.key
		}
	}})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 100 {
				key := strconv.Itoa(100*i + j)
				ctx, cancel := context.WithCancel(t.Context())
				if j%10 == 0 {
					go cancel() // whether it leaves in time or not
				}
				c := &command{key: key}
				switch err := b.Do(ctx, c, 0); {
				case err == nil && c.answer != "of "+key:
					t.Errorf("%q got %q", key, c.answer)
				case err != nil && j%10 != 0:
					t.Errorf("%q: %v", key, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if n := commands.Load(); n > 5000 || n < 4500 {
		t.Errorf("%d commands were sent, in %d batches", n, batches.Load())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) != 0 {
		t.Errorf("%d still wait", len(b.waiting))
	}
}

func TestOnlyACancelledCallerWaitsForItsAnswerAndOnlyALittle(t *testing.T) {
	const end, patience = time.Minute, time.Second
	for name, c := range map[string]struct {
		patience time.Duration
		within   func(context.Context) (context.Context, context.CancelFunc)
		late     time.Duration // how long after the end the answer comes
		want     any
	}{
		"patient, and the answer is on its way": {patience, cancelled(end), patience / 2, "of a"},
		"patient, and the answer does not come": {patience, cancelled(end), 2 * patience, context.Canceled},
		"without patience":                      {0, cancelled(end), patience / 2, context.Canceled},
		"patient, past its deadline":            {patience, deadline(end), patience / 2, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := c.within(t.Context())
				defer cancel()
				l := newLine(1)
				time.AfterFunc(end+c.late, func() { l.answer <- struct{}{} })
				if got := <-l.ask(ctx, "a", c.patience); got != c.want {
					t.Errorf("got %v, want %v", got, c.want)
				}
				time.Sleep(c.late) // until the answer has come
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

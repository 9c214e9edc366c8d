package redisstore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A batcher sends the commands that come while others are under way together,
// in one pipeline: at many requests a second that costs the process and the server a
// third of single commands. A command that finds no other goes at once.
//
// Each caller keeps its own context: it leaves when that ends, and the
// others' answers come all the same. A command that has not been sent when its
// caller leaves is never sent. The driver gets a context that ends for nobody, with the
// values of the first caller's, and the store's time limit as its deadline.
type batcher struct {
	send   func(context.Context, []redis.Cmder)
	limit  time.Duration // the deadline that the driver is given
	direct bool          // the driver keeps to deadlines: a command that finds no other needs no goroutine
	lanes  int           // how many batches may be under way; 0: each command goes alone, however many there are
	most   int           // commands in a batch

	mu      sync.Mutex
	waiting []*waiter // not sent yet
	flights []*flight // under way
	late    int       // of these; others may begin in their place
	watch   *time.Timer
	watched bool // the timer runs
}

// A waiter is a command and its caller. answered gets one value.
type waiter struct {
	ctx      context.Context
	cmd      redis.Cmder
	answered chan struct{}
	sent     bool // guarded by the batcher's mu
	panicked any  // by a hook of the application
}

// A flight is a lane in use.
type flight struct {
	began time.Time
	late  bool
}

const (
	// With one lane, a slow answer holds up everybody; the more there are, the
	// smaller the batches.
	batchLanes = 2
	batchMost  = 64

	// A batch that takes longer, since the server, its connection or a large value is
	// slow, no longer keeps others waiting.
	batchLate = 20 * time.Millisecond
	mostLate  = 32
)

// newBatcher returns a batcher over the client. In Cluster each command goes alone: one
// to a node that does not answer must not keep those to other nodes.
func newBatcher(rdb redis.UniversalClient, limit time.Duration) *batcher {
	b := &batcher{limit: limit, most: batchMost}
	if c, ok := rdb.(*redis.Client); ok {
		b.lanes, b.direct = batchLanes, c.Options().ContextTimeoutEnabled
	}
	b.send = func(ctx context.Context, cmds []redis.Cmder) {
		if len(cmds) == 1 {
			_ = rdb.Process(ctx, cmds[0])
			return
		}
		pipe := rdb.Pipeline()
		for _, cmd := range cmds {
			_ = pipe.Process(ctx, cmd)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
	}
	return b
}

// do sends cmd and waits for its answer, which is in cmd then. An error is that of
// ctx; cmd must not be looked at any more then. Where the command has been sent and
// ctx was cancelled, it waits for patience all the same.
func (b *batcher) do(ctx context.Context, cmd redis.Cmder, patience time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.lanes > 0 && b.direct {
		if f := b.claim(); f != nil {
			defer b.leave(f)
			b.send(ctx, []redis.Cmder{cmd})
			return nil
		}
	}
	w := &waiter{ctx: ctx, cmd: cmd, answered: make(chan struct{}, 1)}
	if b.lanes == 0 {
		w.sent = true
		go b.carry([]*waiter{w}, []redis.Cmder{cmd})
	} else {
		b.mu.Lock()
		b.waiting = append(b.waiting, w)
		b.start()
		b.mu.Unlock()
	}
	select {
	case <-w.answered:
	case <-ctx.Done():
		if !b.settle(w, patience) {
			return ctx.Err()
		}
	}
	if w.panicked != nil {
		panic(w.panicked)
	}
	return nil
}

// settle takes back a command whose caller leaves, or waits for the answer if it has been
// sent and is worth waiting for; it tells whether there is one.
func (b *batcher) settle(w *waiter, patience time.Duration) bool {
	b.mu.Lock()
	sent := w.sent
	w.cmd = nil // not sent, it never is; see take
	b.mu.Unlock()
	if !sent || patience == 0 || w.ctx.Err() != context.Canceled {
		return false
	}
	select {
	case <-w.answered:
		return true
	case <-time.After(patience):
		return false
	}
}

// claim takes a lane for a command that need not wait; nil if there is none.
func (b *batcher) claim() *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 || !b.hasLane() {
		return nil
	}
	return b.enter()
}

// enter takes a lane; mu is held.
func (b *batcher) enter() *flight {
	f := &flight{began: time.Now()}
	b.flights = append(b.flights, f)
	return f
}

// leave gives the lane back.
func (b *batcher) leave(f *flight) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.land(f)
	b.start()
}

// land ends a flight; mu is held.
func (b *batcher) land(f *flight) {
	i := slices.Index(b.flights, f)
	b.flights = slices.Delete(b.flights, i, i+1)
	if f.late {
		b.late--
	}
}

// hasLane tells whether there is a lane; mu is held.
func (b *batcher) hasLane() bool {
	if len(b.flights) < b.lanes+b.late {
		return true
	}
	now := time.Now()
	for _, f := range b.flights {
		if !f.late && b.late < mostLate && now.Sub(f.began) >= batchLate {
			f.late = true
			b.late++
		}
	}
	return len(b.flights) < b.lanes+b.late
}

// start lets a worker begin if there is something to do and a lane for it, or sees to it
// that this is looked at again; mu is held.
func (b *batcher) start() {
	switch {
	case len(b.waiting) == 0:
	case b.hasLane():
		go b.work(b.enter())
	case b.watch == nil:
		b.watched, b.watch = true, time.AfterFunc(batchLate, b.look)
	case !b.watched:
		b.watched = true
		b.watch.Reset(batchLate)
	}
}

// look looks again whether a lane can be used.
func (b *batcher) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched = false
	b.start()
}

// work sends batches until nobody waits.
func (b *batcher) work(f *flight) {
	var batch []*waiter
	var cmds []redis.Cmder
	for {
		b.mu.Lock()
		batch, cmds = b.take(batch[:0], cmds[:0])
		b.land(f)
		if len(batch) == 0 {
			b.mu.Unlock()
			return
		}
		f = b.enter()
		b.mu.Unlock()
		b.carry(batch, cmds)
	}
}

// take takes what waits; mu is held.
func (b *batcher) take(batch []*waiter, cmds []redis.Cmder) ([]*waiter, []redis.Cmder) {
	n := 0
	for n < len(b.waiting) && len(batch) < b.most {
		w := b.waiting[n]
		n++
		if w.cmd == nil {
			continue // its caller has left
		}
		w.sent = true
		batch, cmds = append(batch, w), append(cmds, w.cmd)
	}
	left := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[left:])
	b.waiting = b.waiting[:left]
	return batch, cmds
}

// carry sends a batch and hands out the answers.
func (b *batcher) carry(batch []*waiter, cmds []redis.Cmder) {
	defer func() {
		panicked := recover()
		for i, w := range batch {
			w.panicked = panicked
			w.answered <- struct{}{}
			batch[i] = nil // its caller may be long gone
		}
		clear(cmds)
	}()
	b.send(batchContext{context.WithoutCancel(batch[0].ctx), time.Now().Add(b.limit)}, cmds)
}

// A batchContext has a deadline, for drivers that keep to it, and no timer.
type batchContext struct {
	context.Context
	deadline time.Time
}

func (c batchContext) Deadline() (time.Time, bool) { return c.deadline, true }

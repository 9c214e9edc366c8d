package redisstore

import (
	"context"
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
	send  func(context.Context, []redis.Cmder)
	limit time.Duration // the deadline that the driver is given
	lanes int           // how many batches may be under way
	most  int           // commands in one

	mu      sync.Mutex
	waiting []*waiter // not sent yet
	running int       // workers, each of which has one batch under way
	stalled int       // of these, how many are late; others may begin in their place
}

// A waiter is a command and its caller. answered gets one value.
type waiter struct {
	ctx      context.Context
	cmd      redis.Cmder
	answered chan struct{}
	sent     bool // guarded by the batcher's mu
	panicked any  // by a hook of the application
}

const (
	// batchLanes: with one, a slow answer holds up everybody; the more there are, the
	// smaller the batches.
	batchLanes = 2
	batchMost  = 64

	// A batch that takes longer than this, since the server, its connection or
	// a large value is slow, no longer keeps others waiting.
	batchLate     = 20 * time.Millisecond
	maxStalled    = 32
	clusterLanes  = 1 << 30
	clusterInLane = 1
)

// newBatcher returns a batcher over the client. In Cluster each command goes alone: one
// that waits for a node that does not answer must not keep those to others.
func newBatcher(rdb redis.UniversalClient, limit time.Duration) *batcher {
	b := &batcher{limit: limit, lanes: batchLanes, most: batchMost}
	if _, cluster := rdb.(*redis.ClusterClient); cluster {
		b.lanes, b.most = clusterLanes, clusterInLane
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
	w := &waiter{ctx: ctx, cmd: cmd, answered: make(chan struct{}, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, w)
	b.start()
	b.mu.Unlock()
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

// start starts a worker if there is something to do and a lane for it; mu is held.
func (b *batcher) start() {
	if len(b.waiting) > 0 && b.running < b.lanes+b.stalled {
		b.running++
		go b.work()
	}
}

// work sends batches until nobody waits.
func (b *batcher) work() {
	var batch []*waiter
	var cmds []redis.Cmder
	for {
		b.mu.Lock()
		batch, cmds = b.take(batch[:0], cmds[:0])
		if len(batch) == 0 {
			b.running--
			b.mu.Unlock()
			return
		}
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
	over, late := false, false
	watch := time.AfterFunc(batchLate, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !over && b.stalled < maxStalled {
			late = true
			b.stalled++
			b.start()
		}
	})
	defer func() {
		panicked := recover()
		watch.Stop()
		b.mu.Lock()
		over = true
		if late {
			b.stalled--
		}
		b.mu.Unlock()
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

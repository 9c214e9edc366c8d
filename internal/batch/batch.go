// Package batch sends the commands of parallel callers to a server together. It is for
// the stores.
package batch

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A Batcher sends the commands that come while others are under way together, as
// one: at many requests a second that costs the process and the server a fraction of single
// commands. A command that finds no other goes at once.
//
// Each caller keeps its own context: it leaves when that ends, and the
// others' answers come all the same. A command that has not been sent when its
// caller leaves is never sent; and a command is only sent after its caller came, so that
// what it reads is no older than the call. The methods are safe for concurrent use. A
// Batcher that nobody uses has no goroutine.
type Batcher[C any] struct {
	o Options[C]

	mu      sync.Mutex
	waiting []*waiter[C] // not sent yet
	flights []*flight    // under way
	late    int          // of these; others may begin in their place
	last    int          // commands in the last batch: with more than one, there are many callers
	watch   *time.Timer
	watched bool // the timer runs
}

// Options configures a Batcher.
type Options[C any] struct {
	// Send sends commands and waits for their answers, which it puts into them. Its
	// context ends after Limit and with no caller; it has the values of the first one's. A
	// panic in it reaches every caller.
	Send func(ctx context.Context, commands []C)
	// Limit is how long one Send may take.
	Limit time.Duration
	// Lanes is how many batches may be under way at once. With one, a slow answer holds up
	// everybody; the more there are, the smaller the batches. 0: each command
	// goes alone and at once, however many there are.
	Lanes int
	// Most bounds the commands in a batch.
	Most int
	// Direct says that Send keeps to the deadline of its context: a command that finds a lane
	// free is then sent by its caller, with its own context.
	Direct bool
}

// A waiter is a command and its caller. answered gets one value.
type waiter[C any] struct {
	ctx        context.Context
	command    C
	answered   chan struct{}
	sent, left bool // guarded by mu
	err        error
	panicked   any
}

// A flight is a lane in use.
type flight struct {
	began time.Time
	late  bool
}

// A batch that takes longer than late, since the server, its connection or a large
// value is slow, no longer keeps others waiting.
const (
	late     = 5 * time.Millisecond
	mostLate = 32
)

// ErrEnded is that nobody knows what became of a command: Send did not return.
var ErrEnded = errors.New("the goroutine that asked the server was ended, perhaps by a hook of its client")

// New returns a Batcher.
func New[C any](o Options[C]) *Batcher[C] { return &Batcher[C]{o: o} }

// Do sends a command and waits for its answer, which is in the command then. An error is that
// of ctx, or [ErrEnded]; the command must not be looked at any more then, since its answer may
// still come. Where it has been sent and ctx was cancelled, Do waits for patience all the same.
func (b *Batcher[C]) Do(ctx context.Context, command C, patience time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.o.Direct {
		if f := b.claim(); f != nil {
			defer b.leave(f)
			b.o.Send(ctx, []C{command})
			return nil
		}
	}
	w := &waiter[C]{ctx: ctx, command: command, answered: make(chan struct{}, 1)}
	if b.o.Lanes == 0 {
		w.sent = true
		go b.carry([]*waiter[C]{w}, []C{command})
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
	return w.err
}

// settle takes back a command whose caller leaves, or waits for the answer if it has been
// sent and is worth waiting for; it tells whether there is one.
func (b *Batcher[C]) settle(w *waiter[C], patience time.Duration) bool {
	b.mu.Lock()
	sent := w.sent
	w.left = true
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
func (b *Batcher[C]) claim() *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 || b.last > 1 || !b.hasLane() {
		return nil
	}
	return b.enter()
}

// leave gives the lane back.
func (b *Batcher[C]) leave(f *flight) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.land(f)
	b.start()
}

// The methods from here to take need mu.

// hasLane tells whether there is a lane.
func (b *Batcher[C]) hasLane() bool {
	if len(b.flights) < b.o.Lanes+b.late {
		return true
	}
	now := time.Now()
	for _, f := range b.flights {
		if !f.late && b.late < mostLate && now.Sub(f.began) >= late {
			f.late = true
			b.late++
		}
	}
	return len(b.flights) < b.o.Lanes+b.late
}

// enter takes a lane.
func (b *Batcher[C]) enter() *flight {
	f := &flight{began: time.Now()}
	b.flights = append(b.flights, f)
	return f
}

// land ends a flight.
func (b *Batcher[C]) land(f *flight) {
	i := slices.Index(b.flights, f)
	b.flights = slices.Delete(b.flights, i, i+1)
	if f.late {
		b.late--
	}
}

// start lets a worker begin if there is something to do and a lane for it, or sees to it
// that this is looked at again.
func (b *Batcher[C]) start() {
	switch {
	case len(b.waiting) == 0:
	case b.hasLane():
		go b.work(b.enter())
	case b.watch == nil:
		b.watched, b.watch = true, time.AfterFunc(late, b.look)
	case !b.watched:
		b.watched = true
		b.watch.Reset(late)
	}
}

// take takes what waits.
func (b *Batcher[C]) take(batch []*waiter[C], commands []C) ([]*waiter[C], []C) {
	n := 0
	for n < len(b.waiting) && len(batch) < b.o.Most {
		w := b.waiting[n]
		n++
		if !w.left {
			w.sent = true
			batch, commands = append(batch, w), append(commands, w.command)
		}
	}
	if len(batch) > 0 {
		b.last = len(batch)
	}
	rest := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[rest:])
	b.waiting = b.waiting[:rest]
	return batch, commands
}

// look looks again whether a lane can be used.
func (b *Batcher[C]) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watched = false
	b.start()
}

// work sends batches until nobody waits, or another has its lane since it was late.
func (b *Batcher[C]) work(f *flight) {
	defer func() { b.leave(f) }() // also where Send ends the goroutine
	var batch []*waiter[C]
	var commands []C
	for many := false; ; {
		if many {
			runtime.Gosched() // let those who are about to come, come along
		}
		b.mu.Lock()
		b.land(f)
		mine := b.hasLane()
		f = b.enter()
		if mine {
			batch, commands = b.take(batch[:0], commands[:0])
		}
		many = b.last > 1
		b.mu.Unlock()
		if !mine || len(batch) == 0 {
			return
		}
		b.carry(batch, commands)
	}
}

// carry sends a batch and hands out the answers.
func (b *Batcher[C]) carry(batch []*waiter[C], commands []C) {
	err := ErrEnded
	defer func() {
		panicked := recover()
		for i, w := range batch {
			w.err, w.panicked = err, panicked
			w.answered <- struct{}{}
			batch[i] = nil // its caller may be long gone
		}
		clear(commands)
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), b.o.Limit)
	defer cancel()
	b.o.Send(ctx, commands)
	err = nil
}

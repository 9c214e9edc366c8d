// Package limit gives a call a time limit that costs nothing unless somebody
// waits: the timer is made when Done is asked for, which a store in memory, or
// one that answers at once, never does.
package limit

import (
	"context"
	"sync"
	"time"
)

// A Context is what [context.WithTimeout] returns, but for when its timer is
// made. It is used once: after End it stays ended.
type Context struct {
	parent    context.Context
	deadline  time.Time
	inherited bool // the parent's deadline, which comes first: that says when it has passed

	mu     sync.Mutex
	timed  context.Context // made by the first Done
	cancel context.CancelFunc
	ended  bool
	err    error // what Err said first, if that was before there was a timer
}

var _ context.Context = (*Context)(nil)

// With returns a context that ends after d, with ctx, or at End, which the caller
// must call. Of two limits, one around the other, the inner one is to be ended first.
func With(ctx context.Context, d time.Duration) *Context {
	c := &Context{}
	c.Start(ctx, d)
	return c
}

// Start makes c, the zero Context, what With returns.
func (c *Context) Start(ctx context.Context, d time.Duration) {
	c.parent, c.deadline = ctx, time.Now().Add(d)
	if outer, ok := ctx.Deadline(); ok && outer.Before(c.deadline) {
		c.deadline, c.inherited = outer, true
	} else if outer, ok := ctx.(*Context); ok { // one timer serves both
		c.parent = outer.parent
	}
}

// End releases the context, and cancels what still waits on it.
func (c *Context) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

// Deadline implements [context.Context].
func (c *Context) Deadline() (time.Time, bool) { return c.deadline, true }

// Done implements [context.Context].
func (c *Context) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		if c.inherited {
			c.timed, c.cancel = context.WithCancel(c.parent)
		} else {
			c.timed, c.cancel = context.WithDeadline(c.parent, c.deadline)
		}
		if c.ended {
			c.cancel()
		}
	}
	return c.timed.Done()
}

// Err implements [context.Context].
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.timed != nil:
		return c.timed.Err()
	case c.ended:
		c.err = context.Canceled
	case c.parent.Err() != nil:
		c.err = c.parent.Err()
	case !c.inherited && !time.Now().Before(c.deadline):
		c.err = context.DeadlineExceeded
	}
	return c.err
}

// Value implements [context.Context]. Once there is a timer, package context
// finds it here, and needs no goroutine to follow it.
func (c *Context) Value(key any) any {
	c.mu.Lock()
	in := c.timed
	c.mu.Unlock()
	if in == nil {
		in = c.parent
	}
	return in.Value(key)
}

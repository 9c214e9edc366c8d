package redisstore

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/batch"
)

// A flight is a load on its way to Redis and back, for all who want the same.
type flight struct {
	began      time.Time
	generation uint64

	done     chan struct{}  // closed when what follows is set
	value    session.Cached // nobody gets this copy
	err      error
	panicked any // of a hook of the application; it goes on in those who wait
}

// A shard has the flights of some keys. The lock is held where a value is kept
// and where it is dropped, so that one comes wholly before the other.
type shard struct {
	mu      sync.Mutex
	flights map[nearKey]*flight
}

func (n *near) shard(k nearKey) *shard {
	return &n.shards[(uint(k.id[0])*31+uint(k.id[1]))%uint(len(n.shards))] // IDs are valid, and hashes
}

// fetch asks Redis, or waits for one who does already. It keeps to ctx; others
// who wait for the same do not depend on it.
func (n *near) fetch(ctx context.Context, k nearKey, ask func(context.Context) (session.Cached, error)) (session.Cached, error) {
	f, first := n.board(k)
	switch {
	case f == nil:
		return ask(ctx)
	case first:
		go n.fly(context.WithoutCancel(ctx), k, f, ask)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return session.Cached{}, ctx.Err()
	}
	switch {
	case f.panicked != nil:
		panic(f.panicked)
	case f.err != nil && !first && unanswered(f.err):
		return ask(ctx) // the other's time was over, or its connection bad
	case f.err != nil:
		return session.Cached{}, f.err
	}
	return apart(f.value), nil
}

// board returns the flight to wait for, and whether the caller is the first and
// must let it fly; nil if nothing may be kept or shared at this moment. One that
// has just landed is as good. A flight whose time is over is joined by nobody.
func (n *near) board(k nearKey) (f *flight, first bool) {
	generation, now := n.generation.Load(), time.Now()
	if !n.serving(now) {
		return nil, false
	}
	s := n.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.flights[k]; f != nil && f.generation == generation && now.Sub(f.began) < n.store.options.Timeout {
		return f, false
	}
	if c, ok := n.hit(k); ok {
		return &flight{done: landed, value: c}, false
	}
	if s.flights == nil {
		s.flights = make(map[nearKey]*flight)
	}
	f = &flight{began: now, generation: generation, done: make(chan struct{}), err: batch.ErrEnded}
	s.flights[k] = f
	return f, true
}

var landed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (n *near) fly(ctx context.Context, k nearKey, f *flight, ask func(context.Context) (session.Cached, error)) {
	ctx, cancel := context.WithTimeout(ctx, n.store.options.Timeout)
	defer cancel()
	defer func() {
		f.panicked = recover()
		n.land(k, f)
		close(f.done)
	}()
	f.value, f.err = ask(ctx)
}

// land keeps what a flight brought, unless it was told of a change meanwhile.
func (n *near) land(k nearKey, f *flight) {
	s := n.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[k] != f {
		return
	}
	delete(s.flights, k)
	if f.err == nil && f.panicked == nil && f.generation == n.generation.Load() {
		k.id = session.ID(strings.Clone(string(k.id)))                   // it may be part of a longer text
		n.kept.Set(k, &nearValue{apart(f.value), f.generation, f.began}) // without the rest of the reply
	}
}

package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// queue lets the commits of one session in one process follow each other
// instead of racing. It saves conflicts and is not needed for any guarantee: other
// processes race all the same.
type queue struct {
	mu    sync.Mutex
	slots map[ID]*slot
}

type slot struct {
	turn   chan struct{} // holds one value while the slot is free
	users  int
	latest *state // what the last one wrote, for those who wait; nil if unknown
}

// enter waits for the turn of id. The caller must leave the slot.
func (q *queue) enter(ctx context.Context, id ID) (*slot, error) {
	q.mu.Lock()
	s := q.slots[id]
	if s == nil {
		if q.slots == nil {
			q.slots = make(map[ID]*slot)
		}
		s = &slot{turn: make(chan struct{}, 1)}
		s.turn <- struct{}{}
		q.slots[id] = s
	}
	s.users++
	q.mu.Unlock()
	select {
	case <-s.turn:
		return s, nil
	case <-ctx.Done():
		q.drop(id, s)
		return nil, ctx.Err()
	}
}

func (q *queue) leave(id ID, s *slot) {
	s.turn <- struct{}{}
	q.drop(id, s)
}

func (q *queue) drop(id ID, s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(q.slots, id)
	}
}

// backoff waits a few random milliseconds, so that processes in conflict do not
// stay in step.
func backoff(ctx context.Context) error { return sleep(ctx, rand.N(4*time.Millisecond)) }

// sleep returns after d, or with an error when the context has ended.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

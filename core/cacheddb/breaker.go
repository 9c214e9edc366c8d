package cacheddb

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/internal/limit"
	"github.com/seshat-go/seshat/core/session"
)

// breaker keeps requests from waiting for a cache that does not answer. It
// opens by itself; only the repair in the background closes it.
type breaker struct {
	limit  int64
	failed atomic.Int64 // in a row
	open   atomic.Bool
}

func (b *breaker) isOpen() bool { return b.open.Load() }

func (b *breaker) success() {
	if b.failed.Load() != 0 {
		b.failed.Store(0)
	}
}

// failure tells whether it opened the breaker.
func (b *breaker) failure() bool {
	return b.failed.Add(1) >= b.limit && b.open.CompareAndSwap(false, true)
}

func (b *breaker) close() {
	b.failed.Store(0)
	b.open.Store(false)
}

// ask calls the cache before the database was asked, for as long as the caller
// waits and the cache may take.
func (s *Store) ask(ctx context.Context, op string, id session.ID, call func(context.Context) error) error {
	began := time.Now()
	limited := limit.With(ctx, s.o.CacheTimeout)
	defer limited.End()
	err := call(limited)
	if failed(err) && cut(ctx, began, s.o.CacheTimeout) {
		return err
	}
	s.judge(ctx, op, id, err, err)
	return err
}

// offer tells the cache something that it may miss. It is for after the
// database was asked: a client that goes away does not stop it.
func (s *Store) offer(ctx context.Context, op string, id session.ID, call func(context.Context) error) {
	if s.breaker.isOpen() {
		return
	}
	limited := s.detached(ctx)
	defer limited.End()
	err := call(limited)
	s.judge(ctx, op, id, err, err)
}

// tell tells the cache what it must not miss. What cannot be told is followed
// by a removal, in the same time limit: a cache that is full takes that. If it
// fails too, the entry is pending, and tell returns false.
func (s *Store) tell(ctx context.Context, op string, id session.ID, call func(context.Context) error) bool {
	if !s.breaker.isOpen() {
		limited := s.detached(ctx)
		defer limited.End()
		cause := call(limited)
		err := cause
		if err != nil && limited.Err() == nil {
			err = s.cache.Remove(limited, id)
		}
		s.judge(ctx, op, id, err, cause)
		if err == nil {
			return true
		}
	}
	s.remember(ctx, op, id)
	return false
}

// tellGone has the cache forget the entry, which is right in any case.
func (s *Store) tellGone(ctx context.Context, op string, id session.ID) bool {
	return s.tell(ctx, op, id, func(ctx context.Context) error { return s.cache.Remove(ctx, id) })
}

// judge counts how a call of the cache ended, and reports cause if there is one.
func (s *Store) judge(ctx context.Context, op string, id session.ID, err, cause error) {
	if failed(cause) {
		s.event(ctx, session.EventCacheError, op, id, cause)
	}
	if !failed(err) {
		s.breaker.success()
	} else if s.breaker.failure() {
		s.event(ctx, session.EventCacheDown, op, "", err)
		s.startRepair()
	}
}

func failed(err error) bool { return err != nil && !errors.Is(err, session.ErrNotFound) }

func (s *Store) detached(ctx context.Context) *limit.Context {
	return limit.With(context.WithoutCancel(ctx), s.o.CacheTimeout)
}

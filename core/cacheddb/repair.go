package cacheddb

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// repair is the background work of a Store: one goroutine, which runs while
// something is pending or the breaker is open, and otherwise does not exist.
type repair struct {
	wake chan struct{}

	mu      sync.Mutex
	running bool
	closed  bool
	cancel  context.CancelFunc
	done    chan struct{}
}

// startRepair starts the goroutine, or wakes it if it is running.
func (s *Store) startRepair() {
	r := &s.repair
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
	case r.running:
		select {
		case r.wake <- struct{}{}:
		default:
		}
	default:
		ctx, cancel := context.WithCancel(context.Background())
		r.running, r.cancel, r.done = true, cancel, make(chan struct{})
		go s.runRepair(ctx, r.done)
	}
}

// retire tells the goroutine whether it may end: whatever becomes pending
// after this starts another.
func (s *Store) retire(ctx context.Context) bool {
	s.repair.mu.Lock()
	defer s.repair.mu.Unlock()
	if ctx.Err() == nil && (s.breaker.isOpen() || s.pending.len() > 0) {
		return false
	}
	s.repair.running = false
	s.repair.cancel()
	return true
}

func (s *Store) runRepair(ctx context.Context, done chan<- struct{}) {
	defer close(done)
	cache, truth := backoff{first: s.o.BreakerCooldown}, backoff{first: s.o.BreakerCooldown}
	cooling := false
	for !s.retire(ctx) {
		if open := s.breaker.isOpen(); open != cooling {
			if cooling = open; open && cache.due() {
				cache.failed()
			}
		}
		if cache.due() {
			cache.result(s.removePending(ctx))
		}
		if truth.due() {
			truth.result(s.settlePending(ctx))
		}
		s.pause(ctx, cache.at, truth.at)
	}
}

// pause waits until there may be something to do.
func (s *Store) pause(ctx context.Context, cache, truth time.Time) {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if s.breaker.isOpen() {
		sooner(latest(cache, time.Now()))
	}
	for _, n := range s.pending.list() {
		if n.doubt == stale {
			sooner(latest(cache, time.Now()))
		} else {
			sooner(latest(truth, n.due))
		}
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.repair.wake:
	case <-ctx.Done():
	}
}

// removePending removes the stale entries from the cache, and then closes the
// breaker if it is open: what was written before that by others, who may have
// had no more luck, is re-checked once. It tells whether the cache obeyed.
func (s *Store) removePending(ctx context.Context) bool {
	open := s.breaker.isOpen()
	failures, removed := 0, 0
	for _, n := range s.pending.list() {
		if n.doubt != stale {
			continue
		}
		if err := s.remove(ctx, n.id); err == nil {
			s.pending.clear(n.id, n.seq)
			removed++
			continue
		} else if !open && ctx.Err() == nil {
			s.judge(ctx, "remove", n.id, err, err)
		}
		if failures++; open || failures >= s.o.BreakerFailures {
			return false
		}
	}
	if open {
		if removed == 0 && s.remove(ctx, probeID()) != nil {
			return false
		}
		s.pending.distrust(unsure, time.Now())
		s.breaker.close()
		s.event(ctx, session.EventCacheUp, "remove", "", nil)
	}
	return failures == 0
}

// settlePending asks the database about writes of unknown outcome, and tells
// whether it answered.
func (s *Store) settlePending(ctx context.Context) bool {
	for _, n := range s.pending.list() {
		if n.doubt != unsure || time.Now().Before(n.due) {
			continue
		}
		if _, err := s.LoadFresh(ctx, n.id); err != nil && !absent(err) {
			return false
		}
	}
	return true
}

func (s *Store) remove(ctx context.Context, id session.ID) error {
	limited, cancel := context.WithTimeout(ctx, s.o.CacheTimeout)
	defer cancel()
	return s.cache.Remove(limited, id)
}

// probeID returns an ID that no session has; a removal of it is a write that
// changes nothing. It is random so that it probes any node of a cluster.
func probeID() session.ID {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return session.ID(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Close ends the background work: it stops the goroutine, if there is one, and
// tries each pending removal once more, until ctx is done or the cache fails.
// An error that wraps session.ErrPending says how many are left; no process
// serves those for longer than its Options.RecheckAge.
//
// Call it when the program ends, after the last request. A Store that is used
// nevertheless still answers correctly, but no longer repairs: entries in
// doubt, or the whole cache once the breaker is open, stay bypassed. Close may
// be called again.
func (s *Store) Close(ctx context.Context) error {
	r := &s.repair
	r.mu.Lock()
	r.closed = true
	done := r.done
	if r.running {
		r.cancel()
	}
	r.mu.Unlock()
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("cacheddb: close: %w", ctx.Err())
		}
	}
	for _, n := range s.pending.list() {
		if err := s.remove(ctx, n.id); err != nil {
			return fmt.Errorf("cacheddb: close: %d entries left to remove from the cache: %w: %w", s.pending.len(), session.ErrPending, err)
		}
		s.pending.clear(n.id, n.seq)
	}
	return nil
}

// backoff is when to try again: at once, then after twice as long each time.
type backoff struct {
	first, wait time.Duration
	at          time.Time
}

func (b *backoff) due() bool { return !time.Now().Before(b.at) }

func (b *backoff) result(ok bool) {
	if ok {
		b.wait, b.at = 0, time.Time{}
	} else {
		b.failed()
	}
}

func (b *backoff) failed() {
	if b.wait == 0 {
		b.wait = b.first
	} else if b.wait < longestCooldown {
		b.wait = min(2*b.wait, longestCooldown)
	}
	b.at = time.Now().Add(b.wait)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

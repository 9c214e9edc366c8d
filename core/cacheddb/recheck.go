package cacheddb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/internal/limit"
	"github.com/seshat-go/seshat/core/session"
)

// recheck asks the database about an entry that may not be served as it is, and
// replaces exactly that entry by the answer. If the database cannot be asked,
// that is the load's error.
func (s *Store) recheck(ctx context.Context, id session.ID, read session.Cached) (session.Record, error) {
	checked := now()
	rec, err := s.truth.Load(ctx, id)
	switch {
	case err == nil:
		s.offer(ctx, "recheck", id, func(ctx context.Context) error {
			return s.cache.Refresh(ctx, id, read, session.Cached{Record: rec, Checked: checked})
		})
	case absent(err):
		s.tellGone(ctx, "recheck", id)
	}
	return rec, err
}

// recheckOrServe is recheck for an entry that may be served while the database
// is down. Every load of an entry that is due does it, which is once in
// RecheckAge for most sessions; what is shared is the news that the database
// cannot be asked.
func (s *Store) recheckOrServe(ctx context.Context, id session.ID, read session.Cached) (session.Record, error) {
	began := time.Now()
	if !s.rechecks.enter(began) {
		return read.Record, nil
	}
	limited := limit.With(ctx, s.o.RecheckTimeout)
	defer limited.End()
	answered := false
	defer s.rechecks.unless(&answered)
	rec, err := s.recheck(limited, id, read)
	answered = true
	switch {
	case err == nil || absent(err):
		s.rechecks.leave(true, time.Time{})
		return rec, err
	case cut(ctx, began, s.o.RecheckTimeout):
		s.rechecks.abandon()
	default:
		s.rechecks.leave(false, time.Now().Add(s.o.BreakerCooldown))
		s.event(ctx, session.EventStoreError, "recheck", id, err)
	}
	return read.Record, nil
}

// errDown is what a touch returns while the database is not asked.
var errDown = errors.New("cacheddb: touch: the database did not answer lately; it is tried again in a moment")

// touchTruth is a touch of the database. Readers wait for it, so it goes by the
// same limit and the same news as a re-check.
func (s *Store) touchTruth(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	began := time.Now()
	if !s.rechecks.enter(began) {
		return errDown
	}
	limited := limit.With(ctx, s.o.RecheckTimeout)
	defer limited.End()
	answered := false
	defer s.rechecks.unless(&answered)
	err := s.truth.Touch(limited, id, lastSeen, expires, ifVersion)
	answered = true
	switch {
	case err == nil || refused(err):
		s.rechecks.leave(true, time.Time{})
	case cut(ctx, began, s.o.RecheckTimeout):
		s.rechecks.abandon()
	default:
		s.rechecks.leave(false, time.Now().Add(s.o.BreakerCooldown))
	}
	return err
}

// cut tells whether a call failed because its caller went away, which says
// nothing about the server; but it does if it had waited for half the limit.
func cut(caller context.Context, began time.Time, limit time.Duration) bool {
	return caller.Err() != nil && time.Since(began) < limit/2
}

// rechecks is a breaker for what reads can do without, re-checks and touches:
// after one that failed they are left out for a while, and then one at a time tries.
type rechecks struct {
	mu     sync.Mutex
	down   bool
	trying bool
	until  time.Time
}

// enter tells whether to ask the database; then leave or abandon must follow.
func (r *rechecks) enter(t time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.down {
		return true
	}
	if r.trying || t.Before(r.until) {
		return false
	}
	r.trying = true
	return true
}

func (r *rechecks) leave(ok bool, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down, r.trying, r.until = !ok, false, until
}

func (r *rechecks) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trying = false
}

// unless is abandon after a panic in a driver.
func (r *rechecks) unless(answered *bool) {
	if !*answered {
		r.abandon()
	}
}

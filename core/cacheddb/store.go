package cacheddb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Store is a [session.Store] of two tiers: a database that holds the truth, and
// a cache in front of it. Make one with [New]; it is safe for concurrent use.
//
// Use one Store for a pair of cache and database in a process: it remembers
// there which entries it could not bring up to date.
type Store struct {
	cache Cache
	truth session.Store
	tiers tiers
	loads session.CacheObserver // nil: nobody observes them
	o     Options
	err   error // what Validate says of the options

	breaker  breaker
	pending  pending
	rechecks rechecks
	repair   repair
}

// tiers are the arguments of New, which cache and truth are unless somebody
// observes their calls.
type tiers struct {
	cache Cache
	truth session.Store
}

var (
	_ session.Store       = (*Store)(nil)
	_ session.FreshLoader = (*Store)(nil)
	_ session.Validator   = (*Store)(nil)
)

// New returns a Store that reads from cache and keeps its truth in the given
// store. It does no I/O and starts nothing; Validate, which session.New calls,
// tells whether the arguments are usable.
func New(cache Cache, truth session.Store, o Options) *Store {
	o = o.withDefaults()
	s := &Store{
		cache:   cache,
		truth:   truth,
		tiers:   tiers{cache, truth},
		o:       o,
		err:     o.validate(),
		breaker: breaker{limit: int64(o.BreakerFailures)},
		pending: pending{max: o.MaxPending},
		repair:  repair{wake: make(chan struct{}, 1)},
	}
	s.loads, _ = o.Events.(session.CacheObserver)
	if calls, ok := o.Events.(session.CallObserver); ok {
		s.cache, s.truth = &observedCache{cache, calls}, &observedTruth{truth, calls}
	}
	return s
}

// Validate checks the arguments of New, and then what the two tiers and
// Options.Events say of their own configuration. It does no I/O.
func (s *Store) Validate() error {
	switch {
	case s.tiers.cache == nil:
		return fmt.Errorf("cacheddb: the cache is nil: %w", session.ErrInvalid)
	case s.tiers.truth == nil:
		return fmt.Errorf("cacheddb: the database store is nil: %w", session.ErrInvalid)
	case s.err != nil:
		return s.err
	}
	for _, part := range []any{s.tiers.truth, s.tiers.cache, s.o.Events} {
		if v, ok := part.(session.Validator); ok {
			if err := v.Validate(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Create stores the record in the database only: the first load fills the
// cache, so that a visitor who never comes back leaves nothing there.
func (s *Store) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return s.truth.Create(ctx, id, rec)
}

// Update replaces the record in the database, and then in the cache if it is
// there. It returns nil as soon as the database has it: an entry that cannot be
// brought up to date is bypassed and removed in the background (EventPending).
//
// The database may keep a later LastSeen than the one given here. The cache
// learns of it when the entry is re-checked; where that could matter, since the
// given one is older than Options.RecheckAge, the entry is removed instead. So it is
// with Options.ReadTruth.
func (s *Store) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cacheddb: update: %w", err)
	}
	checked := now()
	err := s.truth.Update(ctx, id, rec, ifVersion)
	switch {
	case err == nil && (s.o.ReadTruth || checked.Sub(rec.LastSeen) > s.o.RecheckAge):
		s.tellGone(ctx, "update", id)
	case err == nil:
		s.tell(ctx, "update", id, func(ctx context.Context) error {
			return s.cache.Replace(ctx, id, session.Cached{Record: rec, Checked: checked})
		})
	case errors.Is(err, session.ErrNotFound):
		s.tellGone(ctx, "update", id)
	case !refused(err):
		s.suspect(id)
	}
	return err
}

// Touch moves the times forward in the database, and then in the cache. If the
// cache cannot be told, its entry is only behind: at worst it looks expired,
// and then the database is asked. So that is an event, and nothing is pending.
func (s *Store) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cacheddb: touch: %w", err)
	}
	if err := s.touchTruth(ctx, id, lastSeen, expires, ifVersion); err != nil {
		return err
	}
	s.offer(ctx, "touch", id, func(ctx context.Context) error {
		return s.cache.RaiseTimes(ctx, id, lastSeen, expires, ifVersion)
	})
	return nil
}

// Delete removes the record from the database, and then whatever the cache
// holds. If the cache could not be told, the session is ended nevertheless, and
// no load through this Store finds it; Delete then returns an error that wraps
// session.ErrPending, since a process that still reaches the cache may see the
// session until the removal, tried again in the background, gets through, and
// for no longer than Options.RecheckAge.
func (s *Store) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cacheddb: delete: %w", err)
	}
	err := s.truth.Delete(ctx, id, ifVersion)
	switch {
	case err == nil || errors.Is(err, session.ErrPending):
		if told := s.tellGone(ctx, "delete", id); !told {
			return fmt.Errorf("cacheddb: delete: %w", session.ErrPending)
		}
	case !refused(err):
		s.suspect(id)
	}
	return err
}

// refused tells whether a write is known to have had no effect. What stands in
// the way of a conflict is read by LoadFresh, which corrects the cache too.
func refused(err error) bool {
	return errors.Is(err, session.ErrConflict) ||
		errors.Is(err, session.ErrInvalid) ||
		errors.Is(err, session.ErrTooLarge) ||
		errors.Is(err, session.ErrFull)
}

// absent tells whether err is the database's answer that there is no readable
// record, rather than a failure to ask.
func absent(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrUndecodable)
}

// now is the time as entries carry it. An entry gets the time from before its
// record was read or written.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (s *Store) event(ctx context.Context, kind session.EventKind, op string, id session.ID, err error) {
	s.o.Events.Event(ctx, session.Event{Kind: kind, ID: id, Op: op, Err: err})
}

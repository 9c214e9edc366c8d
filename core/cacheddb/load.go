package cacheddb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Load returns the record from the cache, or from the database where the cache
// has none, cannot be asked, or holds an entry that is not to be trusted as it
// is. What the database said is left in the cache for the next load.
func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, fmt.Errorf("cacheddb: load: %w", err)
	}
	if !id.Valid() {
		return session.Record{}, fmt.Errorf("cacheddb: load: %w", session.ErrNotFound)
	}
	if s.o.ReadTruth {
		return s.truth.Load(ctx, id)
	}
	doubt, _ := s.pending.look(id)
	if doubt == stale || s.breaker.isOpen() {
		s.came(ctx, session.CacheBypass)
		return s.truth.Load(ctx, id)
	}
	var entry session.Cached
	err := s.ask(ctx, "load", id, func(ctx context.Context) (err error) {
		entry, err = s.cache.Get(ctx, id)
		return err
	})
	switch {
	case err == nil:
		return s.serve(ctx, id, entry, doubt)
	case errors.Is(err, session.ErrNotFound):
		s.came(ctx, session.CacheMiss)
		return s.loadAndFill(ctx, id)
	case ctx.Err() != nil:
		return session.Record{}, fmt.Errorf("cacheddb: load: %w", ctx.Err())
	default:
		s.came(ctx, session.CacheBypass)
		return s.truth.Load(ctx, id)
	}
}

// loadAndFill reads the database under a lease. Without one it fills nothing:
// another load does, or a write is under way. After ErrNotFound the lease is
// left to expire, so that a forged cookie costs no more than it must.
func (s *Store) loadAndFill(ctx context.Context, id session.ID) (session.Record, error) {
	var lease session.Lease
	_, _ = rand.Read(lease[:]) // never fails: crypto/rand ends the program instead
	leased := false
	_ = s.ask(ctx, "lease", id, func(ctx context.Context) (err error) {
		leased, err = s.cache.AddLease(ctx, id, lease, s.o.LeaseTTL)
		leased = leased && err == nil
		return err
	})
	checked := now()
	rec, err := s.truth.Load(ctx, id)
	if err != nil || !leased {
		return rec, err
	}
	s.offer(ctx, "fill", id, func(ctx context.Context) error {
		return s.cache.Fill(ctx, id, lease, session.Cached{Record: rec, Checked: checked})
	})
	return rec, nil
}

// serve judges an entry: it is served as it is, or the database is asked first.
func (s *Store) serve(ctx context.Context, id session.ID, entry session.Cached, d doubt) (session.Record, error) {
	t := time.Now()
	if m := s.pending.momentOf(entry.Checked.Add(-clockMargin)); m > d {
		d = m
	}
	age := t.Sub(entry.Checked)
	switch {
	case d == stale || looksEnded(entry.Record, t):
		s.came(ctx, session.CacheRecheck)
		return s.recheck(ctx, id, entry)
	case d == unsure || age >= s.o.RecheckAge || age < -clockMargin:
		s.came(ctx, session.CacheRecheck)
		return s.recheckOrServe(ctx, id, entry)
	default:
		s.came(ctx, session.CacheHit)
		return entry.Record, nil
	}
}

// looksEnded tells whether the entry's own times say that the session is over.
// The database may know of a later touch.
func looksEnded(rec session.Record, t time.Time) bool {
	return !t.Before(rec.Expires) || !t.Before(rec.LifetimeEnd)
}

// LoadFresh returns the record from the database and corrects the cache by it:
// an older entry is replaced, a lease removed, nothing placed. Since the engine
// may answer for a write on the strength of what it reads here (its own mark,
// after an unknown outcome), the cache is told with the same care as after a
// write: where that fails, the entry is pending, and ErrNotFound comes joined
// with session.ErrPending. With Options.ReadTruth the entry is removed.
func (s *Store) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, fmt.Errorf("cacheddb: load: %w", err)
	}
	if !id.Valid() {
		return session.Record{}, fmt.Errorf("cacheddb: load: %w", session.ErrNotFound)
	}
	load := s.truth.Load
	if f, ok := s.truth.(session.FreshLoader); ok {
		load = f.LoadFresh
	}
	_, seq := s.pending.look(id)
	checked := now()
	rec, err := load(ctx, id)
	switch {
	case err == nil && s.o.ReadTruth:
		s.tellGone(ctx, "load", id)
	case err == nil:
		s.tell(ctx, "load", id, func(ctx context.Context) error {
			return s.cache.Replace(ctx, id, session.Cached{Record: rec, Checked: checked})
		})
	case absent(err):
		if told := s.tellGone(ctx, "load", id); !told {
			err = fmt.Errorf("%w (%w)", err, session.ErrPending)
		}
	default:
		return session.Record{}, err
	}
	s.pending.clear(id, seq) // a doubt from before; one that tell has added is newer
	return rec, err
}

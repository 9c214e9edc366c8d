package interleave_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/interleave"
)

// The tables are worth what they notice: each store here has one defect.

// creating is a store whose Update creates.
type creating struct{ interleave.Truth }

func (s creating) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	err := s.Truth.Update(ctx, id, rec, v)
	if errors.Is(err, session.ErrNotFound) {
		return s.Create(ctx, id, rec)
	}
	return err
}

// overwriting is a store whose Update does not compare.
type overwriting struct{ interleave.Truth }

func (s overwriting) Update(ctx context.Context, id session.ID, rec session.Record, _ uint64) error {
	now, err := s.Load(ctx, id)
	if err != nil {
		return err
	}
	rec.Version = max(rec.Version, now.Version+1)
	return s.Truth.Update(ctx, id, rec, now.Version)
}

// reviving is a store whose Touch writes back the record that it read before.
type reviving struct {
	interleave.Truth
	last map[session.ID]session.Record
}

func (s reviving) Load(ctx context.Context, id session.ID) (session.Record, error) {
	rec, err := s.Truth.Load(ctx, id)
	if err == nil {
		s.last[id] = rec
	}
	return rec, err
}

func (s reviving) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, v uint64) error {
	if _, err := s.Truth.Load(ctx, id); errors.Is(err, session.ErrNotFound) {
		return s.Create(ctx, id, s.last[id])
	}
	return s.Truth.Touch(ctx, id, lastSeen, expires, v)
}

// lengthening is a store whose Touch does not look at the version.
type lengthening struct{ interleave.Truth }

func (s lengthening) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, v uint64) error {
	if rec, err := s.Load(ctx, id); err == nil {
		v = rec.Version
	}
	return s.Truth.Touch(ctx, id, lastSeen, expires, v)
}

// lying is a store that says it has written where there is nothing any more.
type lying struct{ interleave.Truth }

func (s lying) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	if err := s.Truth.Update(ctx, id, rec, v); !errors.Is(err, session.ErrNotFound) {
		return err
	}
	return nil
}

// keeping is a cache that forgets to remove.
type keeping struct{ cacheddb.Cache }

func (keeping) Remove(context.Context, session.ID) error { return nil }

// unguarded is a cache that fills without the lease.
type unguarded struct{ cacheddb.Cache }

func (c unguarded) Fill(ctx context.Context, id session.ID, _ session.Lease, e session.Cached) error {
	var own session.Lease
	own[0] = 1
	_ = c.Remove(ctx, id)
	if _, err := c.AddLease(ctx, id, own, time.Minute); err != nil {
		return err
	}
	return c.Cache.Fill(ctx, id, own, e)
}

// deaf is a cache that misses what it is told of writes.
type deaf struct{ cacheddb.Cache }

func (deaf) Replace(context.Context, session.ID, session.Cached) error { return nil }

func TestEachDefectOfAStoreIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		broken func(interleave.Truth) interleave.Truth
		rows   []interleave.Scenario
	}{
		"an update that creates":               {func(s interleave.Truth) interleave.Truth { return creating{s} }, interleave.Law2Pairs()},
		"an update that overwrites":            {func(s interleave.Truth) interleave.Truth { return overwriting{s} }, interleave.Law1()},
		"an update that overwrites, at an end": {func(s interleave.Truth) interleave.Truth { return overwriting{s} }, interleave.Law2Triples()[4:5]},
		"an update that only says so":          {func(s interleave.Truth) interleave.Truth { return lying{s} }, interleave.Law2Pairs()},
		"a touch that revives": {
			func(s interleave.Truth) interleave.Truth { return reviving{s, make(map[session.ID]session.Record)} },
			interleave.Law2Pairs(),
		},
		"a touch that lengthens": {func(s interleave.Truth) interleave.Truth { return lengthening{s} }, interleave.Law5()},
	} {
		t.Run(name, func(t *testing.T) {
			e := interleave.Memory()
			e.Broken = func(tiers interleave.Tiers) interleave.Tiers { return interleave.Tiers{Truth: c.broken(tiers.Truth)} }
			interleave.Notices(t, e, c.rows)
		})
	}
}

func TestEachDefectOfACacheIsNoticed(t *testing.T) {
	reading := interleave.With(interleave.Law3(), interleave.Warmed)
	ending := interleave.With(interleave.Staying(interleave.Law2Triples()), interleave.Evicting(1))
	for name, c := range map[string]struct {
		broken func(cacheddb.Cache) cacheddb.Cache
		rows   []interleave.Scenario
	}{
		"a delete that leaves the cache": {func(c cacheddb.Cache) cacheddb.Cache { return keeping{c} }, interleave.With(interleave.Law2Pairs(), interleave.Warmed)},
		"a fill without its lease":       {func(c cacheddb.Cache) cacheddb.Cache { return unguarded{c} }, interleave.With(interleave.Law2Pairs(), interleave.Evicting(1))},
		"the same, at a write":           {func(c cacheddb.Cache) cacheddb.Cache { return unguarded{c} }, ending},
		"a cache that misses writes":     {func(c cacheddb.Cache) cacheddb.Cache { return deaf{c} }, reading},
	} {
		t.Run(name, func(t *testing.T) {
			e := interleave.CachedMemory()
			e.Broken = func(tiers interleave.Tiers) interleave.Tiers {
				return interleave.Tiers{Truth: tiers.Truth, Cache: c.broken(tiers.Cache)}
			}
			interleave.Notices(t, e, c.rows)
		})
	}
}

package security_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestTheReplayOfLateWritersHasTeeth(t *testing.T) {
	newMemory := func() *session.MemoryStore { return session.NewMemoryStore(session.MemoryOptions{}) }
	broken := func(s session.Store) tier { return func(*testing.T) (session.Store, func() string) { return s, nil } }
	for _, e := range []engine{
		alone("an update that creates", broken(creatingUpdates{newMemory()})),
		alone("a touch that creates", broken(&creatingTouches{MemoryStore: newMemory(), loaded: map[session.ID]session.Record{}})),
		cachedDB("cached_db with fills without a guard", broken(blindFills{newMemory()}), inMemory),
	} {
		t.Run(e.name, func(t *testing.T) {
			s := newSite(t, e, session.Options{}, 2)
			for _, o := range overlaps(e) {
				if len(o.restored(s)) > 0 {
					return
				}
			}
			t.Error("nothing noticed it")
		})
	}
}

// creatingUpdates is a store that saves what it does not find.
type creatingUpdates struct{ *session.MemoryStore }

func (s creatingUpdates) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	err := s.MemoryStore.Update(ctx, id, rec, ifVersion)
	if errors.Is(err, session.ErrNotFound) {
		return s.Create(ctx, id, rec)
	}
	return err
}

// creatingTouches is a store that touches by writing the whole record.
type creatingTouches struct {
	*session.MemoryStore
	mu     sync.Mutex
	loaded map[session.ID]session.Record
}

func (s *creatingTouches) Load(ctx context.Context, id session.ID) (session.Record, error) {
	rec, err := s.MemoryStore.Load(ctx, id)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.loaded[id] = rec
	}
	return rec, err
}

func (s *creatingTouches) Touch(ctx context.Context, id session.ID, _, _ time.Time, _ uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Create(ctx, id, s.loaded[id]); err != nil && !errors.Is(err, session.ErrExists) {
		return err
	}
	return nil
}

// blindFills is a cache that takes what a load found, whatever came meanwhile.
type blindFills struct{ *session.MemoryStore }

func (c blindFills) Fill(ctx context.Context, id session.ID, lease session.Lease, entry session.Cached) error {
	if err := c.Remove(ctx, id); err != nil {
		return err
	}
	if _, err := c.AddLease(ctx, id, lease, time.Minute); err != nil {
		return err
	}
	return c.MemoryStore.Fill(ctx, id, lease, entry)
}

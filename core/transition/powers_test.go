package transition_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

// byValue is a store that cannot be compared.
type byValue struct {
	*session.MemoryStore
	_ []int
}

func TestStoresNeedNotBeComparable(t *testing.T) {
	s := transition.New(byValue{MemoryStore: memory()}, byValue{MemoryStore: memory()}, transition.Options{Step: step1})
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), storetest.NewID(), storetest.NewRecord(principal)); err != nil {
		t.Fatal(err)
	}
	if page, _, err := s.List(t.Context(), principal, "", 10); err != nil || len(page) != 1 {
		t.Errorf("%d sessions, %v", len(page), err)
	}
}

// A table is a store whose expired records stay until somebody purges them.
type table struct {
	session.Store
	purged int
}

func (s *table) Purge(context.Context, time.Time, int) (int, error) { s.purged++; return 0, nil }

// The lease of PurgeEvery has one ID for ever, so that it meets marks that a move
// left there.
func TestPurgeEveryPurgesWhereALeaseWasMovedAndIsGone(t *testing.T) {
	for _, step := range []transition.Step{step1, step2} {
		for round := range 2 {
			synctest.Test(t, func(t *testing.T) {
				stores := [2]*table{{Store: memory()}, {Store: memory()}}
				purges := func(s session.Store) {
					ctx, stop := context.WithTimeout(t.Context(), time.Hour)
					defer stop()
					newProcess(t, s).m.PurgeEvery(ctx, 10*time.Minute)
				}
				purges(stores[0])
				for _, r := range storedIn(t, stores[0]) {
					if _, err := transition.CopyOne(t.Context(), stores[0], stores[1], r.ID); err != nil {
						t.Fatal(err)
					}
				}
				for _, r := range storedIn(t, stores[1]) { // the lease ran out, and was purged
					if err := stores[1].Delete(t.Context(), r.ID, r.Record.Version); err != nil {
						t.Fatal(err)
					}
				}
				from, to := stores[round], stores[1-round] // the same way, and back
				from.purged, to.purged = 0, 0
				purges(transition.New(from, to, transition.Options{Step: step}))
				if from.purged == 0 || to.purged == 0 {
					t.Errorf("%v, round %d: purged %d and %d times in an hour", step, round, from.purged, to.purged)
				}
			})
		}
	}
}

func storedIn(t *testing.T, s *table) []session.Stored {
	page, _, err := s.Store.(session.Scanner).Scan(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestWhatOneStoreNeedNotOrCannotDoIsToldAndLeftAlone(t *testing.T) {
	a, b, redis := &table{Store: memory()}, &table{Store: memory()}, memory()
	over := func(old, young session.Store) *transition.Store {
		return transition.New(old, young, transition.Options{Step: step1})
	}
	expired := storetest.NewRecord(principal)
	expired.Expires = storetest.Now().Add(-time.Hour)
	if err := redis.Create(t.Context(), storetest.NewID(), expired); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*transition.Store{over(a, redis), over(redis, b), over(a, b)} {
		if n, err := s.Purge(t.Context(), time.Now(), 10); n != 0 || err != nil || s.PurgesItself() {
			t.Errorf("%d records, %v", n, err)
		}
	}
	if a.purged != 2 || b.purged != 2 {
		t.Errorf("the tables were purged %d and %d times", a.purged, b.purged)
	}
	if s := over(redis, memory()); !s.PurgesItself() || !s.Lists() {
		t.Error("PurgesItself, Lists: false over two that do")
	}
	if _, err := session.New(session.Options{Store: over(redis, a), MaxSessions: 1}); err == nil {
		t.Error("MaxSessions was taken over a store that cannot list")
	}
}

func TestALeaseOfTheNewStoreFromBeforeIsNoDifference(t *testing.T) {
	for _, hours := range [][2]time.Duration{{1, 1}, {3, 1}, {1, 3}} { // the same version, a greater one in old, and in new
		synctest.Test(t, func(t *testing.T) {
			old, young := &table{Store: memory()}, &table{Store: memory()}
			for i, s := range []*table{old, young} {
				ctx, stop := context.WithTimeout(t.Context(), hours[i]*time.Hour)
				newProcess(t, s).m.PurgeEvery(ctx, time.Hour)
				stop()
			}
			for range 2 {
				if _, err := transition.Copy(t.Context(), scanning{old}, young, transition.CopyOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			r, err := transition.Copy(t.Context(), scanning{old}, young, transition.CopyOptions{})
			if err != nil || !r.Done() {
				t.Errorf("Copy: %+v, %v", r, err)
			}
			if r, err = transition.Verify(t.Context(), scanning{old}, young, transition.CopyOptions{}); err != nil || !r.Done() {
				t.Errorf("Verify: %+v, %v", r, err)
			}
		})
	}
}

type scanning struct{ *table }

func (s scanning) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	return s.Store.(session.Scanner).Scan(ctx, after, limit)
}

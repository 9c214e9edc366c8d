package session_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// rows is a store of so many expired records, which takes its time to delete
// them: each batch as long as the test says.
type rows struct {
	*session.MemoryStore
	mu      sync.Mutex
	left    int
	takes   func(batch, limit int) (time.Duration, error)
	batches []int       // the limits
	began   []time.Time // and when they were asked for
	ended   []time.Time
}

func newRows(n int, takes func(batch, limit int) (time.Duration, error)) *rows {
	return &rows{MemoryStore: session.NewMemoryStore(session.MemoryOptions{}), left: n, takes: takes}
}

func (r *rows) PurgesItself() bool { return false }

func (r *rows) Purge(ctx context.Context, _ time.Time, limit int) (int, error) {
	r.mu.Lock()
	batch := len(r.batches)
	r.batches = append(r.batches, limit)
	r.began = append(r.began, time.Now())
	r.mu.Unlock()
	takes, err := time.Duration(0), error(nil)
	if r.takes != nil {
		takes, err = r.takes(batch, limit)
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, time.Now())
	if err != nil {
		return 0, err
	}
	n := min(limit, r.left)
	r.left -= n
	return n, nil
}

// asked is how often a batch was asked for.
func (r *rows) asked() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.batches)
}

// remain is how many are left.
func (r *rows) remain() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.left
}

// add adds expired records.
func (r *rows) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
}

// always takes the same for each batch.
func always(d time.Duration) func(int, int) (time.Duration, error) {
	return func(int, int) (time.Duration, error) { return d, nil }
}

func TestPurgeBeginsWithSmallBatchesAndGrowsThemWhereTheStoreIsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for most, want := range map[int][]int{
			1000: {100, 200, 400, 800, 1000, 1000, 1000},
			300:  {100, 200, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300},
			10:   slices.Repeat([]int{10}, 371),
		} {
			store := newRows(3700, always(time.Millisecond))
			s := newSite(t, session.Options{Store: store})
			if n, err := s.m.Purge(t.Context(), session.PurgeBatch(most)); n != 3700 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if !slices.Equal(store.batches, want) {
				t.Errorf("at most %d: batches of %v, want %v", most, store.batches, want)
			}
		}
	})
}

func TestPurgeMakesBatchesSmallerWhereTheStoreIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(batch, _ int) (time.Duration, error) {
			switch {
			case batch < 4:
				return 20 * time.Millisecond, nil
			case batch < 14:
				return time.Second, nil // pressure
			case batch < 16:
				return 70 * time.Millisecond, nil // neither fast nor slow
			}
			return 20 * time.Millisecond, nil
		}
		store := newRows(4000, slow)
		s := newSite(t, session.Options{Store: store})
		if n, err := s.m.Purge(t.Context()); n != 4000 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		want := []int{100, 200, 400, 800, 1000, 500, 250, 125, 62, 31, 15, 10, 10, 10, 10, 10, 10, 20, 40, 80, 160, 320}
		if !slices.Equal(store.batches, want) {
			t.Errorf("batches of %v, want %v", store.batches, want)
		}
	})
}

func TestPurgeTakesNoMoreThanItsShareOfTheStoresTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for share, pause := range map[float64]float64{0: 3, 0.5: 1, 0.1: 9, 1: 0} {
			store := newRows(4000, func(batch, _ int) (time.Duration, error) { return time.Duration(batch+1) * 10 * time.Millisecond, nil })
			s := newSite(t, session.Options{Store: store})
			var options []session.PurgeOption
			if share > 0 {
				options = append(options, session.PurgeShare(share))
			}
			if _, err := s.m.Purge(t.Context(), options...); err != nil {
				t.Fatal(err)
			}
			for i, end := range store.ended[:len(store.ended)-1] {
				took, paused := end.Sub(store.began[i]), store.began[i+1].Sub(end)
				if off := float64(paused) - pause*float64(took); math.Abs(off) > float64(time.Microsecond) {
					t.Errorf("share %v: after %v a pause of %v", share, took, paused)
				}
			}
		}
	})
}

func TestABatchThatTimesOutIsTriedAgainAtHalfItsSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tooMany := func(_, limit int) (time.Duration, error) {
			if limit > 150 {
				return 5 * time.Second, context.DeadlineExceeded
			}
			return time.Millisecond, nil
		}
		store := newRows(1000, tooMany)
		s := newSite(t, session.Options{Store: store})
		if n, err := s.m.Purge(t.Context()); n != 1000 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		s.wantEvents(session.EventStoreError, 0)

		never := newRows(1000, func(int, int) (time.Duration, error) { return 5 * time.Second, context.DeadlineExceeded })
		s = newSite(t, session.Options{Store: never})
		if n, err := s.m.Purge(t.Context()); n != 0 || !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d, %v", n, err)
		}
		if want := []int{100, 50, 25, 12, 10}; !slices.Equal(never.batches, want) {
			t.Errorf("batches of %v, want %v", never.batches, want)
		}
		s.wantEvents(session.EventStoreError, 1)
		s.wantEvents(session.EventPurgeFailed, 1)
	})
}

func TestPurgeReportsItsProgressAndASummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows(650, always(20*time.Millisecond))
		s := newSite(t, session.Options{Store: store})
		var told []session.PurgeStatus
		_, err := s.m.Purge(t.Context(), session.PurgeProgress(func(p session.PurgeStatus) { told = append(told, p) }))
		if err != nil {
			t.Fatal(err)
		}
		const ms = time.Millisecond
		want := []session.PurgeStatus{
			{Records: 100, Batches: 1, Took: 20 * ms, Busy: 20 * ms},
			{Records: 300, Batches: 2, Took: 100 * ms, Busy: 40 * ms},
			{Records: 650, Batches: 3, Took: 180 * ms, Busy: 60 * ms, Over: true},
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %+v, want %+v", told, want)
		}
		if rate := told[1].Rate(); rate != 3000 {
			t.Errorf("%v a second, want 3000", rate)
		}
		if rate := (session.PurgeStatus{}).Rate(); rate != 0 {
			t.Errorf("%v a second before it began", rate)
		}
	})
}

func TestPurgeTellsItsBeginningAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Options{Store: newRows(250, nil)})
		if _, err := s.m.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.wantEvents(session.EventPurging, 1)
		if ended := s.events.of(session.EventPurged); len(ended) != 1 || ended[0].Count != 250 || ended[0].Err != nil {
			t.Errorf("%+v", ended)
		}

		third := func(batch, _ int) (time.Duration, error) {
			if batch == 2 {
				return 0, errDown
			}
			return 0, nil
		}
		s = newSite(t, session.Options{Store: newRows(1000, third)})
		if n, err := s.m.Purge(t.Context()); n != 300 || !errors.Is(err, errDown) {
			t.Errorf("%d, %v", n, err)
		}
		if ended := s.events.of(session.EventPurgeFailed); len(ended) != 1 || ended[0].Count != 300 || !errors.Is(ended[0].Err, errDown) {
			t.Errorf("%+v", ended)
		}
		s.wantEvents(session.EventPurged, 0)
	})
}

func TestPurgeEndsWithItsContextAlsoInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Options{Store: newRows(1000, always(time.Second))})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began := time.Now()
		n, err := s.m.Purge(ctx)
		if n != 100 || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%d after %v, %v", n, time.Since(began), err)
		}
		s.wantEvents(session.EventPurgeFailed, 0) // who ended it knows
		if ended := s.events.of(session.EventPurged); len(ended) != 1 || ended[0].Count != 100 || !errors.Is(ended[0].Err, context.DeadlineExceeded) {
			t.Errorf("%+v", ended)
		}
	})
}

func TestPurgeRefusesWhatCannotWork(t *testing.T) {
	store := newRows(10, nil)
	s := newSite(t, session.Options{Store: store})
	for name, o := range map[string]session.PurgeOption{
		"a batch of nothing": session.PurgeBatch(0), "a batch of 9": session.PurgeBatch(9), "too large a batch": session.PurgeBatch(10_001),
		"no share": session.PurgeShare(0), "a share below zero": session.PurgeShare(-1), "more than all": session.PurgeShare(1.1), "not a share": session.PurgeShare(math.NaN()),
	} {
		if _, err := s.m.Purge(t.Context(), o); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if store.asked() != 0 {
		t.Error("the store was asked")
	}
}

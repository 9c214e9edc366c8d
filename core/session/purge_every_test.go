package session_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// process is one of those that purge one store in turns.
type process struct {
	*site
	stop func() // cancels, and waits for the end
}

// purging starts a process that purges the store hourly, by a clock that is
// ahead of the others'.
func purging(t *testing.T, store session.Store, ahead time.Duration, options ...session.PurgeOption) process {
	t.Helper()
	s := newSite(t, session.Options{Store: store, Clock: func() time.Time { return time.Now().Add(ahead) }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.m.PurgeEvery(ctx, time.Hour, options...)
	}()
	stop := func() { cancel(); <-done }
	t.Cleanup(stop)
	return process{s, stop}
}

// lease is the record that the processes agree by.
func lease(t *testing.T, store session.Scanner) (session.Stored, bool) {
	t.Helper()
	page, _, err := store.Scan(t.Context(), "", 100)
	if err != nil || len(page) > 1 {
		t.Fatalf("%d records, %v", len(page), err)
	}
	if len(page) == 0 {
		return session.Stored{}, false
	}
	return page[0], true
}

func TestPurgeEveryPurgesOnceEveryInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		store := newRows(0, always(time.Minute))
		p := purging(t, store, 0)
		time.Sleep(24 * time.Hour)
		p.stop()
		if first := store.began[0].Sub(began); first > 30*time.Second {
			t.Errorf("the first came after %v", first)
		}
		for i, at := range store.began[1:] {
			if pause := at.Sub(store.ended[i]); pause < time.Hour || pause > time.Hour+6*time.Minute {
				t.Errorf("purged after %v", pause)
			}
		}
		if n := store.asked(); n < 22 || n > 24 {
			t.Errorf("purged %d times in a day", n)
		}
	})
}

func TestOfManyProcessesOnePurges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows(0, always(time.Minute))
		var all []process
		for range 8 {
			all = append(all, purging(t, store, 0))
		}
		time.Sleep(24 * time.Hour)
		for _, p := range all {
			p.stop()
		}
		if n := store.asked(); n < 22 || n > 24 {
			t.Errorf("purged %d times in a day", n)
		}
		for i, at := range store.began[1:] {
			if pause := at.Sub(store.ended[i]); pause < time.Hour {
				t.Errorf("purged %v after another had", pause)
			}
		}
	})
}

func TestAPurgeThatTakesLongKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows(1000, always(time.Minute)) // an hour and more
		a := purging(t, store, 0)
		time.Sleep(time.Minute)
		b := purging(t, store, 0)
		time.Sleep(time.Hour)
		if store.remain() == 0 {
			t.Fatal("the purge is over; the test proves nothing")
		}
		a.wantEvents(session.EventPurging, 1)
		b.wantEvents(session.EventPurging, 0)
	})
}

func TestAnotherProcessTakesOverFromOneThatDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := make(chan struct{})
		store := newRows(1000, func(batch, _ int) (time.Duration, error) {
			if batch == 2 {
				<-dead
			}
			return time.Millisecond, nil
		})
		a := purging(t, store, 0)
		time.Sleep(time.Minute)
		b := purging(t, store, 0)
		time.Sleep(time.Minute)
		b.wantEvents(session.EventPurging, 0)
		time.Sleep(5 * time.Minute)
		b.wantEvents(session.EventPurged, 1)
		if store.remain() != 0 {
			t.Errorf("%d are left", store.remain())
		}

		// It was only asleep: it finds that another one took over, and leaves the lease alone.
		before, _ := lease(t, store)
		store.add(10_000)
		close(dead)
		time.Sleep(time.Minute)
		if after, _ := lease(t, store); after.Record.Version != before.Record.Version {
			t.Errorf("the lease went from %+v to %+v", before.Record, after.Record)
		}
		if n := a.events.of(session.EventPurged); len(n) != 1 || store.remain() == 0 {
			t.Errorf("it went on: %v, %d left", n, store.remain())
		}
	})
}

func TestAProcessThatEndsInAPurgeLeavesTheRestToOthersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newRows(1000, always(time.Minute))
		a := purging(t, store, 0)
		time.Sleep(2 * time.Minute)
		a.stop()
		b := purging(t, store, 0)
		time.Sleep(30 * time.Second)
		b.wantEvents(session.EventPurging, 1)
	})
}

func TestPurgeEveryGoesOnAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newProbe()
		store.always(failBefore)
		p := purging(t, store, 0)
		time.Sleep(20 * time.Minute)
		if failed := p.events.of(session.EventStoreError); len(failed) < 3 || len(failed) > 5 || !errors.Is(failed[0].Err, errDown) {
			t.Errorf("%+v", failed)
		}
		store.always(nil)
		store.plan("purge", failBefore)
		time.Sleep(6 * time.Minute)
		p.wantEvents(session.EventPurgeFailed, 1)
		time.Sleep(6 * time.Minute)
		p.wantEvents(session.EventPurged, 1)
	})
}

func TestClocksThatDifferDoNotKeepPurgesFromBeingMade(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		ahead    time.Duration // of the first process
		stuck    bool          // it dies in its purge
		together bool          // the second does not wait for it
	}{
		"two minutes ahead":          {ahead: 2 * time.Minute},
		"two minutes behind":         {ahead: -2 * time.Minute},
		"a year ahead":               {ahead: year, together: true},
		"a year behind":              {ahead: -year, together: true},
		"a year ahead, and it died":  {ahead: year, stuck: true, together: true},
		"a year behind, and it died": {ahead: -year, stuck: true, together: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dead := make(chan struct{})
				defer close(dead)
				store := newRows(50, func(batch, _ int) (time.Duration, error) {
					if c.stuck && batch == 0 {
						<-dead
					}
					return time.Second, nil
				})
				purging(t, store, c.ahead)
				time.Sleep(time.Minute)
				b := purging(t, store, 0)
				time.Sleep(time.Minute)
				want := 0
				if c.together {
					want = 1
				}
				b.wantEvents(session.EventPurged, want)
				time.Sleep(70 * time.Minute) // and whatever the other one's, theirs is not far away
				if store.asked() < 2 {
					t.Errorf("%d purges in an hour", store.asked())
				}
			})
		})
	}
}

func TestTheLeaseIsNobodysSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newProbe()
		p := purging(t, store, 0)
		time.Sleep(time.Minute)
		p.wantEvents(session.EventPurged, 1)
		l, there := lease(t, store.inner)
		if r := l.Record; !there || r.MovedTo == "" || r.Principal != "" || len(r.Payload) != 0 || !l.ID.Valid() {
			t.Fatalf("%+v", l)
		}
		if err := p.m.Revoke(t.Context(), l.ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Revoke: %v", err)
		}
		time.Sleep(30 * time.Hour) // it is still used, so purges leave it
		if again, there := lease(t, store.inner); !there || again.ID != l.ID || again.Record.Version < 20 {
			t.Errorf("%+v", again)
		}
	})
}

func TestWhatStandsInTheLeasesPlaceDoesNotKeepAPurgeFromBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newProbe()
		store.plan("fresh", slices.Repeat([]plan{refuse(session.ErrUndecodable)}, 2)...)
		p := purging(t, store, 0)
		time.Sleep(time.Minute)
		p.wantEvents(session.EventPurged, 1)
		p.wantEvents(session.EventUndecodable, 1)
		if l, there := lease(t, store.inner); there {
			t.Errorf("%+v", l)
		}
		store.plan("create", refuse(session.ErrExists)) // another one was faster
		time.Sleep(3 * time.Hour)
		p.wantEvents(session.EventPurged, 3)
	})
}

func TestPurgeEveryTellsOnceThatItCannotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]process{
			"a store that cannot":               purging(t, bare{newProbe()}, 0),
			"an option that cannot":             purging(t, newProbe(), 0, session.PurgeShare(2)),
			"a store that finds out when asked": purging(t, newRows(0, func(int, int) (time.Duration, error) { return 0, errors.ErrUnsupported }), 0),
		} {
			time.Sleep(24 * time.Hour)
			failed := p.events.of(session.EventPurgeFailed)
			if len(failed) != 1 || !errors.Is(failed[0].Err, errors.ErrUnsupported) && !errors.Is(failed[0].Err, session.ErrInvalid) {
				t.Errorf("%s: %+v", name, failed)
			}
			p.stop()
		}
	})
}

// idle has Purge called of a store whose records leave by themselves.
type idle struct {
	session.Store
	t *testing.T
}

func (idle) PurgesItself() bool { return true }

func (s idle) Purge(context.Context, time.Time, int) (int, error) {
	s.t.Error("it was purged")
	return 0, nil
}

func TestPurgeEveryCostsAStoreNothingThatNeedsNoPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newProbe()
		p := purging(t, idle{inner, t}, 0)
		time.Sleep(24 * time.Hour)
		p.stop()
		if calls := inner.took(); len(calls) != 0 {
			t.Errorf("calls: %v", calls)
		}
		if !session.NewMemoryStore(session.MemoryOptions{}).PurgesItself() {
			t.Error("the memory store wants purges")
		}
	})
}

func TestPurgeEveryOfTheLongestIntervalPurgesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		store := newRows(10, func(batch, _ int) (time.Duration, error) {
			if batch == 10 {
				cancel()
			}
			return 0, nil
		})
		newSite(t, session.Options{Store: store}).m.PurgeEvery(ctx, math.MaxInt64)
		if n := store.asked(); n != 1 {
			t.Errorf("%d batches in a day", n)
		}
	})
}

package cacheddb_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestEntriesBeyondMaxPendingAreNotTrusted(t *testing.T) {
	bubble(t, cacheddb.Options{MaxPending: 2, RecheckAge: time.Hour}, func(f *fixture) {
		var ids []session.ID
		var recs []session.Record
		for range 4 {
			id, rec := f.warm()
			ids, recs = append(ids, id), append(recs, rec)
		}
		f.cache.fail("Remove", "Replace")
		for i := range ids {
			if i%2 == 0 {
				f.ok("Update", f.Update(f.Context(), ids[i], next(recs[i]), 1))
			} else {
				f.fails("Delete", f.Delete(f.Context(), ids[i], 1), session.ErrPending)
			}
			f.finds(ids[0], 2) // a success, so that the breaker stays closed
			synctest.Wait()
		}
		if f.Pending() != 2 {
			f.Fatalf("%d IDs are pending, want 2", f.Pending())
		}
		check := func() {
			f.finds(ids[0], 2)
			f.lacks(ids[1])
			f.finds(ids[2], 2)
			f.lacks(ids[3])
		}
		check()
		f.recovers()
		check()

		// An entry that only the database may judge is not served without it.
		other, _ := f.stored()
		f.ok("Update", f.truth.Store.Update(f.Context(), ids[2], next(next(recs[2])), 2))
		f.truth.fail()
		_, err := f.Load(f.Context(), other)
		f.fails("Load", err, errDown)
		f.truth.heal()
		time.Sleep(2 * cacheddb.ClockMargin)
		f.finds(other, 1)
		f.finds(other, 1)
	})
}

func TestEntryThatDidNotFitIsNotServedWithoutTheDatabase(t *testing.T) {
	bubble(t, cacheddb.Options{MaxPending: 1, RecheckAge: time.Hour}, func(f *fixture) {
		one, oneRec := f.warm()
		two, _ := f.warm()
		f.cache.fail("Remove", "Replace")
		f.ok("Update", f.Update(f.Context(), one, next(oneRec), 1))
		f.fails("Delete", f.Delete(f.Context(), two, 1), session.ErrPending)
		f.fails("Delete", f.Delete(f.Context(), two, 1), session.ErrPending)
		if n := strings.Count(f.events.took(), "pending"); n != 2 {
			f.Fatalf("%d events, want one for the ID and one that there is no more room", n)
		}
		f.cached(two, 1)
		f.truth.fail()
		_, err := f.Load(f.Context(), two)
		f.fails("Load", err, errDown)
		f.truth.heal()
		f.lacks(two)
		f.recovers()
	})
}

func TestNothingRunsWhileNothingIsPending(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		if f.Repairing() {
			f.Fatal("a goroutine runs before there is anything to repair")
		}
		for i := range uint64(3) {
			f.cache.fail("Replace", "Remove")
			rec = next(rec)
			f.ok("Update", f.Update(f.Context(), id, rec, i+1))
			if !f.Repairing() {
				f.Fatal("no goroutine runs")
			}
			f.cache.heal()
			time.Sleep(time.Minute)
			f.idle()
		}
	})
}

// A write during the removal of an earlier one must not be taken for made good.
func TestRemovalSettlesOnlyWhatCameBeforeIt(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("Replace", "Remove")
		rec = next(rec)
		f.ok("Update", f.Update(f.Context(), id, rec, 1))
		synctest.Wait()
		f.cache.heal()
		f.cache.after(func(call string) {
			f.cache.after(nil)
			f.cache.fail("Replace", "Remove")
			f.ok("Update", f.Update(f.Context(), id, next(rec), 2))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if f.Pending() != 1 {
			f.Fatal("the second update is forgotten")
		}
		f.recovers()
	})
}

func TestRemovalDoesNotWaitForADatabaseThatIsDown(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		doubtful, rec := f.warm()
		f.truth.fail("Update", "Load")
		f.fails("Update", f.Update(f.Context(), doubtful, next(rec), 1), errDown)
		time.Sleep(5 * time.Minute) // the database is asked every 30 seconds by now
		f.truth.fail("Load")
		id, rec := f.stored()
		f.cache.fail("Replace", "Remove")
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		synctest.Wait()
		f.cache.heal()
		time.Sleep(time.Second)
		synctest.Wait()
		if f.Pending() != 1 {
			f.Fatalf("%d IDs are pending, want the one in doubt", f.Pending())
		}
		f.truth.heal()
		f.recovers()
	})
}

func TestCloseRemovesWhatIsPendingAndEndsTheGoroutine(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail()
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.fails("Close", f.Close(f.Context()), session.ErrPending)
		if f.Repairing() {
			f.Fatal("the goroutine runs on")
		}
		f.finds(id, 2)
		f.fails("Delete", f.Delete(f.Context(), id, 2), session.ErrPending)
		f.lacks(id)
		if f.Repairing() {
			f.Fatal("a new goroutine runs")
		}
		f.cache.heal()
		f.ok("Close", f.Close(f.Context()))
		f.cached(id, 0)
		f.ok("Close", f.Close(f.Context()))
	})
}

func TestCloseDoesNotWaitBeyondItsContext(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1, CacheTimeout: 5 * time.Second}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail()
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.cache.hang()
		ctx, cancel := context.WithTimeout(f.Context(), 2*time.Second)
		defer cancel()
		f.within(2*time.Second, func() {
			err := f.Close(ctx)
			f.fails("Close", err, session.ErrPending)
			f.fails("Close", err, context.DeadlineExceeded)
		})
		f.cache.heal()
		f.ok("Close", f.Close(f.Context()))
	})
}

func TestCloseOfAStoreThatDidNothing(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) { f.ok("Close", f.Close(f.Context())) })
}

func TestEventsNameTheIDAndTheCause(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.fail("Remove")
		f.fails("Delete", f.Delete(f.Context(), id, 1), session.ErrPending)
		f.events.mu.Lock()
		defer func() { f.events.mu.Unlock(); f.recovers() }()
		for i, want := range []session.Event{
			{Kind: session.EventCacheError, ID: id, Op: "delete", Err: errDown},
			{Kind: session.EventPending, ID: id, Op: "delete"},
		} {
			if f.events.events[i] != want {
				f.Errorf("event %d is %+v, want %+v", i, f.events.events[i], want)
			}
		}
	})
}

func TestMalformedIDIsNeverPending(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		f.cache.fail()
		rec := storetest.NewRecord("bob")
		f.fails("Update", f.Update(f.Context(), "x", next(rec), 1), session.ErrNotFound)
		_ = f.Delete(f.Context(), "x", 1)
		f.idle()
	})
}

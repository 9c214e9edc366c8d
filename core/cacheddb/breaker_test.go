package cacheddb_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

func TestFrozenCacheIsLeftAloneAfterAFewTimeOuts(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.hang()
		for range 3 {
			f.within(time.Second, func() { f.finds(id, 1) })
		}
		f.took("Get Get Get", "Load Load Load")
		f.heard("cache error, cache error, cache error, cache down")

		f.within(0, func() {
			f.finds(id, 1)
			f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
			f.finds(id, 2)
			f.ok("Touch", f.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 2))
			f.fails("Delete", f.Delete(f.Context(), id, 2), session.ErrPending)
			f.lacks(id)
		})
		f.took("", "Load Update Load Touch Delete Load")
		f.heard("pending") // once for the ID, and no error for each call
		f.recovers()
	})
}

// recovers heals the cache and waits until it is used again.
func (f *fixture) recovers() {
	f.Helper()
	f.cache.heal()
	time.Sleep(time.Minute)
	f.idle()
	f.cache.took()
	f.truth.took()
	f.events.took()
}

func TestOneSuccessBetweenFailuresKeepsTheBreakerClosed(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 2}, func(f *fixture) {
		id, _ := f.warm()
		for range 5 {
			f.cache.fail("Get")
			f.finds(id, 1)
			f.cache.heal()
			f.finds(id, 1)
			f.took("Get Get", "Load")
		}
		f.heard(strings.TrimSuffix(strings.Repeat("cache error, ", 5), ", "))
	})
}

func TestWriteWaitsForAFrozenCacheOnce(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.hang()
		f.within(time.Second, func() { f.ok("Update", f.Update(f.Context(), id, next(rec), 1)) })
		synctest.Wait()
		f.took("Replace Remove", "Update") // the removal is the background's, and hangs
		f.recovers()
	})
}

func TestUsersNeverWaitForTheProbe(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.hang()
		f.finds(id, 1)
		f.took("Get", "Load")
		time.Sleep(time.Second) // the probe begins, and hangs
		synctest.Wait()
		f.took("Remove", "")
		f.within(0, func() {
			for range 10 {
				f.finds(id, 1)
			}
		})
		if got := f.cache.took(); got != "" {
			f.Fatalf("the cache was asked %q", got)
		}
		f.recovers()
	})
}

func TestProbeGivesUpAtTheFirstFailure(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		f.cache.fail()
		for range 5 {
			id, rec := f.stored()
			f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		}
		synctest.Wait()
		f.cache.took()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := f.cache.took(); got != "Remove" {
			f.Fatalf("the cache was asked %q, want one removal", got)
		}
		f.recovers()
	})
}

func TestProbesComeAtGrowingIntervals(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.fail()
		f.finds(id, 1)
		f.cache.took()
		began := time.Now()
		var at []time.Duration
		f.cache.before(func(string) { at = append(at, time.Since(began)) })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		f.cache.before(nil)
		want := []time.Duration{1, 3, 7, 15, 31, 61, 91}
		if len(at) != len(want) {
			f.Fatalf("probes at %v, want %v seconds", at, want)
		}
		for i := range want {
			if at[i] != want[i]*time.Second {
				f.Fatalf("probes at %v, want %v seconds", at, want)
			}
		}
		f.heard("cache error, cache down")
		f.recovers()
	})
}

func TestCacheThatComesBackIsFirstRepairedThenRechecked(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1, RecheckAge: time.Hour}, func(f *fixture) {
		id, rec := f.warm()
		untouched, _ := f.warm()
		foreign, foreignRec := f.warm()
		f.cache.fail()
		f.finds(untouched, 1)
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.heard("cache error, cache down, pending")
		// Another process has no more luck.
		f.ok("Update", f.truth.Store.Update(f.Context(), foreign, next(foreignRec), 1))
		f.cache.took()
		f.truth.took()

		f.cache.heal()
		f.cache.before(func(call string) {
			if call != "Remove" {
				return
			}
			f.cache.before(nil)
			f.finds(id, 2) // still by the database alone
			f.finds(foreign, 2)
		})
		time.Sleep(time.Second)
		f.idle()
		f.took("Remove", "Load Load")
		f.heard("cache up")
		f.cached(id, 0)

		f.finds(foreign, 2)
		f.finds(untouched, 1)
		f.took("Get Refresh Get Refresh", "Load Load")
		time.Sleep(cacheddb.ClockMargin) // entries of this time might be of a clock that is ahead
		f.finds(foreign, 2)
		f.finds(untouched, 1)
		f.took("Get Refresh Get Refresh", "Load Load")
		f.finds(foreign, 2)
		f.finds(untouched, 1)
		f.took("Get Get", "")
	})
}

func TestCacheThatComesBackWithoutTheDatabaseStillServesReads(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.fail()
		f.finds(id, 1)
		f.cache.heal()
		time.Sleep(time.Second)
		f.idle()
		f.truth.fail()
		f.finds(id, 1)
		f.events.took()
	})
}

func TestBreakerStaysOpenUntilRemovalsGetThrough(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("Get", "Replace", "Remove")
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.cache.fail("Remove")
		time.Sleep(10 * time.Second)
		f.cache.took()
		f.truth.took()
		f.finds(id, 2)
		f.took("", "Load")
		f.recovers()
		f.cached(id, 0)
	})
}

func TestCallerThatLeavesTellsNothingAboutTheCache(t *testing.T) {
	bubble(t, cacheddb.Options{BreakerFailures: 1}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.hang()
		ctx, cancel := context.WithTimeout(f.Context(), 400*time.Millisecond)
		defer cancel()
		_, err := f.Load(ctx, id)
		f.fails("Load", err, context.DeadlineExceeded)
		f.heard("")
		// But if it has waited for long, it does.
		ctx, cancel = context.WithTimeout(f.Context(), 600*time.Millisecond)
		defer cancel()
		_, err = f.Load(ctx, id)
		f.fails("Load", err, context.DeadlineExceeded)
		f.heard("cache error, cache down")
		f.recovers()
	})
}

func TestLoadsThatWaitTogetherOpenTheBreakerOnce(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.hang()
		var loads sync.WaitGroup
		f.within(time.Second, func() {
			for range 50 {
				loads.Go(func() { f.finds(id, 1) })
			}
			loads.Wait()
		})
		if n := strings.Count(f.events.took(), "cache down"); n != 1 {
			f.Fatalf("%d times the cache was said to be down", n)
		}
		f.recovers()
	})
}

package cacheddb_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestWarmLoadAsksTheCacheOnce(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		for range 3 {
			f.finds(id, 1)
		}
		f.took("Get Get Get", "")
	})
}

func TestReadTruthLeavesTheCacheAloneAndTellsItOfWrites(t *testing.T) {
	bubble(t, cacheddb.Options{ReadTruth: true}, func(f *fixture) {
		full := f.another(cacheddb.Options{})
		id, rec := f.stored()
		f.finds(id, 1)
		f.took("", "Load")
		_, err := full.Load(f.Context(), id)
		f.ok("Load of another process", err)
		f.took("Get AddLease Fill", "Load")
		f.finds(id, 1)
		f.took("", "Load")
		f.cached(id, 1)

		f.ok("Touch", f.Touch(f.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1))
		f.took("RaiseTimes", "Touch")
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.took("Remove", "Update")
		f.cached(id, 0)
		f.ok("Delete", f.Delete(f.Context(), id, 2))
		f.took("Remove", "Delete")
		f.lacks(id)
		f.took("", "Load")
	})
}

func TestReadTruthLeavesNothingThatLooksCheckedBesideTheDatabaseAlone(t *testing.T) {
	for name, told := range map[string]func(*fixture, session.ID, session.Record) error{
		"by an update": func(f *fixture, id session.ID, rec session.Record) error {
			rec = next(rec)
			rec.LastSeen = time.Now()
			return f.Update(f.Context(), id, rec, 1)
		},
		"by a fresh load": func(f *fixture, id session.ID, rec session.Record) error {
			f.ok("Update of the database alone", f.truth.Update(f.Context(), id, next(rec), 1))
			_, err := f.LoadFresh(f.Context(), id)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cacheddb.Options{ReadTruth: true}, func(f *fixture) {
				full := f.another(cacheddb.Options{})
				id, rec := f.stored()
				_, err := full.Load(f.Context(), id)
				f.ok("Load of an earlier cached_db", err)
				time.Sleep(10 * time.Minute)
				f.ok(name, told(f, id, rec))
				f.ok("Delete of the database alone", f.truth.Delete(f.Context(), id, 2))
				_, err = full.Load(f.Context(), id)
				f.fails("Load of a later cached_db", err, session.ErrNotFound)
			})
		})
	}
}

func TestReadTruthDoesNotServeWhatTheDatabaseCannotConfirm(t *testing.T) {
	bubble(t, cacheddb.Options{ReadTruth: true}, func(f *fixture) {
		full := f.another(cacheddb.Options{})
		id, _ := f.stored()
		_, err := full.Load(f.Context(), id)
		f.ok("Load of another process", err)
		f.truth.fail()
		_, err = f.Load(f.Context(), id)
		f.fails("Load", err, errDown)
		f.truth.heal()
	})
}

func TestUnknownIDLeavesNothingButALease(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id := storetest.NewID()
		f.lacks(id)
		f.took("Get AddLease", "Load")
		f.cached(id, 0)
		if ok, err := f.cache.Cache.AddLease(f.Context(), id, session.Lease{1}, time.Second); ok || err != nil {
			f.Fatalf("AddLease: %v, %v; want the lease of the load to be there", ok, err)
		}
		time.Sleep(10 * time.Second)
		if ok, err := f.cache.Cache.AddLease(f.Context(), id, session.Lease{1}, time.Second); !ok || err != nil {
			f.Fatalf("AddLease: %v, %v; want the lease of the load to be gone", ok, err)
		}
	})
}

func TestMalformedIDReachesNeitherTier(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		f.lacks("../../etc/passwd")
		_, err := f.LoadFresh(f.Context(), "\x00")
		f.fails("LoadFresh", err, session.ErrNotFound)
		f.took("", "")
	})
}

func TestEndedContextReachesNeitherTier(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		_, err := f.Load(ctx, id)
		f.fails("Load", err, context.Canceled)
		_, err = f.LoadFresh(ctx, id)
		f.fails("LoadFresh", err, context.Canceled)
		f.fails("Update", f.Update(ctx, id, next(rec), 1), context.Canceled)
		f.fails("Touch", f.Touch(ctx, id, rec.LastSeen, rec.Expires, 1), context.Canceled)
		f.fails("Delete", f.Delete(ctx, id, 1), context.Canceled)
		f.took("", "")
		f.heard("")
	})
}

func TestLoadFillsTheCacheAlthoughItsCallerWentAway(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.stored()
		ctx, cancel := context.WithCancel(f.Context())
		f.truth.after(func(string) { cancel() })
		_, _ = f.Load(ctx, id)
		f.cached(id, 1)
	})
}

func TestEntryIsRecheckedOnceItIsOld(t *testing.T) {
	bubble(t, cacheddb.Options{RecheckAge: 20 * time.Second}, func(f *fixture) {
		id, rec := f.warm()
		// A process that died after its first write leaves this behind.
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1))
		time.Sleep(20*time.Second - time.Microsecond)
		f.finds(id, 1)
		f.took("Get", "")
		time.Sleep(time.Microsecond)
		f.finds(id, 2)
		f.took("Get Refresh", "Load")
		f.finds(id, 2)
		f.took("Get", "")
	})
}

func TestEntryFromTheFutureIsRechecked(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.stored()
		place := func(checked time.Time) {
			f.ok("Remove", f.cache.Cache.Remove(f.Context(), id))
			_, err := f.cache.Cache.AddLease(f.Context(), id, session.Lease{1}, time.Hour)
			f.ok("AddLease", err)
			f.ok("Fill", f.cache.Cache.Fill(f.Context(), id, session.Lease{1}, session.Cached{Record: rec, Checked: checked}))
		}
		place(time.Now().Add(cacheddb.ClockMargin))
		f.finds(id, 1)
		f.took("Get", "")
		place(time.Now().Add(cacheddb.ClockMargin + time.Second))
		f.finds(id, 1)
		f.took("Get Refresh", "Load")
	})
}

// Whoever may write to the cache can raise the version of an entry. No update
// replaces it then; a delete removes it, and a re-check does what it always does.
func TestEntryOfARaisedVersionLastsUntilItIsRechecked(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		raised := func() (session.ID, session.Record) {
			id, rec := f.stored()
			entry := rec
			entry.Version = 1000
			_, err := f.cache.Cache.AddLease(f.Context(), id, session.Lease{1}, time.Hour)
			f.ok("AddLease", err)
			f.ok("Fill", f.cache.Cache.Fill(f.Context(), id, session.Lease{1}, session.Cached{Record: entry, Checked: time.Now()}))
			return id, rec
		}
		id, rec := raised()
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.finds(id, 1000)
		time.Sleep(time.Minute)
		f.finds(id, 2)
		f.cached(id, 2)
		id, _ = raised()
		f.ok("Delete", f.Delete(f.Context(), id, 1))
		f.lacks(id)
	})
}

func TestRecheckThatFindsNothingRemovesTheEntry(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 1))
		time.Sleep(time.Minute)
		f.lacks(id)
		f.took("Get Remove", "Load")
		f.cached(id, 0)
	})
}

func TestEntryThatLooksExpiredIsAskedOfTheDatabase(t *testing.T) {
	for name, end := range map[string]func(*session.Record){
		"idle":     func(r *session.Record) { r.Expires = time.Now().Add(10 * time.Second) },
		"lifetime": func(r *session.Record) { r.LifetimeEnd = time.Now().Add(10 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cacheddb.Options{}, func(f *fixture) {
				id, rec := f.warm()
				short := next(rec)
				end(&short)
				f.ok("Update", f.Update(f.Context(), id, short, 1))
				f.took("Replace", "Update")
				time.Sleep(10*time.Second - time.Microsecond)
				f.finds(id, 2)
				f.took("Get", "")
				time.Sleep(time.Microsecond)
				f.finds(id, 2)
				f.took("Get Refresh", "Load")

				f.truth.fail()
				_, err := f.Load(f.Context(), id)
				f.fails("Load", err, errDown)
			})
		})
	}
}

func TestTouchOfAnotherProcessThatTheCacheMissedIsFound(t *testing.T) {
	bubble(t, cacheddb.Options{RecheckAge: 24 * time.Hour}, func(f *fixture) {
		id, rec := f.warm()
		f.ok("Touch", f.truth.Store.Touch(f.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1))
		time.Sleep(time.Hour + time.Second)
		got, err := f.Load(f.Context(), id)
		f.ok("Load", err)
		if !got.Expires.Equal(rec.Expires.Add(time.Minute)) {
			f.Fatalf("expires at %v, want the database's %v", got.Expires, rec.Expires.Add(time.Minute))
		}
	})
}

func TestReadsGoOnWhileTheDatabaseIsDown(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		cold, _ := f.stored()
		f.truth.fail()

		f.finds(id, 1)
		f.took("Get", "")
		time.Sleep(time.Minute)
		f.finds(id, 1)
		f.took("Get", "Load")
		f.heard("store error")
		for range 3 {
			f.finds(id, 1)
		}
		f.took("Get Get Get", "")
		time.Sleep(time.Second)
		f.finds(id, 1)
		f.took("Get", "Load")
		f.heard("store error")

		_, err := f.Load(f.Context(), cold)
		f.fails("a cold load", err, errDown)
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), errDown)
		if err := f.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 1); err == nil {
			f.Error("a touch that the database did not take is no error")
		}
		f.fails("Delete", f.Delete(f.Context(), id, 1), errDown)
		f.fails("Create", f.Create(f.Context(), storetest.NewID(), rec), errDown)
		f.finds(id, 1)

		f.truth.heal()
		time.Sleep(time.Minute)
		f.cache.took()
		f.truth.took()
		f.finds(id, 1)
		f.finds(id, 1)
		f.took("Get Refresh Get", "Load")
	})
}

func TestRecheckWaitsForAFrozenDatabaseOneLoadAtATime(t *testing.T) {
	bubble(t, cacheddb.Options{RecheckTimeout: 2 * time.Second}, func(f *fixture) {
		id, _ := f.warm()
		time.Sleep(time.Minute)
		f.truth.hang()
		f.within(2*time.Second, func() { f.finds(id, 1) })
		f.within(0, func() { f.finds(id, 1) })
		time.Sleep(time.Second)
		f.truth.took()

		var loads sync.WaitGroup
		loads.Go(func() { f.within(2*time.Second, func() { f.finds(id, 1) }) })
		synctest.Wait()
		f.within(0, func() {
			for range 5 {
				f.finds(id, 1)
			}
		})
		loads.Wait()
		if got := f.truth.took(); got != "Load" {
			f.Fatalf("the database was asked %q, want one load", got)
		}
	})
}

func TestCallerThatLeavesTellsNothingAboutTheDatabase(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(f.Context())
		f.truth.before(func(string) { cancel() })
		f.truth.hang()
		_, _ = f.Load(ctx, id)
		f.heard("")
		f.truth.before(nil)
		f.truth.heal()
		f.truth.took()
		f.finds(id, 1)
		f.finds(id, 1)
		if got := f.truth.took(); got != "Load" {
			f.Fatalf("the database was asked %q, want one load", got)
		}
	})
}

func TestAnswerOfTheDatabaseThatItsRecordIsUnreadableIsAnAnswer(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		time.Sleep(time.Minute)
		f.truth.fails = map[string]error{"Load": session.ErrUndecodable}
		_, err := f.Load(f.Context(), id)
		f.fails("Load", err, session.ErrUndecodable)
		f.cached(id, 0)
		f.heard("")
	})
}

func TestLoadFreshReadsTheDatabaseAndCorrectsTheCache(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1))
		f.finds(id, 1)
		f.took("Get", "")
		fresh, err := f.LoadFresh(f.Context(), id)
		f.ok("LoadFresh", err)
		if fresh.Version != 2 {
			f.Fatalf("LoadFresh found version %d, want 2", fresh.Version)
		}
		f.took("Replace", "Load")
		f.finds(id, 2)
		f.took("Get", "")

		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 2))
		_, err = f.LoadFresh(f.Context(), id)
		f.fails("LoadFresh", err, session.ErrNotFound)
		f.took("Remove", "Load")
		f.cached(id, 0)
	})
}

func TestAPanicInARecheckOrTouchIsNotTheLast(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		time.Sleep(2 * time.Minute)
		f.truth.fail()
		f.finds(id, 1) // as it is
		f.truth.heal()
		for _, call := range []func(){
			func() { _, _ = f.Load(f.Context(), id) },
			func() { _ = f.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 1) },
		} {
			time.Sleep(time.Minute)
			f.truth.before(func(string) { panic("driver") })
			func() {
				defer func() {
					if recover() == nil {
						f.Error("it did not panic")
					}
				}()
				call()
			}()
			f.truth.before(nil)
		}
		f.took("Get Get", "Load Load Touch")
		time.Sleep(time.Minute)
		f.finds(id, 1)
		f.took("Get Refresh", "Load")
	})
}

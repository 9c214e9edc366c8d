package cacheddb_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestEachWriteIsOneCallOfEachTier(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		f.ok("Create", f.Create(f.Context(), id, rec))
		f.took("", "Create")
		f.finds(id, 1)
		f.took("Get AddLease Fill", "Load")

		f.ok("Touch", f.Touch(f.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1))
		f.took("RaiseTimes", "Touch")
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		f.took("Replace", "Update")
		f.finds(id, 2)
		f.took("Get", "")

		f.fails("Delete", f.Delete(f.Context(), id, 1), session.ErrConflict)
		f.took("", "Delete")
		f.ok("Delete", f.Delete(f.Context(), id, 2))
		f.took("Remove", "Delete")
		f.lacks(id)
		f.heard("")
	})
}

func TestFailedUpdateTellsTheCacheWhatItLearned(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1))
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), session.ErrConflict)
		f.took("", "Update")
		for _, refusal := range []error{session.ErrTooLarge, session.ErrFull, session.ErrInvalid} {
			f.truth.fails = map[string]error{"Update": refusal}
			f.fails("Update", f.Update(f.Context(), id, next(rec), 1), refusal)
			f.took("", "Update")
			f.idle()
		}
		f.truth.heal()
		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 2))
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), session.ErrNotFound)
		f.took("Remove", "Update")
		f.lacks(id)
	})
}

// The database keeps the later LastSeen, and the entry would not.
func TestUpdateThatBringsAnOldLastSeenRemovesTheEntry(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		time.Sleep(10 * time.Minute)
		seen := storetest.Now()
		f.ok("Touch", f.Touch(f.Context(), id, seen, rec.Expires, 1))
		late := next(rec)
		late.LastSeen = rec.LastSeen
		f.ok("Update", f.Update(f.Context(), id, late, 1))
		f.took("RaiseTimes Remove", "Touch Update")
		got, err := f.Load(f.Context(), id)
		f.ok("Load", err)
		if !got.LastSeen.Equal(seen) {
			f.Fatalf("last seen at %v, want %v", got.LastSeen, seen)
		}
	})
}

func TestClientThatGoesAwayLeavesNoOldEntry(t *testing.T) {
	for name, write := range map[string]func(*fixture, context.Context, session.ID, session.Record) error{
		"update": func(f *fixture, ctx context.Context, id session.ID, rec session.Record) error {
			return f.Update(ctx, id, next(rec), 1)
		},
		"delete": func(f *fixture, ctx context.Context, id session.ID, _ session.Record) error {
			return f.Delete(ctx, id, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, cacheddb.Options{}, func(f *fixture) {
				id, rec := f.warm()
				ctx, cancel := context.WithCancel(f.Context())
				f.truth.after(func(string) { cancel() })
				f.ok(name, write(f, ctx, id, rec))
				f.truth.after(nil)
				if e, err := f.cache.Cache.Get(f.Context(), id); err == nil && e.Record.Version == 1 {
					f.Fatal("the cache has the old entry")
				}
			})
		})
	}
}

func TestUpdateThatTheCacheMissesIsMadeGoodInTheBackground(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("Replace", "Remove")
		f.ok("Update", f.Update(f.Context(), id, next(rec), 1))
		synctest.Wait()
		f.heard("cache error, pending, cache error")
		f.cached(id, 1)
		f.took("Replace Remove Remove", "Update")

		f.finds(id, 2)
		f.took("", "Load") // the cache is not asked about this ID
		other, _ := f.stored()
		f.finds(other, 1)
		f.finds(other, 1)
		f.took("Get AddLease Fill Get", "Load") // but about others

		f.cache.heal()
		time.Sleep(time.Second)
		f.idle()
		f.cached(id, 0)
		f.took("Remove", "")
		f.finds(id, 2)
		f.finds(id, 2)
		f.took("Get AddLease Fill Get", "Load")
		f.heard("")
	})
}

func TestDeleteThatTheCacheMissesIsPending(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.cache.fail("Remove")
		f.fails("Delete", f.Delete(f.Context(), id, 1), session.ErrPending)
		synctest.Wait()
		f.heard("cache error, pending, cache error")
		f.lacks(id)
		f.cached(id, 1)
		f.cache.heal()
		time.Sleep(time.Second)
		f.idle()
		f.cached(id, 0)
		f.lacks(id)
	})
}

// With a full Redis, writes fail and removals do not; another process must not
// see the old entry even for a moment.
func TestFullCacheLosesTheEntryAtOnce(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("AddLease", "Fill", "Replace", "RaiseTimes", "Refresh")
		for v := range uint64(5) {
			rec = next(rec)
			f.ok("Update", f.Update(f.Context(), id, rec, v+1))
			f.cached(id, 0)
			f.finds(id, v+2)
			f.took("Replace Remove Get AddLease", "Update Load")
			f.heard("cache error, cache error")
			f.idle()
		}
	})
}

func TestTouchThatTheCacheMissesIsNotPending(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("RaiseTimes")
		f.ok("Touch", f.Touch(f.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1))
		f.took("RaiseTimes", "Touch")
		f.heard("cache error")
		f.idle()
		f.finds(id, 1)
		f.took("Get", "")
	})
}

func TestUpdateOfUnknownOutcomePutsTheEntryInDoubt(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1)) // it took effect,
		f.truth.fail("Update")                                              // and the answer was lost
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), errDown)
		f.cached(id, 1)
		synctest.Wait()
		f.took("", "Update")

		f.finds(id, 2) // this process asks the database
		f.took("Get Refresh", "Load")
		time.Sleep(time.Second) // for the others it is settled in the background
		f.idle()
		f.took("Replace", "Load")
		f.finds(id, 2)
		f.took("Get", "")
		f.heard("")
	})
}

func TestDeleteOfUnknownOutcomePutsTheEntryInDoubt(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 1))
		f.truth.fail("Delete")
		f.fails("Delete", f.Delete(f.Context(), id, 1), errDown)
		f.cached(id, 1)
		f.lacks(id)
		f.took("Get Remove", "Delete Load")
		time.Sleep(time.Second)
	})
}

// What the cache is known to lack outweighs what is not known.
func TestOldEntryIsNotServedAfterAFurtherUpdateOfUnknownOutcome(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.cache.fail("Replace", "Remove")
		two := next(rec)
		f.ok("Update", f.Update(f.Context(), id, two, 1))
		f.truth.fail()
		f.fails("Update", f.Update(f.Context(), id, next(two), 2), errDown)
		f.cached(id, 1)
		_, err := f.Load(f.Context(), id)
		f.fails("Load", err, errDown)
		f.truth.heal()
		f.recovers()
	})
}

// What was read before a write must not count as checked after it.
func TestEntriesAreAsOldAsTheQuestion(t *testing.T) {
	bubble(t, cacheddb.Options{RecheckTimeout: time.Minute}, func(f *fixture) {
		id, rec := f.stored()
		f.truth.before(func(string) { time.Sleep(5 * time.Second) })
		for _, do := range []func(){
			func() { f.finds(id, 1) },
			func() { f.ok("Update", f.Update(f.Context(), id, next(rec), 1)) },
			func() { time.Sleep(time.Minute); f.finds(id, 2) },
		} {
			do()
			e, err := f.cache.Cache.Get(f.Context(), id)
			f.ok("Get", err)
			if want := storetest.Now().Add(-5 * time.Second); !e.Checked.Equal(want) {
				f.Fatalf("version %d was checked at %v, want %v", e.Record.Version, e.Checked, want)
			}
		}
	})
}

func TestDoubtIsSettledByTheBackgroundForOtherProcesses(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		other := f.another(cacheddb.Options{})
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1))
		f.truth.fail("Update")
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), errDown)
		time.Sleep(time.Second)
		f.idle()
		if got, err := other.Load(f.Context(), id); err != nil || got.Version != 2 {
			f.Fatalf("the other process found version %d, %v", got.Version, err)
		}
	})
}

func TestEntryInDoubtIsServedWhileTheDatabaseIsDown(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, rec := f.warm()
		f.truth.fail()
		f.fails("Update", f.Update(f.Context(), id, next(rec), 1), errDown)
		f.fails("Delete", f.Delete(f.Context(), id, 1), errDown)
		f.finds(id, 1)
		time.Sleep(10 * time.Minute)
		f.finds(id, 1)
		f.truth.heal()
		time.Sleep(time.Minute)
		f.idle()
		f.cache.took()
		f.truth.took()
		f.finds(id, 1)
		f.took("Get Refresh", "Load")
	})
}

func TestDeleteOfUnknownOutcomeIsSettledByLoadFresh(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 1))
		f.truth.fail("Delete")
		f.fails("Delete", f.Delete(f.Context(), id, 1), errDown)
		_, err := f.LoadFresh(f.Context(), id)
		f.fails("LoadFresh", err, session.ErrNotFound)
		if errors.Is(err, session.ErrPending) {
			f.Fatalf("LoadFresh: %v, although the cache was told", err)
		}
		if f.Pending() != 0 {
			f.Fatal("the doubt remains")
		}
		f.cached(id, 0)
		time.Sleep(time.Second)
	})
}

func TestLoadFreshTellsThatTheCacheIsBehind(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		id, _ := f.warm()
		f.ok("Delete", f.truth.Store.Delete(f.Context(), id, 1))
		f.cache.fail("Remove")
		_, err := f.LoadFresh(f.Context(), id)
		f.fails("LoadFresh", err, session.ErrNotFound)
		f.fails("LoadFresh", err, session.ErrPending)
		f.lacks(id)
		f.cache.heal()
		time.Sleep(time.Second)
		f.idle()
	})
}

// A Store may be the truth of another: a near cache before it.
func TestStoreOverAStorePassesOnWhatIsPending(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		near := &tappedCache{Cache: session.NewMemoryStore(session.MemoryOptions{})}
		both := cacheddb.New(near, f.Store, cacheddb.Options{Events: f.events})
		id, rec := f.stored()
		_, err := both.Load(f.Context(), id)
		f.ok("Load", err)
		f.ok("Update", f.truth.Store.Update(f.Context(), id, next(rec), 1))
		fresh, err := both.LoadFresh(f.Context(), id)
		f.ok("LoadFresh", err)
		if fresh.Version != 2 {
			f.Fatalf("LoadFresh found version %d, want 2", fresh.Version)
		}
		f.cache.fail("Remove")
		f.fails("Delete", both.Delete(f.Context(), id, 2), session.ErrPending)
		_, err = near.Cache.Get(f.Context(), id)
		f.fails("Get from the near cache", err, session.ErrNotFound)
		f.cache.heal()
		time.Sleep(time.Second)
	})
}

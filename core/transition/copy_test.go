package transition_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

func TestCopyMovesEveryLiveRecordWholeAndCountsTheRest(t *testing.T) {
	f := newFixture(t)
	ctx := f.Context()
	want := map[session.ID]session.Record{}
	for i := range 25 {
		id, rec := storetest.NewID(), storetest.NewRecord([]string{principal, ""}[i%2])
		rec.Version, rec.Payload = uint64(i+1), make([]byte, 100*i)
		if i%5 == 4 { // left by a renewal
			rec.Principal, rec.Payload, rec.MovedTo = "", nil, storetest.NewID()
		}
		f.ok("Create", f.old.Create(ctx, id, rec))
		want[id] = rec
	}
	barely, rec := storetest.NewID(), storetest.NewRecord(principal)
	rec.Expires = storetest.Now().Add(-time.Minute) // by a clock that may be wrong
	f.ok("Create", f.old.Create(ctx, barely, rec))
	want[barely] = rec
	ended, _ := f.stored(f.old)
	f.ok("Delete", f.first.Delete(ctx, ended, 1))
	f.migrated()
	expired, rec := storetest.NewID(), storetest.NewRecord(principal) // last: a memory store that creates drops what has expired
	rec.Expires = storetest.Now().Add(-time.Hour)
	f.ok("Create", f.old.Create(ctx, expired, rec))

	var shown []transition.Report
	dry := f.copy(transition.CopyOptions{DryRun: true, Batch: 10, Progress: func(r transition.Report) { shown = append(shown, r) }})
	for id := range want {
		f.holds(f.young, id, 0)
	}
	r := f.copy(transition.CopyOptions{Batch: 10, Parallel: 3})
	if !reflect.DeepEqual(r, transition.Report{Scanned: 29, Copied: 26, Migrated: 1, Ended: 1, Expired: 1}) || !reflect.DeepEqual(r, dry) {
		t.Fatalf("the copy says %+v, the dry run said %+v", r, dry)
	}
	if len(shown) < 3 || !reflect.DeepEqual(shown[len(shown)-1], dry) {
		t.Fatalf("progress was shown %d times: %+v", len(shown), shown)
	}
	for id, rec := range want {
		got, err := f.young.Load(ctx, id)
		f.ok("Load", err)
		if !reflect.DeepEqual(got, rec) && (len(rec.Payload) > 0 || len(got.Payload) > 0) {
			t.Fatalf("copied as %+v, want %+v", got, rec)
		}
	}
	f.holds(f.young, expired, 0)
	f.holds(f.old, expired, 1)
	again := f.copy(transition.CopyOptions{})
	if !again.Done() || again.Migrated != 27 {
		t.Fatalf("a second copy says %+v", again)
	}
}

func TestCopyAsksEachStoreAFewTimesForASession(t *testing.T) {
	f := newFixture(t)
	f.stored(f.old)
	f.calls = nil
	f.copy(transition.CopyOptions{})
	const apart = "new.Create old.Load new.Delete" // tells one place from two, once
	f.took(apart + " new.Create old.Load old.Update")
	f.copy(transition.CopyOptions{})
	f.took(apart)
}

func TestCopyGoesOnWhereAFailureEndedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		var all []session.ID
		for range 20 {
			id, _ := f.stored(f.old)
			all = append(all, id)
		}
		f.young.fails = func(call string, n int) error {
			if call == "Load" || call == "Create" && n > 10 {
				return errDown
			}
			return nil
		}
		r, err := transition.Copy(t.Context(), f.old, f.young, transition.CopyOptions{Parallel: 2})
		f.fails("Copy", err, errDown)
		if r.Copied == 0 || r.Copied == 20 || !strings.Contains(err.Error(), "transition: copy: ") {
			t.Fatalf("%+v, %v", r, err)
		}
		f.young.fails = nil
		if more := f.copy(transition.CopyOptions{}); r.Copied+more.Copied != 20 || more.Migrated != r.Copied {
			t.Fatalf("first %+v, then %+v", r, more)
		}
		for _, id := range all {
			f.holds(f.young, id, 1)
			f.holds(f.old, id, 0)
		}
	})
}

func TestCopyTriesAgainAfterAFailureThatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for call, nth := range map[string]int{"Create": 3, "Load": 2, "Update": 1, "Touch": 1} { // after those that tell one place from two
			f := newFixture(t)
			id, rec := f.stored(f.old)
			f.ok("Create", f.young.Create(t.Context(), id, rec))
			f.ok("Touch", f.old.Touch(t.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires, 1))
			once := func(c string, n int) error {
				if c == call && n == nth {
					return errDown
				}
				return nil
			}
			f.old.fails, f.young.fails = once, once
			r := f.copy(transition.CopyOptions{})
			if r.Copied != 1 || r.Retried == 0 && call != "Create" { // the answer of that does not matter
				t.Errorf("after a failure of %s: %+v", call, r)
			}
			f.holds(f.young, id, 1)
		}
	})
}

func TestCopyStopsAtOnceWhereTheNewStoreIsFull(t *testing.T) {
	old, full := memory(), session.NewMemoryStore(session.MemoryOptions{MaxRecords: 3})
	f := newFixture(t)
	for range 5 {
		f.stored(old)
	}
	r, err := transition.Copy(t.Context(), old, full, transition.CopyOptions{Parallel: 1})
	f.fails("Copy", err, session.ErrFull)
	if r.Copied != 3 || r.Retried != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestCopyLeavesWhatItCannotExplainAndSaysWhy(t *testing.T) {
	f := newFixture(t)
	ctx := f.Context()
	both := func(old, young session.Record) session.ID {
		id := storetest.NewID()
		f.ok("Create", f.old.Create(ctx, id, old))
		f.ok("Create", f.young.Create(ctx, id, young))
		return id
	}
	rec := storetest.NewRecord(principal)
	otherWrite := rec
	otherWrite.Mark[0]++
	why := map[session.ID]string{
		both(rec, next(rec)):               "version 1 in the old store, but 2 in the new one",
		both(rec, otherWrite):              "not by the same write",
		both(rec, transition.EndedMark(1)): "ended in the new one",
	}
	for range 2 {
		r := f.copy(transition.CopyOptions{})
		if r.Differing != 3 || len(r.Differences) != 3 || r.Done() {
			t.Fatalf("%+v", r)
		}
		for _, d := range r.Differences {
			if !strings.Contains(d.Why, why[d.ID]) || why[d.ID] == "" {
				t.Errorf("%+v, want %q", d, why[d.ID])
			}
			if strings.Contains(fmt.Sprint(d), "payload") || strings.Contains(d.Why, principal) {
				t.Errorf("a difference tells of the session: %+v", d)
			}
		}
	}
	for id := range why {
		f.holds(f.first, id, 1) // the old store goes on deciding
	}
	v, err := transition.Verify(ctx, f.old, f.young, transition.CopyOptions{})
	if f.ok("Verify", err); v.Differing != 3 {
		t.Fatalf("Verify says %+v", v)
	}
}

func TestCopyDoesNotRemoveWhatIsNewerThanAnExpiredRecord(t *testing.T) {
	f := newFixture(t)
	id, rec := storetest.NewID(), storetest.NewRecord(principal)
	f.ok("Create", f.young.Create(f.Context(), id, next(rec)))
	rec.Expires = storetest.Now().Add(-time.Hour)
	f.ok("Create", f.old.Create(f.Context(), id, rec))
	if r := f.copy(transition.CopyOptions{}); r.Differing != 1 || r.Removed != 0 {
		t.Fatalf("%+v", r)
	}
	f.holds(f.young, id, 2)
}

// aClient is another client of a server.
type aClient struct{ *session.MemoryStore }

func TestCopyRefusesToMoveAPlaceOntoItself(t *testing.T) {
	f := newFixture(t)
	id, _ := f.stored(f.old)
	_, err := transition.Copy(t.Context(), f.old, aClient{f.old.MemoryStore}, transition.CopyOptions{})
	f.fails("Copy", err, session.ErrInvalid)
	f.holds(f.old, id, 1)
	if page, _, err := f.old.Scan(t.Context(), "", 10); err != nil || len(page) != 1 {
		t.Errorf("%d records, %v", len(page), err)
	}
}

func TestCopyListsABoundedNumberOfDifferences(t *testing.T) {
	f := newFixture(t)
	for range transition.MaxDifferences + 5 {
		id, rec := f.stored(f.old)
		f.ok("Create", f.young.Create(f.Context(), id, next(rec)))
	}
	if r := f.copy(transition.CopyOptions{}); r.Differing != transition.MaxDifferences+5 || len(r.Differences) != transition.MaxDifferences {
		t.Fatalf("%d differ, %d are listed", r.Differing, len(r.Differences))
	}
}

// stalled is a store whose pages arrive late.
type stalled struct {
	*session.MemoryStore
	wait      time.Duration
	meanwhile func()
}

func (s *stalled) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	page, next, err := s.MemoryStore.Scan(ctx, after, limit)
	time.Sleep(s.wait)
	s.meanwhile()
	return page, next, err
}

// Another copier moves the session, which then expires and is purged.
func TestACopierThatStalledBringsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		id, rec := f.stored(f.old)
		slow := &stalled{f.old.MemoryStore, 10 * time.Minute, func() {
			_, err := transition.CopyOne(t.Context(), f.old, f.young, id)
			f.ok("Copy", err)
			short := next(rec)
			short.Expires = time.Now().Add(-time.Minute)
			f.ok("Update", f.first.Update(t.Context(), id, short, 1))
			n, err := f.first.Purge(t.Context(), time.Now(), 10)
			if f.ok("Purge", err); n != 1 {
				t.Fatalf("%d records were purged, want 1", n)
			}
		}}
		r, err := transition.Copy(t.Context(), slow, f.young, transition.CopyOptions{})
		f.ok("Copy", err)
		if r.Copied != 0 || r.Migrated != 1 {
			t.Fatalf("%+v", r)
		}
		f.holds(f.first, id, 0)
	})
}

func TestACopierTakesBackWhatTheOldStoreHasDroppedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		id, rec := f.stored(f.old)
		slow := &stalled{f.old.MemoryStore, 0, func() { f.ok("Delete", f.old.Delete(t.Context(), id, rec.Version)) }}
		r, err := transition.Copy(t.Context(), slow, f.young, transition.CopyOptions{})
		f.ok("Copy", err)
		if r.Copied != 0 || r.Removed != 1 {
			t.Fatalf("%+v", r)
		}
		f.holds(f.first, id, 0)
	})
}

func TestCopyEndsWithItsContext(t *testing.T) {
	f := newFixture(t)
	for range 10 {
		f.stored(f.old)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := transition.Copy(ctx, f.old, f.young, transition.CopyOptions{Batch: 2, Pause: time.Hour, Progress: func(transition.Report) { cancel() }})
	f.fails("Copy", err, context.Canceled)
	if r.Copied == 0 || r.Copied == 10 {
		t.Fatalf("%+v", r)
	}
}

func TestCopyNeedsAScannerAndSensibleOptions(t *testing.T) {
	_, err := transition.Copy(t.Context(), bare{memory()}, memory(), transition.CopyOptions{})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Copy without a Scanner: %v", err)
	}
	one := memory()
	for name, run := range map[string]func() (transition.Report, error){
		"Batch": func() (transition.Report, error) {
			return transition.Copy(t.Context(), one, memory(), transition.CopyOptions{Batch: -1})
		},
		"Parallel": func() (transition.Report, error) {
			return transition.Verify(t.Context(), one, memory(), transition.CopyOptions{Parallel: -1})
		},
		"Pause": func() (transition.Report, error) {
			return transition.Finish(t.Context(), one, memory(), transition.CopyOptions{Pause: -1})
		},
		"the same": func() (transition.Report, error) {
			return transition.Copy(t.Context(), one, one, transition.CopyOptions{})
		},
		"nil": func() (transition.Report, error) {
			return transition.Copy(t.Context(), nil, one, transition.CopyOptions{})
		},
	} {
		if _, err := run(); !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package transition_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

func TestValidateNamesWhatIsWrong(t *testing.T) {
	one, other := memory(), memory()
	unbounded := session.NewMemoryStore(session.MemoryOptions{MaxRecords: -1})
	o := transition.Options{Step: step1}
	for name, c := range map[string]struct {
		store *transition.Store
		want  string
	}{
		"no old store":      {transition.New(nil, one, o), "old store is nil"},
		"no new store":      {transition.New(one, nil, o), "new store is nil"},
		"one store":         {transition.New(one, one, o), "the same"},
		"no step":           {transition.New(one, other, transition.Options{}), "Options.Step"},
		"an unknown step":   {transition.New(one, other, transition.Options{Step: 3}), "Options.Step"},
		"invalid old store": {transition.New(unbounded, one, o), "MaxRecords"},
		"invalid new store": {transition.New(one, unbounded, o), "MaxRecords"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.store.Validate()
			if !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Validate: %v, want one that says %q", err, c.want)
			}
		})
	}
}

// The calls are what the package comment says.
func TestWhatEachOperationCosts(t *testing.T) {
	f := newFixture(t)
	ctx := f.Context()
	for _, c := range []struct {
		where                                             string
		place                                             func() (session.ID, session.Record)
		create                                            *transition.Store
		creates, loads, touches, updates, renews, deletes string
	}{
		{
			"in the old store", func() (session.ID, session.Record) { return f.stored(f.old) }, f.first,
			"new.Load old.Create", "old.Load", "old.Touch new.Touch", "old.Update", "old.Update", "old.Update",
		},
		{
			"migrated", f.migrated, f.later,
			"old.Load new.Create", "old.Load new.Load", "old.Touch new.Touch", "old.Update old.Load new.Update",
			"old.Update old.Load new.Update", "old.Update old.Load new.Update",
		},
		{
			"in the new store", func() (session.ID, session.Record) { return f.stored(f.young) }, f.later,
			"old.Load new.Create", "old.Load new.Load", "old.Touch new.Touch", "old.Update new.Update",
			"old.Update new.Update", "old.Update new.Delete",
		},
	} {
		t.Run(c.where, func(t *testing.T) {
			f.T = t
			id, rec := c.place()
			f.calls = nil
			f.ok("Create", c.create.Create(ctx, storetest.NewID(), rec))
			f.took(c.creates)
			_, err := c.create.Load(ctx, id)
			f.ok("Load", err)
			f.took(c.loads)
			f.ok("Touch", c.create.Touch(ctx, id, rec.LastSeen, rec.Expires, 1))
			f.took(c.touches)
			f.ok("Update", c.create.Update(ctx, id, next(rec), 1))
			f.took(c.updates)
			mark := next(next(rec))
			mark.Principal, mark.MovedTo = "", storetest.NewID()
			f.ok("Renew", c.create.Update(ctx, id, mark, 2))
			f.took(c.renews)
			f.ok("Delete", c.create.Delete(ctx, id, 3))
			f.took(c.deletes)
		})
	}
}

func TestAnOutageOfEitherStoreIsNotALogout(t *testing.T) {
	f := newFixture(t)
	down := func(string, int) error { return errDown }
	inOld, _ := f.stored(f.old)
	moved, rec := f.migrated()
	inNew, _ := f.stored(f.young)

	f.old.fails = down
	for _, id := range []session.ID{inOld, moved, inNew} {
		_, err := f.later.Load(f.Context(), id)
		f.fails("Load", err, errDown)
		_, err = f.later.LoadFresh(f.Context(), id)
		f.fails("LoadFresh", err, errDown)
		f.fails("Update", f.later.Update(f.Context(), id, next(rec), 1), errDown)
		f.fails("Delete", f.later.Delete(f.Context(), id, 1), errDown)
		f.fails("Touch", f.later.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 1), errDown)
	}
	f.fails("Create", f.later.Create(f.Context(), storetest.NewID(), rec), errDown)
	_, _, err := f.later.List(f.Context(), principal, "", 10)
	f.fails("List", err, errDown)

	f.old.fails, f.young.fails = nil, down
	for _, id := range []session.ID{moved, inNew} {
		_, err := f.first.Load(f.Context(), id)
		f.fails("Load", err, errDown)
		f.fails("Update", f.first.Update(f.Context(), id, next(rec), 1), errDown)
		f.fails("Delete", f.first.Delete(f.Context(), id, 1), errDown)
	}
	f.fails("Create", f.first.Create(f.Context(), storetest.NewID(), rec), errDown)
	_, _, err = f.first.List(f.Context(), principal, "", 10)
	f.fails("List", err, errDown)
	f.young.fails = nil
	for _, id := range []session.ID{inOld, moved, inNew} {
		f.holds(f.first, id, 1)
	}
}

func TestAnIDIsUsedOnceWhicheverStoreItIsIn(t *testing.T) {
	f := newFixture(t)
	ended, rec := f.migrated()
	f.ok("Delete", f.first.Delete(f.Context(), ended, 1))
	inOld, _ := f.stored(f.old)
	moved, _ := f.migrated()
	inNew, _ := f.stored(f.young)
	for _, id := range []session.ID{inOld, moved, inNew, ended} {
		f.fails("Create", f.first.Create(f.Context(), id, rec), session.ErrExists)
		f.fails("Create", f.later.Create(f.Context(), id, rec), session.ErrExists)
	}
}

func TestAWriteOfASessionThatEndedIsNotFound(t *testing.T) {
	f := newFixture(t)
	for _, place := range []func() (session.ID, session.Record){f.migrated, func() (session.ID, session.Record) { return f.stored(f.old) }} {
		id, rec := place()
		f.ok("Delete", f.first.Delete(f.Context(), id, 1))
		f.fails("Update", f.later.Update(f.Context(), id, next(rec), 1), session.ErrNotFound)
		f.ok("Delete again", f.later.Delete(f.Context(), id, 1))
		f.ok("Touch", f.first.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 1))
		f.holds(f.later, id, 0)
	}
}

func TestMarksHoldNothingOfTheSession(t *testing.T) {
	f := newFixture(t)
	ended, rec := f.migrated()
	f.ok("Delete", f.first.Delete(f.Context(), ended, 1))
	for _, s := range []session.Store{f.old, f.young} {
		mark, err := s.Load(f.Context(), ended)
		f.ok("Load", err)
		if mark.Principal != "" || len(mark.Payload) != 0 || mark.Device != (session.Device{}) || mark.MovedTo == "" {
			t.Errorf("a mark holds %+v", mark)
		}
		if mark.Expires.Before(rec.LifetimeEnd) {
			t.Errorf("a mark goes at %v, before a copy that lives until %v", mark.Expires, rec.LifetimeEnd)
		}
	}
}

func TestListsAndScansShowEachSessionOnceAndNoCopyOfWhatEnded(t *testing.T) {
	f := newFixture(t)
	inOld, _ := f.stored(f.old)
	moved, _ := f.migrated()
	inNew, _ := f.stored(f.young)
	copied, rec := f.stored(f.old)
	f.ok("Create", f.young.Create(f.Context(), copied, rec))
	ended, rec := f.stored(f.old)
	f.ok("Create", f.young.Create(f.Context(), ended, rec))
	f.ok("Delete", f.first.Delete(f.Context(), ended, 1))
	want := map[session.ID]bool{inOld: true, moved: true, inNew: true, copied: true}

	for _, limit := range []int{1, 2, 3, 4, 100} {
		got := walk(f, func(after string) ([]session.Stored, string, error) {
			return f.later.List(f.Context(), principal, after, limit)
		})
		if len(got) != len(want) {
			t.Fatalf("pages of %d list %d sessions, want %d", limit, len(got), len(want))
		}
		for _, r := range got {
			if !want[r.ID] || r.Record.Payload != nil {
				t.Fatalf("pages of %d list %+v", limit, r)
			}
		}
		seen := map[session.ID]int{}
		for _, r := range walk(f, func(after string) ([]session.Stored, string, error) {
			return f.later.Scan(f.Context(), after, limit)
		}) {
			seen[r.ID]++
		}
		if len(seen) != len(want) || seen[ended] != 0 || seen[copied] != 1 {
			t.Fatalf("pages of %d scan %v, want each of %d", limit, seen, len(want))
		}
	}
	for _, after := range []string{"x", "n", "1.x", "9", "."} {
		_, _, err := f.first.List(f.Context(), principal, after, 10)
		f.fails("List after "+after, err, session.ErrInvalid)
	}
	_, _, err := f.first.Scan(f.Context(), "x", 10)
	f.fails("Scan after x", err, session.ErrInvalid)
}

func walk(f *fixture, read func(after string) ([]session.Stored, string, error)) (all []session.Stored) {
	f.Helper()
	for after := ""; ; {
		page, next, err := read(after)
		f.ok("page", err)
		if all = append(all, page...); next == "" {
			return all
		}
		after = next
	}
}

// bare is a store without powers.
type bare struct{ session.Store }

func TestAPowerThatOneStoreLacksIsUnsupported(t *testing.T) {
	for name, s := range map[string]*transition.Store{
		"old": transition.New(bare{memory()}, memory(), transition.Options{Step: step1}),
		"new": transition.New(memory(), bare{memory()}, transition.Options{Step: step1}),
	} {
		_, _, listed := s.List(t.Context(), principal, "", 1)
		_, _, scanned := s.Scan(t.Context(), "", 1)
		_, purged := s.Purge(t.Context(), storetest.Now(), 1)
		for power, err := range map[string]error{
			"List": listed, "Scan": scanned, "Purge": purged, "Ping": s.Ping(t.Context()), "Migrate": s.Migrate(t.Context()),
		} {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s lacks it: %s: %v, want ErrUnsupported", name, power, err)
			}
		}
	}
}

// schema is a store that has to be migrated.
type schema struct {
	*session.MemoryStore
	migrated int
}

func (s *schema) Migrate(context.Context) error { s.migrated++; return nil }

func TestMigrateMigratesWhatHasASchema(t *testing.T) {
	old := &schema{MemoryStore: memory()}
	if err := transition.New(old, memory(), transition.Options{Step: step1}).Migrate(t.Context()); err != nil || old.migrated != 1 {
		t.Fatalf("Migrate: %v, the old store was migrated %d times", err, old.migrated)
	}
}

// near is a store with a faster place to load from.
type near struct {
	*session.MemoryStore
	caches bool
}

func (n near) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	return n.Load(ctx, id)
}
func (n near) Caches() bool { return n.caches }

func TestCachesIfOneOfTheStoresDoes(t *testing.T) {
	for _, c := range []struct {
		old, young session.Store
		want       bool
	}{
		{memory(), memory(), false},
		{near{memory(), false}, near{memory(), false}, false},
		{near{memory(), true}, memory(), true},
		{memory(), near{memory(), true}, true},
	} {
		if got := transition.New(c.old, c.young, transition.Options{Step: step1}).Caches(); got != c.want {
			t.Errorf("Caches over %T and %T: %v, want %v", c.old, c.young, got, c.want)
		}
	}
}

package transition_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

func TestVerifyTellsEachKindOfStateApart(t *testing.T) {
	f := newFixture(t)
	ctx := f.Context()
	rec := storetest.NewRecord(principal)
	past := rec
	past.Expires = storetest.Now().Add(-time.Hour)
	otherData := rec
	otherData.Payload = []byte("another")
	none := session.Record{}
	for name, c := range map[string]struct {
		old, young session.Record
		want       transition.Report
	}{
		"not moved yet":               {rec, none, transition.Report{Left: 1}},
		"a copy under way":            {rec, rec, transition.Report{Left: 1}},
		"an older copy under way":     {next(rec), rec, transition.Report{Left: 1}},
		"a copy with other data":      {rec, otherData, transition.Report{Differing: 1}},
		"a newer copy":                {rec, next(rec), transition.Report{Differing: 1}},
		"ended only in new":           {rec, transition.EndedMark(1), transition.Report{Differing: 1}},
		"moved":                       {transition.MigratedMark(sid, rec), rec, transition.Report{Migrated: 1}},
		"moved and changed":           {transition.MigratedMark(sid, rec), next(rec), transition.Report{Migrated: 1}},
		"moved, but an older version": {transition.MigratedMark(sid, next(rec)), rec, transition.Report{Differing: 1}},
		"moved and ended":             {transition.MigratedMark(sid, rec), transition.EndedMark(1), transition.Report{Ended: 1}},
		"moved and gone":              {transition.MigratedMark(sid, rec), none, transition.Report{Migrated: 1, Missing: 1}},
		"moved both ways":             {transition.MigratedMark(sid, rec), transition.MigratedMark(sid, rec), transition.Report{Differing: 1}},
		"ended":                       {transition.EndedMark(1), none, transition.Report{Ended: 1}},
		"ended, a copy left":          {transition.EndedMark(1), rec, transition.Report{Differing: 1}},
		"expired":                     {past, none, transition.Report{Expired: 1}},
		"expired, a copy left":        {past, rec, transition.Report{Differing: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f.T = t
			old, young := memory(), memory()
			f.ok("Create", old.Create(ctx, sid, c.old))
			if c.young.Version != 0 {
				f.ok("Create", young.Create(ctx, sid, c.young))
			}
			got, err := transition.Verify(ctx, old, young, transition.CopyOptions{})
			f.ok("Verify", err)
			c.want.Scanned = 1
			if len(got.Differences) != got.Differing {
				t.Errorf("%d differ, %d are listed", got.Differing, len(got.Differences))
			}
			got.Differences = nil
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("Verify says %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestFinishRefusesAnotherPlaceThanTheSessionsMovedTo(t *testing.T) {
	f := newFixture(t)
	id, _ := f.migrated()
	r, err := transition.Finish(f.Context(), f.old, memory(), transition.CopyOptions{})
	f.fails("Finish", err, transition.ErrUnfinished)
	if r.Removed != 0 {
		t.Errorf("%+v", r)
	}
	f.holds(f.first, id, 1)
}

func TestFinishRefusesWhileSessionsAreLeftAndThenRemovesAllMarks(t *testing.T) {
	f := newFixture(t)
	ctx := f.Context()
	moved, rec := f.migrated()
	ended, _ := f.migrated()
	f.ok("Delete", f.first.Delete(ctx, ended, 1))
	endedInOld, _ := f.stored(f.old)
	f.ok("Delete", f.first.Delete(ctx, endedInOld, 1))
	left, _ := f.stored(f.old)
	expired := storetest.NewID() // last: a memory store that creates drops what has expired
	rec.Expires = storetest.Now().Add(-time.Hour)
	f.ok("Create", f.old.Create(ctx, expired, rec))

	r, err := transition.Finish(ctx, f.old, f.young, transition.CopyOptions{})
	f.fails("Finish", err, transition.ErrUnfinished)
	if r.Left != 1 || r.Removed != 0 {
		t.Fatalf("%+v", r)
	}
	f.copy(transition.CopyOptions{})
	dry, err := transition.Finish(ctx, f.old, f.young, transition.CopyOptions{DryRun: true})
	f.ok("Finish", err)
	r, err = transition.Finish(ctx, f.old, f.young, transition.CopyOptions{Batch: 2})
	f.ok("Finish", err)
	if dry.Removed != 5 || r.Removed != 5 { // of three that moved, one that ended in old, and one that ended in new
		t.Fatalf("removed %+v, the dry run said %+v", r, dry)
	}
	f.holds(f.young, moved, 1)
	f.holds(f.young, left, 1)
	f.holds(f.old, expired, 1)
	for _, id := range []session.ID{moved, ended, endedInOld, left} {
		if _, err := f.old.Load(ctx, id); err == nil {
			t.Errorf("the old store still has something")
		}
	}
	if _, err := f.young.Load(ctx, ended); err == nil {
		t.Error("the new store still has a mark")
	}
}

func TestSessionsSurviveMovesThereAndBack(t *testing.T) {
	for _, finish := range []bool{true, false} {
		t.Run(fmt.Sprintf("marks removed: %v", finish), func(t *testing.T) {
			f := newFixture(t)
			ctx := f.Context()
			stores := [2]*session.MemoryStore{memory(), memory()}
			id, rec := f.stored(stores[0])
			gone, goneRec := f.stored(stores[0])
			for round := range 4 {
				from, to := stores[round%2], stores[(round+1)%2]
				during := transition.New(from, to, transition.Options{Step: step2})
				_, err := transition.Copy(ctx, from, to, transition.CopyOptions{})
				f.ok("Copy", err)
				f.holds(during, id, rec.Version)
				if round == 1 {
					f.ok("Delete", during.Delete(ctx, gone, goneRec.Version))
				}
				if round > 0 { // else the version would not come back to that of the first mark
					f.ok("Update", during.Update(ctx, id, next(rec), rec.Version))
					rec = next(rec)
				}
				f.holds(to, id, rec.Version)
				if finish {
					_, err = transition.Finish(ctx, from, to, transition.CopyOptions{})
					f.ok("Finish", err)
				}
				want := goneRec.Version
				if round > 0 {
					want = 0
				}
				f.holds(during, gone, want)
				f.holds(to, gone, want)
			}
		})
	}
}

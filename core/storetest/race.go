package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var raceChecks = []check{
	{"of creates has one winner, whose record stays", raceCreate},
	{"of updates of one version has one winner, whose record stays", raceUpdate},
	{"of counters loses no count", raceCount},
	{"of an update and a delete never revives the record", raceUpdateDelete},
	{"of a create and a late update leaves what was created", raceCreateUpdate},
	{"of deletes ends without an error", func(s subject) {
		for range rounds {
			id, rec := s.stored("bob")
			outcomes(s, together(times(8, func(int) error { return s.Delete(s.Context(), id, rec.Version) })...))
			s.lacks(id)
		}
	}},
	{"of a touch and a delete never revives the record", raceTouchDelete},
	{"of a touch and an update never moves what the update wrote", raceTouchUpdate},
	{"of touches ends with the latest times", raceTouch},
	{"of readers and a writer shows whole records only", raceWhole},
}

func raceCreate(s subject) {
	for range rounds {
		id := NewID()
		recs := []session.Record{NewRecord("a"), NewRecord("b"), NewRecord("c"), NewRecord("d"), NewRecord(""), NewRecord("a")}
		errs := together(times(len(recs), func(i int) error { return s.Create(s.Context(), id, recs[i]) })...)
		if n := outcomes(s, errs, session.ErrExists); n != 1 {
			s.Fatalf("%d creates of one ID succeeded, want 1", n)
		}
		s.holds(id, recs[winner(errs)])
	}
}

func winner(errs []error) int {
	for i, err := range errs {
		if err == nil {
			return i
		}
	}
	return -1
}

func raceUpdate(s subject) {
	id, rec := s.stored("bob")
	for range rounds {
		recs := make([]session.Record, 6)
		for i := range recs {
			recs[i] = next(rec, "by "+string(rune('a'+i)))
		}
		errs := together(times(len(recs), func(i int) error { return s.Update(s.Context(), id, recs[i], rec.Version) })...)
		if n := outcomes(s, errs, session.ErrConflict); n != 1 {
			s.Fatalf("%d updates of version %d succeeded, want 1", n, rec.Version)
		}
		rec = recs[winner(errs)]
		s.holds(id, rec)
	}
}

func raceCount(s subject) {
	const writers, each = 8, 10
	id, rec := NewID(), NewRecord("bob")
	rec.Payload = count(0)
	s.create(id, rec)
	errs := together(times(writers, func(int) error {
		for range each {
			if err := s.increment(s.Context(), id); err != nil {
				return err
			}
		}
		return nil
	})...)
	outcomes(s, errs)
	got := s.load(id)
	if n := counted(got); n != writers*each || got.Version != 1+writers*each {
		s.Fatalf("%d in version %d after %d counts", n, got.Version, writers*each)
	}
}

// increment adds one to the count in the payload, as often as it takes.
func (s subject) increment(ctx context.Context, id session.ID) error {
	for range 100_000 {
		rec, err := s.Load(ctx, id)
		if err != nil {
			return err
		}
		rec.Payload = count(counted(rec) + 1)
		rec.Version++
		if err = s.Update(ctx, id, rec, rec.Version-1); !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
	return errors.New("every update is a conflict")
}

func raceUpdateDelete(s subject) {
	for range rounds {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		errs := together(
			func() error { return s.Update(s.Context(), id, rec2, 1) },
			func() error { return s.Delete(s.Context(), id, 1) },
		)
		outcomes(s, errs[:1], session.ErrNotFound)
		outcomes(s, errs[1:], session.ErrConflict)
		switch updated, deleted := errs[0] == nil, errs[1] == nil; {
		case updated == deleted:
			s.Fatalf("Update: %v, Delete: %v; one must come first", errs[0], errs[1])
		case updated:
			s.holds(id, rec2)
			s.delete(id, 2)
		}
		s.lacks(id)
		for v := range uint64(3) {
			wants(s, "a late Update", s.Update(s.Context(), id, next(rec2, "late"), v), session.ErrNotFound)
		}
		s.lacks(id)
	}
}

func raceCreateUpdate(s subject) {
	for range rounds {
		id, rec := s.stored("bob")
		s.delete(id, 1)
		rec2 := NewRecord("bob")
		rec2.Version = 100
		errs := together(
			func() error { return s.Create(s.Context(), id, rec2) },
			func() error { return s.Update(s.Context(), id, next(rec, "late"), 1) },
			func() error {
				return s.Touch(s.Context(), id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1)
			},
		)
		outcomes(s, errs[:1])
		if outcomes(s, errs[1:2], session.ErrNotFound, session.ErrConflict) != 0 {
			s.Fatal("an update of a deleted record succeeded")
		}
		outcomes(s, errs[2:])
		s.holds(id, rec2)
	}
}

func raceTouchDelete(s subject) {
	for range rounds {
		id, rec := s.stored("bob")
		fs := times(4, func(i int) error {
			later := time.Duration(i+1) * time.Minute
			return s.Touch(s.Context(), id, rec.LastSeen.Add(later), rec.Expires.Add(later), 1)
		})
		outcomes(s, together(append(fs, func() error { return s.Delete(s.Context(), id, 1) })...))
		s.lacks(id)
	}
}

func raceTouchUpdate(s subject) {
	for range rounds {
		id, rec := s.stored("bob")
		shorter := next(rec, "shorter")
		shorter.Expires = rec.Expires.Add(-30 * time.Minute)
		seen := rec.LastSeen.Add(time.Minute)
		touch := func() error { return s.Touch(s.Context(), id, seen, rec.Expires.Add(time.Minute), 1) }
		outcomes(s, together(touch, func() error { return s.Update(s.Context(), id, shorter, 1) }, touch))
		if s.load(id).LastSeen.Equal(seen) { // a touch came first
			shorter.LastSeen = seen
		}
		s.holds(id, shorter)
	}
}

func raceTouch(s subject) {
	for range rounds {
		id, rec := s.stored("bob")
		const n = 8
		outcomes(s, together(times(n, func(i int) error {
			return s.Touch(s.Context(), id, rec.LastSeen.Add(time.Duration(i)*time.Minute), rec.Expires.Add(time.Duration(n-1-i)*time.Minute), 1)
		})...))
		rec.LastSeen, rec.Expires = rec.LastSeen.Add((n-1)*time.Minute), rec.Expires.Add((n-1)*time.Minute)
		s.holds(id, rec)
	}
}

// raceWhole reads two states that differ in every field that may change.
func raceWhole(s subject) {
	id, rec := s.stored("bob")
	states := []session.Record{rec}
	for i := range 20 {
		r := next(states[i], string(make([]byte, (i%2)*5000)))
		r.Device.UserAgent = string(rune('a' + i))
		r.LastSeen, r.Expires = r.LastSeen.Add(time.Second), r.Expires.Add(time.Second)
		r.Persistent = i%2 == 0
		states = append(states, r)
	}
	var written atomic.Bool
	reader := func() error {
		for last := false; !last; {
			last = written.Load()
			got, err := s.Load(s.Context(), id)
			if err != nil {
				return err
			}
			if got.Version < 1 || got.Version > uint64(len(states)) {
				return errors.New("a version that was never written")
			}
			if d := diff(got, states[got.Version-1]); d != "" {
				return errors.New("a record that was never written: " + d)
			}
		}
		return nil
	}
	outcomes(s, together(reader, reader, func() error {
		defer written.Store(true)
		for i, r := range states[1:] {
			if err := s.Update(s.Context(), id, r, uint64(i+1)); err != nil {
				return err
			}
		}
		return nil
	}))
	s.holds(id, states[len(states)-1])
}

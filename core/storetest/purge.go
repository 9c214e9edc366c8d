package storetest

import (
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var purgeChecks = []check{
	{"deletes what expired before the given time and nothing else", purgeExact},
	{"works in batches of at most limit and says how many", purgeBatches},
	{"spares what was touched or updated to expire later", purgeSpares},
	{"deletes what an update made expire earlier", func(s subject) {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		rec2.Expires = Now().Add(-2 * time.Minute)
		s.update(id, rec2, 1)
		s.purges(Now().Add(-time.Minute), 10, 1)
		s.lacks(id)
	}},
	{"deletes moved marks and anonymous records too", func(s subject) {
		id, rec := s.stored("bob")
		mark := movedMark(rec, NewID())
		s.update(id, mark, 1)
		anonymous, _ := s.stored("")
		s.purges(rec.Expires.Add(time.Hour), 10, 2)
		s.lacks(id)
		s.lacks(anonymous)
	}},
	{"leaves nothing in lists", func(s subject) {
		if listerPower(s.Context(), s.Store) != nil {
			return
		}
		all := s.many("bob", 3)
		s.touch(all[1].ID, all[1].Record.LastSeen, all[1].Record.Expires.Add(2*time.Hour), 1)
		s.purges(Now().Add(90*time.Minute), 10, 2)
		all[1].Record.Expires = all[1].Record.Expires.Add(2 * time.Hour)
		s.lists("bob", 10, all[1:2])
	}},
	{"leaves the ID free, and no update or touch brings the record back", func(s subject) {
		id, rec := s.stored("bob")
		s.purges(rec.Expires.Add(time.Hour), 10, 1)
		wants(s, "Update", s.Update(s.Context(), id, next(rec, "late"), 1), session.ErrNotFound)
		s.touch(id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1)
		s.lacks(id)
		s.create(id, rec)
		s.holds(id, rec)
	}},
	{"beside a touch: the record is touched or gone, and the number is right", func(s subject) {
		purgeRace(s, func(id session.ID, rec session.Record) (session.Record, error) {
			rec.LastSeen, rec.Expires = rec.LastSeen.Add(3*time.Hour), rec.Expires.Add(3*time.Hour)
			if err := s.Touch(s.Context(), id, rec.LastSeen, rec.Expires, rec.Version); err != nil {
				return rec, err
			}
			_, err := s.Load(s.Context(), id) // a touch itself does not say whether it came in time
			return rec, err
		})
	}},
	{"beside an update: the record is updated or gone, and the number is right", func(s subject) {
		purgeRace(s, func(id session.ID, rec session.Record) (session.Record, error) {
			rec2 := next(rec, "two")
			rec2.LastSeen, rec2.Expires = rec.LastSeen.Add(3*time.Hour), rec.Expires.Add(3*time.Hour)
			return rec2, s.Update(s.Context(), id, rec2, rec.Version)
		})
	}},
	{"beside itself deletes each record once", purgeItself},
}

// purges fails the test unless Purge returns n.
func (s subject) purges(before time.Time, limit, n int) {
	s.Helper()
	got, err := s.Store.(session.Purger).Purge(s.Context(), before, limit)
	if err != nil || got != n {
		s.Fatalf("Purge of at most %d: %d, error %v; want %d", limit, got, err, n)
	}
}

func purgeExact(s subject) {
	now := Now()
	for _, before := range []time.Time{now.Add(-time.Minute), now.Add(2 * time.Hour)} {
		var gone, kept []session.ID
		var recs []session.Record
		for _, d := range []time.Duration{-time.Second, -time.Microsecond, 0, time.Microsecond, time.Hour} {
			id, rec := NewID(), NewRecord("bob")
			rec.Expires = before.Add(d)
			s.create(id, rec)
			if d < 0 {
				gone = append(gone, id)
			} else {
				kept, recs = append(kept, id), append(recs, rec)
			}
		}
		s.purges(before, 100, len(gone))
		for _, id := range gone {
			s.lacks(id)
		}
		for i, id := range kept {
			s.holds(id, recs[i])
		}
		s.purges(before, 100, 0)
		for i, id := range kept {
			s.delete(id, recs[i].Version)
		}
	}
}

func purgeBatches(s subject) {
	p := s.Store.(session.Purger)
	before := Now().Add(2 * time.Hour)
	for _, limit := range []int{3, 5, 10, 11} {
		for range 10 {
			s.stored("bob")
		}
		left := 10
		for left >= 0 {
			n, err := p.Purge(s.Context(), before, limit)
			if err != nil || n != min(limit, left) {
				s.Fatalf("Purge of at most %d with %d left: %d, error %v", limit, left, n, err)
			}
			left -= n
			if n < limit {
				break
			}
		}
		if left != 0 {
			s.Fatalf("%d records are left", left)
		}
	}
}

func purgeSpares(s subject) {
	touched, t := s.stored("bob")
	updated, u := s.stored("bob")
	idle, _ := s.stored("bob")
	t.Expires = t.Expires.Add(3 * time.Hour)
	s.touch(touched, t.LastSeen, t.Expires, 1)
	u = next(u, "two")
	u.Expires = u.Expires.Add(3 * time.Hour)
	s.update(updated, u, 1)
	s.purges(Now().Add(2*time.Hour), 10, 1)
	s.lacks(idle)
	s.holds(touched, t)
	s.holds(updated, u)
}

// purgeRace lets Purge race extend, which returns the record as it should be
// after and nil, or ErrNotFound if it came too late.
func purgeRace(s subject, extend func(session.ID, session.Record) (session.Record, error)) {
	p := s.Store.(session.Purger)
	for range rounds {
		id, rec := s.stored("bob")
		var n int
		var extended session.Record
		errs := together(
			func() (err error) { extended, err = extend(id, rec); return err },
			func() (err error) { n, err = p.Purge(s.Context(), rec.Expires.Add(time.Hour), 10); return err },
		)
		outcomes(s, errs[:1], session.ErrNotFound)
		outcomes(s, errs[1:])
		switch n {
		case 0:
			if errs[0] != nil {
				s.Fatalf("nothing was purged, but %v", errs[0])
			}
			s.holds(id, extended)
			s.delete(id, extended.Version)
		case 1:
			if errs[0] == nil {
				s.Fatal("a record was purged after it had been made to expire later")
			}
			s.lacks(id)
		default:
			s.Fatalf("Purge says %d of 1 record", n)
		}
	}
}

func purgeItself(s subject) {
	p := s.Store.(session.Purger)
	for range rounds / 4 {
		const total, limit = 20, 8
		var kept []session.ID
		rec := NewRecord("bob")
		for range total {
			s.create(NewID(), rec)
		}
		later := NewRecord("bob")
		later.Expires = later.Expires.Add(5 * time.Hour)
		for range 3 {
			id := NewID()
			s.create(id, later)
			kept = append(kept, id)
		}
		counts := make([]int, 4)
		errs := together(times(len(counts), func(i int) error {
			for range total + 1 {
				n, err := p.Purge(s.Context(), rec.Expires.Add(time.Hour), limit)
				counts[i] += n
				if err != nil || n == 0 {
					return err
				}
				if n > limit {
					return fmt.Errorf("%d records in a batch of at most %d", n, limit)
				}
			}
			return fmt.Errorf("it goes on after %d batches", total)
		})...)
		outcomes(s, errs)
		sum := 0
		for _, n := range counts {
			sum += n
		}
		n, err := p.Purge(s.Context(), rec.Expires.Add(time.Hour), 100) // what a batch skipped since another held it
		if sum += n; err != nil || sum != total {
			s.Fatalf("%d records were purged, error %v; want %d", sum, err, total)
		}
		for _, id := range kept {
			s.holds(id, later)
			s.delete(id, 1)
		}
	}
}

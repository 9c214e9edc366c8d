package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var touchChecks = []check{
	{"moves LastSeen and Expires forward and changes nothing else", func(s subject) {
		id, rec := s.stored("bob")
		for range 3 {
			rec.LastSeen, rec.Expires = rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute)
			s.touch(id, rec.LastSeen, rec.Expires, 1)
			s.holds(id, rec)
		}
	}},
	{"never moves backwards", func(s subject) {
		id, rec := s.stored("bob")
		for _, d := range []time.Duration{0, time.Microsecond, time.Hour, 50 * 365 * 24 * time.Hour} {
			s.touch(id, rec.LastSeen.Add(-d), rec.Expires.Add(-d), 1)
			s.holds(id, rec)
		}
		s.touch(id, time.Time{}, time.Time{}, 1)
		s.holds(id, rec)
	}},
	{"moves each time on its own", touchEach},
	{"moves by a microsecond", touchMicrosecond},
	{"is no data write: an update of the same version follows", func(s subject) {
		id, rec := s.stored("bob")
		s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
		rec2 := next(rec, "two")
		rec2.LastSeen, rec2.Expires = rec.LastSeen.Add(2*time.Minute), rec.Expires.Add(2*time.Minute)
		s.update(id, rec2, 1)
		s.holds(id, rec2)
	}},
	{"of another version has no effect", touchOtherVersion},
	{"never lengthens what an update shortened", func(s subject) {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		rec2.Expires = Now().Add(time.Minute)
		s.update(id, rec2, 1)
		s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
		s.holds(id, rec2)
	}},
	{"does not move a mark left by a renewal", func(s subject) {
		id, rec := s.stored("bob")
		mark := movedMark(rec, NewID())
		s.update(id, mark, 1)
		s.touch(id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1)
		s.holds(id, mark)
	}},
	{"of nothing stores nothing and is no error", func(s subject) {
		id := NewID()
		for _, v := range []uint64{0, 1, 2} {
			s.touch(id, Now(), Now().Add(time.Hour), v)
			s.lacks(id)
		}
		rec := NewRecord("bob")
		s.create(id, rec) // not ErrExists
		s.holds(id, rec)
	}},
	{"never revives a deleted record", func(s subject) {
		id, rec := s.stored("bob")
		s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
		s.delete(id, 1)
		s.touch(id, rec.LastSeen.Add(2*time.Minute), rec.Expires.Add(2*time.Minute), 1)
		s.lacks(id)
		s.touch(id, rec.LastSeen.Add(2*time.Minute), rec.Expires.Add(2*time.Minute), 0)
		s.lacks(id)
	}},
	{"touches no other record", func(s subject) {
		id, rec := s.stored("bob")
		other, otherRec := s.stored("bob")
		s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
		s.holds(other, otherRec)
	}},
}

func touchEach(s subject) {
	id, rec := s.stored("bob")
	s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(-time.Minute), 1)
	rec.LastSeen = rec.LastSeen.Add(time.Minute)
	s.holds(id, rec)
	s.touch(id, rec.LastSeen.Add(-time.Minute), rec.Expires.Add(time.Minute), 1)
	rec.Expires = rec.Expires.Add(time.Minute)
	s.holds(id, rec)
	s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires, 1)
	rec.LastSeen = rec.LastSeen.Add(time.Minute)
	s.holds(id, rec)
	s.touch(id, time.Time{}, rec.Expires.Add(time.Minute), 1)
	rec.Expires = rec.Expires.Add(time.Minute)
	s.holds(id, rec)
}

// touchMicrosecond also does it far in the future, where a store that counts in
// floating point would round.
func touchMicrosecond(s subject) {
	for _, years := range []int{0, 100, 170} {
		id, rec := NewID(), NewRecord("bob")
		rec.Expires = rec.Expires.AddDate(years, 0, 0)
		rec.LifetimeEnd = rec.Expires
		s.create(id, rec)
		s.holds(id, rec)
		for range 2 {
			rec.LastSeen, rec.Expires = rec.LastSeen.Add(time.Microsecond), rec.Expires.Add(time.Microsecond)
			s.touch(id, rec.LastSeen, rec.Expires, 1)
			s.holds(id, rec)
		}
		s.touch(id, rec.LastSeen.Add(-time.Microsecond), rec.Expires.Add(-time.Microsecond), 1)
		s.holds(id, rec)
	}
}

func touchOtherVersion(s subject) {
	id, rec := s.stored("bob")
	rec2 := next(rec, "two")
	s.update(id, rec2, 1)
	for _, v := range []uint64{0, 1, 3, 1 << 40} {
		s.touch(id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), v)
		s.holds(id, rec2)
	}
	rec2.LastSeen, rec2.Expires = rec2.LastSeen.Add(time.Hour), rec2.Expires.Add(time.Hour)
	s.touch(id, rec2.LastSeen, rec2.Expires, 2)
	s.holds(id, rec2)
}

var deleteChecks = []check{
	{"removes the record", func(s subject) {
		id, rec := s.stored("bob")
		s.delete(id, rec.Version)
		s.lacks(id)
	}},
	{"of another version is ErrConflict and changes nothing", func(s subject) {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		s.update(id, rec2, 1)
		for _, v := range []uint64{0, 1, 3, 1 << 40} {
			wants(s, "Delete", s.Delete(s.Context(), id, v), session.ErrConflict)
			s.holds(id, rec2)
		}
		s.delete(id, 2)
		s.lacks(id)
	}},
	{"of nothing is no error", func(s subject) {
		s.delete(NewID(), 0)
		s.delete(NewID(), 1)
		id, rec := s.stored("bob")
		s.delete(id, rec.Version)
		s.delete(id, rec.Version)
		s.delete(id, 2)
		s.lacks(id)
	}},
	{"follows a touch, which is no new version", func(s subject) {
		id, rec := s.stored("bob")
		s.touch(id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
		s.delete(id, 1)
		s.lacks(id)
	}},
	{"removes no other record", func(s subject) {
		id, rec := s.stored("bob")
		other, otherRec := s.stored("bob")
		s.delete(id, rec.Version)
		s.holds(other, otherRec)
	}},
}

package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var updateChecks = []check{
	{"replaces every field", updateReplaces},
	{"never creates", updateNeverCreates},
	{"never creates where a record was deleted", updateDeleted},
	{"of another version is ErrConflict and changes nothing", updateConflict},
	{"of a version that was current before is ErrConflict", updateStale},
	{"never lowers LastSeen, and takes all else", updateLastSeen},
	{"raises LastSeen", func(s subject) {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		rec2.LastSeen = rec.LastSeen.Add(time.Microsecond)
		s.update(id, rec2, 1)
		s.holds(id, rec2)
	}},
	{"may shorten and lengthen Expires", func(s subject) {
		id, rec := s.stored("bob")
		for i, d := range []time.Duration{-time.Minute, time.Second, 48 * time.Hour, -time.Microsecond} {
			rec2 := next(rec, "two")
			rec2.Expires = rec.Expires.Add(d)
			s.update(id, rec2, rec.Version)
			s.holds(id, rec2)
			rec = rec2
			if rec.Version != uint64(i+2) {
				s.Fatalf("version %d after %d updates", rec.Version, i+1)
			}
		}
	}},
	{"stores the version it is given", func(s subject) {
		id, rec := s.stored("bob")
		rec2 := next(rec, "two")
		rec2.Version = 40
		s.update(id, rec2, 1)
		s.holds(id, rec2)
		wants(s, "Update if version 2", s.Update(s.Context(), id, next(rec2, "x"), 2), session.ErrConflict)
	}},
	{"turns a record into a moved mark", func(s subject) {
		id, rec := s.stored("bob")
		mark := movedMark(rec, NewID())
		s.update(id, mark, rec.Version)
		s.holds(id, mark)
		wants(s, "Update of the session", s.Update(s.Context(), id, next(rec, "x"), rec.Version), session.ErrConflict)
		s.holds(id, mark)
	}},
	{"takes a larger and a smaller payload", func(s subject) {
		id, rec := s.stored("bob")
		for _, n := range []int{0, 10, 100_000, 1, 0} {
			rec2 := next(rec, string(make([]byte, n)))
			s.update(id, rec2, rec.Version)
			s.holds(id, rec2)
			rec = rec2
		}
	}},
	{"touches no other record", func(s subject) {
		id, rec := s.stored("bob")
		other, otherRec := s.stored("bob")
		s.update(id, next(rec, "two"), 1)
		s.holds(other, otherRec)
	}},
}

func updateReplaces(s subject) {
	id, rec := s.stored("bob")
	later := rec.Created.Add(time.Minute)
	rec2 := session.Record{
		Version: 2, Mark: newMark(), Principal: "bob",
		Created: rec.Created, Authenticated: later, LastSeen: later,
		Expires: later.Add(time.Hour), LifetimeEnd: later.Add(2 * time.Hour),
		IdleTimeout: 7 * time.Minute, Persistent: false,
		Device:  session.Device{Address: "2001:db8::1", UserAgent: "another"},
		Payload: []byte{0, 1, 2},
	}
	s.update(id, rec2, 1)
	s.holds(id, rec2)
	rec3 := session.Record{
		Version: 3, Principal: "bob", Created: rec.Created, LastSeen: later,
		Expires: later.Add(time.Hour), LifetimeEnd: later.Add(2 * time.Hour), Persistent: true,
	}
	s.update(id, rec3, 2)
	s.holds(id, rec3)
}

func updateNeverCreates(s subject) {
	id, rec := NewID(), NewRecord("bob")
	for _, ifVersion := range []uint64{0, 1, 2} {
		rec.Version = ifVersion + 1
		wants(s, "Update of nothing", s.Update(s.Context(), id, rec, ifVersion), session.ErrNotFound)
		s.lacks(id)
	}
}

func updateDeleted(s subject) {
	id, rec := s.stored("bob")
	s.delete(id, 1)
	wants(s, "Update after Delete", s.Update(s.Context(), id, next(rec, "late"), 1), session.ErrNotFound)
	s.lacks(id)
	s.create(id, rec)
	s.delete(id, 1)
	wants(s, "Update after a second Delete", s.Update(s.Context(), id, next(rec, "late"), 1), session.ErrNotFound)
	s.lacks(id)
}

func updateConflict(s subject) {
	id, rec := s.stored("bob")
	rec2 := next(rec, "two")
	s.update(id, rec2, 1)
	for _, ifVersion := range []uint64{0, 1, 3, 1 << 40} {
		late := next(rec, "late")
		late.Version = max(ifVersion+1, 9)
		late.LastSeen, late.Expires = rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Hour)
		wants(s, "Update", s.Update(s.Context(), id, late, ifVersion), session.ErrConflict)
		s.holds(id, rec2)
	}
}

func updateStale(s subject) {
	id, rec := s.stored("bob")
	all := []session.Record{rec}
	for i := range 5 {
		rec2 := next(all[i], "newer")
		s.update(id, rec2, all[i].Version)
		all = append(all, rec2)
	}
	for _, old := range all[:5] {
		wants(s, "Update", s.Update(s.Context(), id, next(old, "late"), old.Version), session.ErrConflict)
	}
	s.holds(id, all[5])
}

func updateLastSeen(s subject) {
	id, rec := s.stored("bob")
	seen, expires := rec.LastSeen.Add(10*time.Minute), rec.Expires.Add(10*time.Minute)
	s.touch(id, seen, expires, 1)
	rec2 := next(rec, "two") // made from what was loaded before the touch
	s.update(id, rec2, 1)
	rec2.LastSeen = seen
	s.holds(id, rec2)

	rec3 := next(rec2, "three")
	rec3.LastSeen = time.Time{}
	s.update(id, rec3, 2)
	rec3.LastSeen = seen
	s.holds(id, rec3)
}

package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var loadChecks = []check{
	{"of an unknown ID is ErrNotFound", func(s subject) {
		s.lacks(NewID())
		s.stored("bob")
		s.lacks(NewID())
	}},
	{"returns the record as created, again and again", func(s subject) {
		id, rec := s.stored("bob")
		other, otherRec := s.stored("bob")
		for range 2 {
			s.holds(id, rec)
			s.holds(other, otherRec)
		}
	}},
}

var createChecks = []check{
	{"of a used ID is ErrExists and changes nothing", createExists},
	{"of an ID used by an expired record is ErrExists and changes nothing", createExpired},
	{"of an ID used by a moved mark is ErrExists and changes nothing", createMoved},
	{"can use the ID of a deleted record", func(s subject) {
		id, rec := s.stored("bob")
		s.delete(id, rec.Version)
		rec = NewRecord("alice")
		s.create(id, rec)
		s.holds(id, rec)
	}},
	{"stores the version it is given", func(s subject) {
		id, rec := NewID(), NewRecord("bob")
		rec.Version = 1 << 40
		s.create(id, rec)
		s.holds(id, rec)
		s.update(id, next(rec, "newer"), rec.Version)
		wants(s, "Update of the version before", s.Update(s.Context(), id, next(rec, "again"), rec.Version), session.ErrConflict)
	}},
}

func createExists(s subject) {
	id, rec := s.stored("bob")
	for _, principal := range []string{"bob", "alice", ""} {
		other := NewRecord(principal)
		other.Version = 7
		wants(s, "second Create", s.Create(s.Context(), id, other), session.ErrExists)
		s.holds(id, rec)
	}
	wants(s, "Create of the same record again", s.Create(s.Context(), id, rec), session.ErrExists)
	s.holds(id, rec)
}

func createExpired(s subject) {
	id, rec := NewID(), expired(NewRecord("bob"))
	s.create(id, rec)
	wants(s, "Create", s.Create(s.Context(), id, NewRecord("alice")), session.ErrExists)
	s.holds(id, rec)
}

func createMoved(s subject) {
	id, rec := s.stored("bob")
	mark := movedMark(rec, NewID())
	s.update(id, mark, rec.Version)
	wants(s, "Create", s.Create(s.Context(), id, NewRecord("alice")), session.ErrExists)
	s.holds(id, mark)
}

// expired returns rec as one that ended a minute ago, so that stores still
// have to keep it.
func expired(rec session.Record) session.Record {
	rec.Expires = Now().Add(-time.Minute)
	rec.LastSeen = rec.Expires.Add(-rec.IdleTimeout)
	rec.Created = rec.LastSeen
	return rec
}

var expiryChecks = []check{
	{"is not the store's affair: an expired record is loaded as stored", func(s subject) {
		id, rec := NewID(), expired(NewRecord("bob"))
		s.create(id, rec)
		s.holds(id, rec)
	}},
	{"of the lifetime is not the store's affair either", func(s subject) {
		id, rec := NewID(), expired(NewRecord("bob"))
		rec.LifetimeEnd = rec.Expires
		s.create(id, rec)
		s.holds(id, rec)
	}},
	{"by an update leaves the record there", func(s subject) {
		id, rec := s.stored("bob")
		over := next(rec, "over")
		over.Expires = Now().Add(-time.Minute)
		s.update(id, over, rec.Version)
		s.holds(id, over)
	}},
	{"does not keep a record from being updated", func(s subject) {
		id, rec := NewID(), expired(NewRecord("bob"))
		s.create(id, rec)
		wants(s, "Update of another version", s.Update(s.Context(), id, next(rec, "x"), 9), session.ErrConflict)
		again := next(rec, "longer")
		again.Expires = Now().Add(time.Hour)
		s.update(id, again, rec.Version)
		s.holds(id, again)
	}},
	{"does not keep a record from being deleted", func(s subject) {
		id, rec := NewID(), expired(NewRecord("bob"))
		s.create(id, rec)
		wants(s, "Delete of another version", s.Delete(s.Context(), id, 9), session.ErrConflict)
		s.holds(id, rec)
		s.delete(id, rec.Version)
		s.lacks(id)
	}},
	{"moved back by an update, and the record stays", func(s subject) {
		id, rec := NewID(), NewRecord("bob")
		rec.Expires = Now().Add(time.Second)
		s.create(id, rec)
		longer := next(rec, "longer")
		longer.Expires = Now().Add(300 * 24 * time.Hour)
		s.update(id, longer, rec.Version)
		s.holds(id, longer)
	}},
}

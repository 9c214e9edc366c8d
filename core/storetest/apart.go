package storetest

import (
	"slices"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var apartChecks = []check{
	{"two stores keep different records under one ID", func(s subject) {
		other := s.another()
		id, rec := s.stored("bob")
		other.lacks(id)
		otherRec := NewRecord("alice")
		other.create(id, otherRec)
		s.holds(id, rec)
		other.holds(id, otherRec)
	}},
	{"an update, touch or delete does not reach the other store", func(s subject) {
		other := s.another()
		id, rec := s.stored("bob")
		wants(s, "Update in the other", other.Update(s.Context(), id, next(rec, "two"), 1), session.ErrNotFound)
		other.touch(id, rec.LastSeen.Add(time.Hour), rec.Expires.Add(time.Hour), 1)
		other.delete(id, 1)
		s.holds(id, rec)
		other.create(id, rec)
		rec2 := next(rec, "two")
		other.update(id, rec2, 1)
		s.holds(id, rec)
		s.delete(id, 1)
		other.holds(id, rec2)
	}},
	{"lists are apart", func(s subject) {
		other := s.another()
		l, ok := s.Store.(session.Lister)
		ol, _ := other.Store.(session.Lister)
		if !ok || listerPower(s.Context(), s.Store) != nil {
			return
		}
		id, _ := s.stored("bob")
		if got := listAll(other, ol, "bob", 10, nil); len(got) != 0 {
			s.Fatalf("the other store lists %d records, want none", len(got))
		}
		other.create(id, NewRecord("bob"))
		other.stored("bob")
		if got := listAll(s, l, "bob", 10, nil); len(got) != 1 || got[0].ID != id {
			s.Fatalf("the store lists %d records, want its own 1", len(got))
		}
	}},
	{"scans are apart", func(s subject) {
		other := s.another()
		sc, ok := s.Store.(session.Scanner)
		if !ok || scannerPower(s.Context(), s.Store) != nil {
			return
		}
		id, _ := s.stored("bob")
		other.stored("bob")
		other.stored("")
		if got := slices.Sorted(idsOf(scanAll(s, sc, 10, nil))); !slices.Equal(slices.Compact(got), []session.ID{id}) {
			s.Fatalf("the store scans %v, want its own %v", got, id)
		}
	}},
	{"purges are apart", func(s subject) {
		other := s.another()
		p, ok := s.Store.(session.Purger)
		if !ok || purgerPower(s.Context(), s.Store) != nil {
			return
		}
		id, rec := NewID(), NewRecord("bob")
		other.create(id, rec)
		if n, err := p.Purge(s.Context(), rec.Expires.Add(time.Hour), 100); n != 0 || err != nil {
			s.Fatalf("Purge: %d, %v; want 0", n, err)
		}
		other.holds(id, rec)
	}},
}

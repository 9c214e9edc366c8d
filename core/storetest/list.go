package storetest

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var listChecks = []check{
	{"of nobody is an empty page", func(s subject) {
		s.stored("bob")
		s.stored("")
		page, next, err := s.Store.(session.Lister).List(s.Context(), "alice", "", 10)
		if len(page) != 0 || next != "" || err != nil {
			s.Fatalf("%d records, next %q, error %v", len(page), next, err)
		}
	}},
	{"returns whole records without payload, newest first", func(s subject) {
		want := s.many("bob", 5)
		want = append([]session.Stored{{ID: NewID(), Record: fullFor("bob")}}, want...)
		s.create(want[0].ID, want[0].Record)
		s.lists("bob", 10, want)
	}},
	{"returns each record once, whatever the size of a page", func(s subject) {
		want := s.many("bob", 12)
		for _, limit := range []int{1, 2, 3, 5, 6, 11, 12, 13, 1000} {
			s.lists("bob", limit, want)
		}
	}},
	{"returns each record once where many began at one moment", listTies},
	{"keeps to the principal", func(s subject) {
		bob, alice := s.many("bob", 3), s.many("alice", 4)
		s.many("", 3)
		s.lists("bob", 2, bob)
		s.lists("alice", 2, alice)
	}},
	{"does not continue into another principal's with their cursor", listForeignCursor},
	{"has no deleted record", func(s subject) {
		all := s.many("bob", 4)
		s.delete(all[1].ID, 1)
		s.delete(all[3].ID, 1)
		s.lists("bob", 10, []session.Stored{all[0], all[2]})
		s.delete(all[0].ID, 1)
		s.delete(all[2].ID, 1)
		s.lists("bob", 10, nil)
	}},
	{"has the records that expired", func(s subject) {
		id, rec := NewID(), expired(NewRecord("bob"))
		s.create(id, rec)
		s.lists("bob", 10, []session.Stored{{ID: id, Record: rec}})
	}},
	{"has no moved mark", func(s subject) {
		all := s.many("bob", 3)
		s.update(all[1].ID, movedMark(all[1].Record, NewID()), 1)
		s.lists("bob", 10, []session.Stored{all[0], all[2]})
	}},
	{"has a record once, and as it is, after updates and touches", func(s subject) {
		all := s.many("bob", 3)
		r := &all[1].Record
		*r = next(*r, "two")
		s.update(all[1].ID, *r, 1)
		r.LastSeen, r.Expires = r.LastSeen.Add(time.Minute), r.Expires.Add(time.Minute)
		s.touch(all[1].ID, r.LastSeen, r.Expires, 2)
		s.lists("bob", 10, all)
		s.lists("bob", 1, all)
	}},
	{"has a record that was created again after its deletion", func(s subject) {
		all := s.many("bob", 2)
		s.delete(all[0].ID, 1)
		s.create(all[0].ID, all[0].Record)
		s.lists("bob", 10, all)
		s.delete(all[1].ID, 1)
		other := NewRecord("alice")
		s.create(all[1].ID, other)
		s.lists("bob", 10, all[:1])
		s.lists("alice", 10, []session.Stored{{ID: all[1].ID, Record: other}})
	}},
	{"walks on while records come, go and change", listTraffic},
	{"never misses a session that is being renewed", listRenewed},
	{"shows concurrent creates once they returned", func(s subject) {
		all := make([]session.Stored, 12)
		for i := range all {
			all[i] = session.Stored{ID: NewID(), Record: NewRecord("bob")}
			all[i].Record.Created = all[i].Record.Created.Add(-time.Duration(i) * time.Second)
		}
		outcomes(s, together(times(len(all), func(i int) error { return s.Create(s.Context(), all[i].ID, all[i].Record) })...))
		s.lists("bob", 5, all)
	}},
}

// many creates n records of the principal that began a second apart, in random
// order, and returns them newest first.
func (s subject) many(principal string, n int) []session.Stored {
	s.Helper()
	all := make([]session.Stored, n)
	now := Now()
	for i := range all {
		all[i] = session.Stored{ID: NewID(), Record: NewRecord(principal)}
		all[i].Record.Created = now.Add(-time.Duration(i) * time.Second)
	}
	for _, i := range rand.Perm(n) {
		s.create(all[i].ID, all[i].Record)
	}
	return all
}

func fullFor(principal string) session.Record {
	rec := NewRecord(principal)
	rec.Created = rec.Created.Add(time.Second)
	rec.Version, rec.Persistent, rec.IdleTimeout = 9, false, 0
	return rec
}

// lists fails the test unless a walk gives exactly want in this order, without
// payloads.
func (s subject) lists(principal string, limit int, want []session.Stored) {
	s.Helper()
	got := listAll(s, s.Store.(session.Lister), principal, limit, nil)
	if len(got) != len(want) {
		s.Fatalf("pages of %d list %d records of %q, want %d", limit, len(got), principal, len(want))
	}
	for i := range want {
		if got[i].ID != want[i].ID {
			s.Fatalf("pages of %d: place %d has %s, want %s", limit, i, got[i].ID, want[i].ID)
		}
		rec := want[i].Record
		rec.Payload = nil
		if d := diff(got[i].Record, rec); d != "" {
			s.Fatalf("pages of %d: place %d: %s", limit, i, d)
		}
	}
}

// listAll walks all pages. between is called between them, with the records
// of the page before.
func listAll(t testing.TB, l session.Lister, principal string, limit int, between func(page []session.Stored)) []session.Stored {
	t.Helper()
	return walk(t, between, func(after string) ([]session.Stored, string) {
		page, next, err := l.List(t.Context(), principal, after, limit)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		if len(page) > limit {
			t.Fatalf("a page of %d records, want at most %d", len(page), limit)
		}
		if len(page) == 0 && after != "" && between == nil {
			t.Fatal("an empty page after one that was said not to be the last")
		}
		return page, next
	})
}

func walk(t testing.TB, between func([]session.Stored), read func(after string) ([]session.Stored, string)) []session.Stored {
	t.Helper()
	var all []session.Stored
	after := ""
	for range 10_000 {
		page, next := read(after)
		all = append(all, page...)
		if next == "" {
			return all
		}
		if between != nil {
			between(page)
		}
		after = strings.Clone(next)
	}
	t.Fatal("the walk does not end")
	return nil
}

func idsOf(all []session.Stored) iter.Seq[session.ID] {
	return func(yield func(session.ID) bool) {
		for _, s := range all {
			if !yield(s.ID) {
				return
			}
		}
	}
}

func listTies(s subject) {
	now := Now()
	var want []session.ID
	for i := range 12 {
		id, rec := NewID(), NewRecord("bob")
		rec.Created = now.Add(-time.Duration(i/10) * time.Microsecond)
		s.create(id, rec)
		want = append(want, id)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 3, 4, 12} {
		got := listAll(s, s.Store.(session.Lister), "bob", limit, nil)
		for i := 1; i < len(got); i++ {
			if got[i].Record.Created.After(got[i-1].Record.Created) {
				s.Fatalf("pages of %d: place %d is newer than the one before", limit, i)
			}
		}
		if ids := slices.Sorted(idsOf(got)); !slices.Equal(ids, want) {
			s.Fatalf("pages of %d: %d records, want each of %d once", limit, len(ids), len(want))
		}
	}
}

func listForeignCursor(s subject) {
	s.many("bob", 4)
	s.many("alice", 4)
	l := s.Store.(session.Lister)
	_, cursor, err := l.List(s.Context(), "alice", "", 2)
	if err != nil || cursor == "" {
		s.Fatalf("List: next %q, error %v", cursor, err)
	}
	for _, after := range []string{cursor, "x", "'", "*", "0", "-1", "\x00", strings.Repeat("9", 100), string(NewID())} {
		page, _, err := l.List(s.Context(), "bob", after, 10) // an error is as good
		for _, r := range page {
			if err != nil || r.Record.Principal != "bob" {
				s.Fatalf("after %q: a record of %q, error %v", after, r.Record.Principal, err)
			}
		}
	}
}

// listTraffic asks for pages while the list changes under it. What was there
// before and still is must come exactly once.
func listTraffic(s subject) {
	all := s.many("bob", 15)
	pages, left := 0, 0
	gone := map[session.ID]bool{}
	remove := func(i int) {
		gone[all[i].ID] = true
		s.delete(all[i].ID, 1)
	}
	got := listAll(s, s.Store.(session.Lister), "bob", 3, func(page []session.Stored) {
		pages++
		switch pages {
		case 1: // one that was shown, the one the cursor may name, and one that was not shown
			remove(0)
			remove(2)
			remove(9)
			left = 2
			s.stored("bob") // newer than all
		case 2: // used and written, so newest in every respect but Created
			r := all[12].Record
			s.touch(all[12].ID, r.LastSeen.Add(time.Hour), r.Expires.Add(time.Hour), 1)
			s.update(all[13].ID, next(all[13].Record, "two"), 1)
			s.update(all[1].ID, next(all[1].Record, "two"), 1)
		case 3:
			s.update(all[14].ID, movedMark(all[14].Record, NewID()), 1)
			gone[all[14].ID] = true
		}
	})
	seen := map[session.ID]int{}
	for _, r := range got {
		seen[r.ID]++
	}
	for i, r := range all {
		shown := seen[r.ID]
		switch {
		case !gone[r.ID] && shown != 1:
			s.Fatalf("record %d of 15 was listed %d times, want once", i, shown)
		case i > left && gone[r.ID] && shown != 0:
			s.Fatalf("record %d of 15 was listed after it was gone", i)
		case shown > 1:
			s.Fatalf("record %d of 15 was listed %d times", i, shown)
		}
	}
}

// listRenewed lists a session whose ID changes all the time: the new record
// comes before the old one becomes a mark, so a page has one of them. A sign-out
// everywhere that found neither would end nothing.
func listRenewed(s subject) {
	id, rec := s.stored("bob")
	var renewals, lists atomic.Int64 // each side goes on until the other has done enough
	outcomes(s, together(
		func() error {
			defer renewals.Add(rounds)
			for renewals.Load() < rounds || lists.Load() < rounds {
				successor := NewID()
				if err := s.Create(s.Context(), successor, rec); err != nil {
					return err
				}
				if err := s.Update(s.Context(), id, movedMark(rec, successor), rec.Version); err != nil {
					return err
				}
				id = successor
				renewals.Add(1)
			}
			return nil
		},
		func() error {
			defer lists.Add(rounds)
			for renewals.Load() < rounds || lists.Load() < rounds {
				page, _, err := s.Store.(session.Lister).List(s.Context(), "bob", "", 100)
				if err != nil {
					return err
				}
				if len(page) == 0 {
					return errors.New("a page without the session")
				}
				lists.Add(1)
			}
			return nil
		},
	))
}

var principalChecks = []check{
	{"is compared byte by byte", func(s subject) {
		names := []string{
			"Bob", "bob", "BOB", "bob ", " bob", "bob\t", "bob\n", "b*b", "b?b", "b%b", "b_b", "[bob]", "{bob}", "bob:", "bob:1", ":bob",
			"'bob'", `bob\`, `b\ob`, "é", "e\u0301", "É", "e", "ß", "ss", "ı", "i", "İ", "I", "\U0001F375", "\U0001F376", "0", "00", "1", "1.0", " ", "*", "%",
			strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 255) + "y", strings.Repeat("X", 256),
		}
		want := map[string]session.Stored{}
		for _, name := range names {
			id, rec := s.stored(name)
			want[name] = session.Stored{ID: id, Record: rec}
		}
		for _, name := range names {
			s.lists(name, 10, []session.Stored{want[name]})
		}
	}},
}

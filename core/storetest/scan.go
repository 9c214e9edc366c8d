package storetest

import (
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var scanChecks = []check{
	{"of an empty store is empty", func(s subject) {
		if got := scanAll(s, s.Store.(session.Scanner), 10, nil); len(got) != 0 {
			s.Fatalf("%d records", len(got))
		}
	}},
	{"returns all records whole, whatever the size of a page", func(s subject) {
		want := s.various(23)
		for _, limit := range []int{1, 7, 23, 100} {
			scanned(s, scanAll(s, s.Store.(session.Scanner), limit, nil), want)
		}
	}},
	{"has no deleted record", func(s subject) {
		want := s.various(6)
		for id, rec := range want {
			s.delete(id, rec.Version)
			delete(want, id)
			break
		}
		got := scanAll(s, s.Store.(session.Scanner), 10, nil)
		scanned(s, got, want)
		for _, r := range got {
			if _, ok := want[r.ID]; !ok {
				s.Fatalf("a record that is not stored: %s", r.ID)
			}
		}
	}},
	{"walks on while records come and go", func(s subject) {
		want := s.various(30)
		pages := 0
		got := scanAll(s, s.Store.(session.Scanner), 4, func(page []session.Stored) {
			pages++
			if pages > 5 {
				return
			}
			s.stored("new")
			if len(page) > 0 { // perhaps the one that the cursor names
				last := page[len(page)-1]
				if _, ok := want[last.ID]; ok {
					s.delete(last.ID, want[last.ID].Version)
					delete(want, last.ID)
				}
			}
		})
		scanned(s, got, want)
	}},
	{"shares no memory with the store", func(s subject) {
		id, rec := s.stored("bob")
		for _, r := range scanAll(s, s.Store.(session.Scanner), 10, nil) {
			wipe(r.Record.Payload)
		}
		s.holds(id, rec)
	}},
}

// various creates n records of all kinds.
func (s subject) various(n int) map[session.ID]session.Record {
	s.Helper()
	all := map[session.ID]session.Record{}
	for i := range n {
		id, rec := NewID(), NewRecord("bob")
		switch i % 5 {
		case 1:
			rec = NewRecord("")
		case 2:
			rec = expired(rec)
		case 3:
			rec.Payload = make([]byte, 3000)
		}
		s.create(id, rec)
		if i%5 == 4 {
			rec = movedMark(rec, NewID())
			rec.Expires = rec.Expires.Add(time.Hour)
			s.update(id, rec, 1)
		}
		all[id] = rec
	}
	return all
}

// scanned fails the test unless each of want was scanned as it is.
func scanned(t testing.TB, got []session.Stored, want map[session.ID]session.Record) {
	t.Helper()
	seen := map[session.ID]bool{}
	for _, r := range got {
		seen[r.ID] = true
		if rec, ok := want[r.ID]; ok {
			if d := diff(r.Record, rec); d != "" {
				t.Fatalf("scanned: %s", d)
			}
		}
	}
	for id := range want {
		if !seen[id] {
			t.Fatalf("a scan of %d records lacks one that is there", len(got))
		}
	}
}

func scanAll(t testing.TB, sc session.Scanner, limit int, between func([]session.Stored)) []session.Stored {
	t.Helper()
	return walk(t, between, func(after string) ([]session.Stored, string) {
		page, next, err := sc.Scan(t.Context(), after, limit)
		if err != nil {
			t.Fatalf("Scan: %v", err)
		}
		return page, next
	})
}

var pingChecks = []check{
	{"reaches the store", func(s subject) {
		wants(s, "Ping", s.Store.(session.Pinger).Ping(s.Context()), nil)
	}},
}

var validateChecks = []check{
	{"accepts what open made", func(s subject) {
		wants(s, "Validate", s.Store.(session.Validator).Validate(), nil)
	}},
}

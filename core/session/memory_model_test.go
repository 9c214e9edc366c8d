package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// The model is a plain map: whatever is done, in whatever order, both must say
// the same.
func TestMemoryStoreDoesAsAPlainMapWould(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := session.NewMemoryStore(session.MemoryOptions{})
		model := map[session.ID]session.Record{}
		ids := make([]session.ID, 40)
		for i := range ids {
			ids[i] = storetest.NewID()
		}
		base := storetest.Now().Add(time.Hour)
		at := func() time.Time { return base.Add(time.Duration(r.IntN(1000)) * time.Second) }
		for step := range 3000 {
			id := ids[r.IntN(len(ids))]
			old, exists := model[id]
			ifVersion := old.Version + uint64(r.IntN(4)/3)
			current := exists && ifVersion == old.Version
			rec := storetest.NewRecord([]string{"", "a", "b", "c"}[r.IntN(4)])
			rec.Created, rec.Expires, rec.Version = at(), at(), ifVersion+1
			var got, want error
			switch op := r.IntN(10); {
			case op < 4:
				got = s.Create(t.Context(), id, rec)
				if want = session.ErrExists; !exists {
					model[id], want = rec, nil
				}
			case op < 7:
				got = s.Update(t.Context(), id, rec, ifVersion)
				switch {
				case !exists:
					want = session.ErrNotFound
				case !current:
					want = session.ErrConflict
				default:
					if old.LastSeen.After(rec.LastSeen) {
						rec.LastSeen = old.LastSeen
					}
					model[id] = rec
				}
			case op < 8:
				seen, expires := at(), at()
				got = s.Touch(t.Context(), id, seen, expires, ifVersion)
				if current {
					old.LastSeen, old.Expires = later(old.LastSeen, seen), later(old.Expires, expires)
					model[id] = old
				}
			case op < 9:
				got = s.Delete(t.Context(), id, ifVersion)
				if want = session.ErrConflict; !exists || current {
					delete(model, id)
					want = nil
				}
			case step%5 == 0:
				before := at().Add(-800 * time.Second)
				expected := 0
				for id, rec := range model {
					if rec.Expires.Before(before) {
						delete(model, id)
						expected++
					}
				}
				n, err := s.Purge(t.Context(), before, 1000)
				if got = err; n != expected {
					t.Fatalf("seed %d, step %d: Purge says %d, want %d", seed, step, n, expected)
				}
			}
			if !errors.Is(got, want) || want == nil && got != nil {
				t.Fatalf("seed %d, step %d: error %v, want %v", seed, step, got, want)
			}
			if step%50 == 0 {
				sameAsModel(t, s, model)
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func sameAsModel(t *testing.T, s *session.MemoryStore, model map[session.ID]session.Record) {
	t.Helper()
	scanned := pages(t, func(ctx context.Context, after string) ([]session.Stored, string, error) {
		return s.Scan(ctx, after, 3)
	})
	if len(scanned) != len(model) {
		t.Fatalf("%d records are scanned, want %d", len(scanned), len(model))
	}
	for _, r := range scanned {
		want, ok := model[r.ID]
		if !ok || r.Record.Version != want.Version || r.Record.Mark != want.Mark ||
			!r.Record.Expires.Equal(want.Expires) || !r.Record.LastSeen.Equal(want.LastSeen) {
			t.Fatalf("scanned %+v, want %+v", r.Record, want)
		}
	}
	for _, principal := range []string{"a", "b", "c"} {
		var want []session.Stored
		for id, rec := range model {
			if rec.Principal == principal {
				want = append(want, session.Stored{ID: id, Record: rec})
			}
		}
		slices.SortFunc(want, func(a, b session.Stored) int {
			if c := b.Record.Created.Compare(a.Record.Created); c != 0 {
				return c
			}
			return strings.Compare(string(b.ID), string(a.ID))
		})
		got := pages(t, func(ctx context.Context, after string) ([]session.Stored, string, error) {
			return s.List(ctx, principal, after, 2)
		})
		if !slices.EqualFunc(got, want, func(a, b session.Stored) bool { return a.ID == b.ID && a.Record.Mark == b.Record.Mark }) {
			t.Fatalf("%d records of %s are listed, want %d in order", len(got), principal, len(want))
		}
	}
}

func pages(t *testing.T, read func(ctx context.Context, after string) ([]session.Stored, string, error)) (all []session.Stored) {
	t.Helper()
	for after := ""; ; {
		page, next, err := read(t.Context(), after)
		must(t, err)
		all = append(all, page...)
		if next == "" {
			return all
		}
		after = next
	}
}

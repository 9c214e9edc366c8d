package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestListPageGoesThroughAllSessionsNewestFirst(t *testing.T) {
	s := newSite(t, session.Options{IdleTimeout: time.Hour})
	ctx := context.Background()
	var want []session.ID
	for range 5 {
		want = slices.Insert(want, 0, s.signIn("alice").id())
	}
	s.signIn("bob")
	var got []session.ID
	pages := 0
	for after := ""; ; pages++ {
		page, next, err := s.m.ListPage(ctx, "alice", after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("ListPage: %v, %v", page, err)
		}
		for _, info := range page {
			got = append(got, info.ID)
		}
		if pages == 0 { // what goes, and what comes, moves no other to another page
			if err := s.m.Revoke(ctx, want[0]); err != nil {
				t.Fatal(err)
			}
			s.signIn("alice")
		}
		if after = next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) || pages != 2 {
		t.Errorf("%d more pages: %q, want %q", pages, got, want)
	}
	s.clock.advance(time.Hour)
	if page, _, err := s.m.ListPage(ctx, "alice", "", 10); len(page) != 0 || err != nil {
		t.Errorf("expired ones: %v, %v", page, err)
	}
	if page, next, err := s.m.ListPage(ctx, "", "", 10); len(page) != 0 || next != "" || err != nil {
		t.Errorf("nobody's: %v, %v", page, err)
	}
}

func TestListPageRefusesWhatCannotBe(t *testing.T) {
	s := newSite(t, session.Options{})
	ctx := context.Background()
	s.signIn("alice")
	for _, c := range []struct {
		after string
		limit int
	}{{"", 0}, {"", -1}, {"", 1001}, {"nonsense", 1}, {"12.x", 1}} {
		if _, _, err := s.m.ListPage(ctx, "alice", c.after, c.limit); !errors.Is(err, session.ErrInvalid) || errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	s.wantEvents(session.EventStoreError, 0)
	s.store.plan("list", failBefore)
	if _, _, err := s.m.ListPage(ctx, "alice", "", 1); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("in an outage: %v", err)
	}
	m := session.Must(session.New(session.Options{Store: bare{newProbe()}}))
	if _, _, err := m.ListPage(ctx, "alice", "", 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without a lister: %v", err)
	}
}

func TestInspectTellsTheNamesOfTheKeysAndValuesOnRequest(t *testing.T) {
	s, b := started(t, session.Options{IdleTimeout: time.Hour})
	ctx := context.Background()
	b.visit(func(s *session.Session) { s.Login("alice"); name.Set(s, "a secret"); s.Flash("info", "hello") }).want(200)
	before := b.id()
	b.visit(renew).want(200)
	id := b.id()
	s.store.reset()
	for _, asked := range []session.ID{id, before} {
		d, err := s.m.Inspect(ctx, asked)
		if err != nil || d.ID != id || d.Principal != "alice" || d.Codec != "json" || d.IdleTimeout != time.Hour || !d.Persistent || d.Size == 0 ||
			!slices.Equal(d.Keys, []string{"_flash", "cart", "name"}) {
			t.Errorf("Inspect: %+v, %v", d, err)
		}
		if raw, ok := d.Value("name"); !ok || string(raw) != `"a secret"` {
			t.Errorf("Value: %s, %v", raw, ok)
		}
		if _, ok := d.Value("none"); ok {
			t.Error("there is a value that nobody set")
		}
		text, err := json.Marshal(d)
		if all := fmt.Sprintf("%v %+v %#v %s", d, d, d, text); strings.Contains(all, "secret") || err != nil {
			t.Errorf("it prints a value: %s, %v", all, err)
		}
	}
	s.wantCalls("fresh", "fresh", "fresh") // no use of the session, no touch
}

// other is a codec that only one of two managers knows.
type other struct{ session.Codec }

func (other) Name() string { return "other" }

func TestInspectShowsWhatIsEncodedOtherwise(t *testing.T) {
	s := newSite(t, session.Options{Codec: other{session.JSON}})
	b := s.browser()
	b.visit(add("tea")).want(200)
	d, err := s.another(session.Options{}).m.Inspect(context.Background(), b.id())
	if raw, ok := d.Value("cart"); err != nil || d.Codec != "other" || !ok || string(raw) != `["tea"]` {
		t.Errorf("Inspect: %+v, %s, %v", d, raw, err)
	}
}

func TestInspectFindsNoSessionWhereThereIsNone(t *testing.T) {
	s, b := started(t, session.Options{Lifetime: time.Hour})
	ctx := context.Background()
	id := b.id()
	for _, id := range []session.ID{"", "nonsense", session.ID(b.token())} {
		if _, err := s.m.Inspect(ctx, id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	s.store.plan("fresh", failBefore)
	if _, err := s.m.Inspect(ctx, id); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("in an outage: %v", err)
	}
	rec := s.store.records()[id]
	rec.Version, rec.Payload = rec.Version+1, []byte{1}
	if err := s.store.Update(ctx, id, rec, rec.Version-1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.m.Inspect(ctx, id); !errors.Is(err, session.ErrUndecodable) {
		t.Errorf("a record that cannot be read: %v", err)
	}
	s.clock.advance(time.Hour)
	if _, err := s.m.Inspect(ctx, id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
}

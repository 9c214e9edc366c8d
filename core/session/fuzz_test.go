package session_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// FuzzRecord stores any record that a store may return. A request that comes
// with its token gets an ordinary answer; unless the record is a session or a
// mark, that is none, with exactly one event and no write.
func FuzzRecord(f *testing.F) {
	f.Fuzz(func(t *testing.T, version uint64, created, seen, expires, end, idle int64, principal, movedTo, agent string, payload []byte) {
		s := newSite(t, session.Options{})
		b := s.browser()
		b.visit(add("tea")).want(200)
		s.rewrite(func(r *session.Record) {
			*r = session.Record{
				Version: version, Principal: principal, MovedTo: session.ID(movedTo), Created: time.UnixMicro(created).UTC(),
				LastSeen: time.UnixMicro(seen).UTC(), Expires: time.UnixMicro(expires).UTC(), LifetimeEnd: time.UnixMicro(end).UTC(),
				IdleTimeout: time.Duration(idle), Device: session.Device{UserAgent: agent}, Payload: payload,
			}
		})
		stored := s.store.records()
		s.store.reset()
		s.events.all = nil
		there := false
		b.visit(func(s *session.Session) {
			there = s.ID() != ""
			_, _, _, _ = s.Principal(), s.Keys(), s.Flashes(), s.ExpiresAt()
			_, _ = cart.Lookup(s)
		}).want(200)
		mark := len(stored) == 1 && slices.Collect(maps.Values(stored))[0].MovedTo != ""
		ended := s.events.of(session.EventUndecodable)
		ended = append(append(ended, s.events.of(session.EventExpired)...), s.events.of(session.EventUnknownToken)...)
		switch {
		case !there && !mark && len(ended) != 1:
			t.Errorf("no session, and %d events: %v", len(ended), ended)
		case !there && !slices.Equal(s.store.took(), []string{"load"}) && !slices.Equal(s.store.took(), []string{"load", "fresh"}):
			t.Errorf("no session, and the store calls %q", s.store.took())
		case !there && fmt.Sprint(stored) != fmt.Sprint(s.store.records()):
			t.Error("a read changed the record")
		}
		if _, err := s.m.List(t.Context(), principal); err != nil {
			t.Errorf("List: %v", err)
		}
		if _, err := s.m.RevokeAll(t.Context(), principal); err != nil {
			t.Errorf("RevokeAll: %v", err)
		}
		b.visit(destroy).want(200)
		b.visit(login("alice")).want(200).setsCookie()
		b.sees("alice")
	})
}

// FuzzFlash: whatever is stored as messages, and whatever text is added, is shown once.
func FuzzFlash(f *testing.F) {
	f.Fuzz(func(t *testing.T, stored []byte, kind, text string) {
		if len(stored)+len(text)+len(kind) > 8<<10 {
			return // more than fits
		}
		s, b := started(t, session.Options{})
		s.rewrite(func(r *session.Record) { r.Payload = envelope("_flash", string(stored), "cart", `["tea"]`) })
		b.visit(func(s *session.Session) { s.Flash(kind, text) }).want(200)
		want := session.Flash{Kind: strings.ToValidUTF8(kind, "\uFFFD"), Text: strings.ToValidUTF8(text, "\uFFFD")}
		if !utf8.ValidString(kind) || !utf8.ValidString(text) {
			want = session.Flash{} // JSON replaces each byte, ToValidUTF8 each run
		}
		b.visit(func(s *session.Session) {
			got := s.Flashes()
			if len(got) == 0 || want != (session.Flash{}) && got[len(got)-1] != want {
				t.Errorf("the messages are %q, want %q last", got, want)
			}
		}).want(200)
		b.visit(func(s *session.Session) {
			if got := s.Flashes(); len(got) != 0 {
				t.Errorf("shown again: %q", got)
			}
		}).want(200)
		b.sees("", "tea")
	})
}

// checkValue reads the stored value as a T: it is one, or absent with one event.
// What was read is read again when it was set.
func checkValue[T any](t *testing.T, s *site, b *browser) {
	t.Helper()
	key := session.NewKey[T]("value")
	s.events.all = nil
	var v T
	var ok bool
	b.visit(func(s *session.Session) { v, ok = key.Lookup(s) }).want(200).noCookie()
	if !ok {
		s.wantEvents(session.EventUndecodable, 1)
	} else {
		s.wantEvents(session.EventUndecodable, 0)
		b.visit(func(s *session.Session) { key.Set(s, v) }).want(200)
		b.visit(func(s *session.Session) {
			if again, ok := key.Lookup(s); !ok || !reflect.DeepEqual(again, v) {
				t.Errorf("%#v was set, and is %#v, %v", v, again, ok)
			}
		}).want(200)
	}
	for _, e := range s.events.of(session.EventUndecodable) {
		if e.Key != "value" || e.Err == nil || e.Err.Error() != fmt.Sprintf("not a %T", v) {
			t.Errorf("the event is %+v", e)
		}
	}
}

type profile struct {
	Name string
	Tags map[string][]int
	When time.Time
	Next *profile
}

// FuzzValue stores any bytes as a value and reads it as values of several types.
func FuzzValue(f *testing.F) {
	f.Fuzz(func(t *testing.T, stored []byte) {
		if len(stored) > 4<<10 {
			return
		}
		s, b := started(t, session.Options{MaxSize: 1 << 20})
		put := func() {
			s.rewrite(func(r *session.Record) { r.Payload = envelope("cart", `["tea"]`, "value", string(stored)) })
		}
		for _, check := range []func(*testing.T, *site, *browser){
			checkValue[int], checkValue[string], checkValue[[]string], checkValue[map[string]any], checkValue[profile], checkValue[*profile], checkValue[any],
		} {
			put()
			check(t, s, b)
		}
		put()
		asInt := session.NewKey[int]("value")
		b.visit(func(s *session.Session) { asInt.Update(s, func(int) int { return 7 }) }).want(200)
		b.visit(func(s *session.Session) {
			if got := asInt.Get(s); got != 7 {
				t.Errorf("after Update: %d", got)
			}
		}).want(200)
		b.sees("", "tea")
	})
}

// FuzzHandles gives any text as ID and principal to all that takes them.
func FuzzHandles(f *testing.F) {
	f.Fuzz(func(t *testing.T, id, principal string) {
		s := newSite(t, session.Options{})
		alice, b := s.browser(), s.browser()
		alice.visit(login("alice")).want(200)
		if principal == "alice" || session.ID(id) == alice.id() {
			return
		}
		ctx := t.Context()
		absent := func(op string, err error) {
			t.Helper()
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", op, err)
			}
		}
		absent("Revoke", s.m.Revoke(ctx, session.ID(id)))
		absent("RevokeFor", s.m.RevokeFor(ctx, principal, session.ID(id)))
		absent("RevokeFor alice", s.m.RevokeFor(ctx, "alice", session.ID(id)))
		absent("RevokeFor another", s.m.RevokeFor(ctx, principal, alice.id()))
		if infos, err := s.m.List(ctx, principal); err != nil || len(infos) != 0 {
			t.Errorf("List: %v, %v", infos, err)
		}
		if n, err := s.m.RevokeAll(ctx, principal); n != 0 || err != nil {
			t.Errorf("RevokeAll: %d, %v", n, err)
		}
		a := b.visit(login(principal))
		if principal == "" || len(principal) > session.MaxPrincipal || !utf8.ValidString(principal) || strings.Contains(principal, "\x00") {
			a.want(500)
			s.wantTold(session.ErrInvalid)
			b.seesNothing()
		} else {
			a.want(200)
			b.sees(principal)
			if infos, err := s.m.List(ctx, principal); err != nil || len(infos) != 1 || infos[0].Principal != principal {
				t.Errorf("List: %v, %v", infos, err)
			}
			if n, err := s.m.RevokeAll(ctx, principal); n != 1 || err != nil {
				t.Errorf("RevokeAll: %d, %v", n, err)
			}
			b.seesNothing()
		}
		alice.sees("alice")
		s.wantEvents(session.EventStoreError, 0)
	})
}

// FuzzCursor: a page after any text is an error, or one like any other.
func FuzzCursor(f *testing.F) {
	store, want := session.NewMemoryStore(session.MemoryOptions{}), map[session.ID]bool{}
	f.Fuzz(func(t *testing.T, after string, limit int) {
		for i := len(want); i < 7; i++ {
			id := session.ID(strings.Repeat("A", 41) + string(rune('A'+i)) + "A")
			rec := session.Record{Version: 1, Principal: "alice", Created: time.UnixMicro(int64(1 + i/2)), Expires: time.Now().Add(time.Hour), LifetimeEnd: time.Now().Add(time.Hour)}
			if err := store.Create(t.Context(), id, rec); err != nil {
				t.Fatal(err)
			}
			want[id] = true
		}
		limit = max(limit, -1) % 4
		for _, walk := range []func(after string) ([]session.Stored, string, error){
			func(after string) ([]session.Stored, string, error) {
				return store.List(t.Context(), "alice", after, limit)
			},
			func(after string) ([]session.Stored, string, error) { return store.Scan(t.Context(), after, limit) },
		} {
			seen := map[session.ID]bool{}
			for next := after; ; {
				page, more, err := walk(next)
				if err != nil {
					if !errors.Is(err, session.ErrInvalid) || len(page) > 0 || more != "" {
						t.Fatalf("%v, %q, %v", page, more, err)
					}
					break
				}
				for _, s := range page {
					if !want[s.ID] || seen[s.ID] || s.Record.Principal != "alice" {
						t.Fatalf("%q is not there, or twice", s.ID)
					}
					seen[s.ID] = true
				}
				if len(page) > limit || more != "" && len(page) == 0 {
					t.Fatalf("a page of %d records, limit %d, next %q", len(page), limit, more)
				}
				if next = more; more == "" {
					break
				}
			}
			if after == "" && limit > 0 && len(seen) != len(want) {
				t.Fatalf("%d of %d records", len(seen), len(want))
			}
		}
	})
}

// FuzzDevice sends any User-Agent: what is kept of it is text within its limit.
func FuzzDevice(f *testing.F) {
	f.Fuzz(func(t *testing.T, agent string) {
		s := newSite(t, session.Options{})
		r := httptest.NewRequest(http.MethodGet, siteURL, nil)
		r.Header["User-Agent"] = []string{agent}
		ask(t, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			session.From(r.Context()).Login("alice")
		})), r).want(200).setsCookie()
		infos, err := s.m.List(t.Context(), "alice")
		if err != nil || len(infos) != 1 {
			t.Fatalf("List: %v, %v", infos, err)
		}
		kept := infos[0].Device.UserAgent
		if len(kept) > session.MaxUserAgent || !utf8.ValidString(kept) || strings.ContainsAny(kept, "\x00\r\n\u202e\ufffd") {
			t.Errorf("%q is kept as %q", agent, kept)
		}
	})
}

package adaptertest

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// farFuture is a deadline that no test reaches.
var farFuture = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// testLate shows what becomes of changes after the header: those of a stored
// session are saved, those that need a cookie are dropped and told.
func testLate(t *testing.T, fw Framework) {
	// late answers, and changes the session afterwards.
	late := func(s *site, change func(*session.Session), check func(*session.Session)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "tea")
			w.(http.Flusher).Flush()
			change(session.From(r.Context()))
			check(session.From(r.Context()))
		}
	}
	unchecked := func(*session.Session) {}
	visit := func(s *session.Session) { visits.Update(s, func(n int) int { return n + 1 }) }

	t.Run("of a stored session", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/late", late(s, visit, unchecked))
		b := s.start().browser()
		b.get("/visit")
		b.get("/late").want(200, "tea").wantCookies()
		b.get("/show").want(200, ":2")
		if n := s.events.count(session.EventLateWrite); n != 0 {
			t.Fatalf("%d late writes were reported, want none", n)
		}
	})
	t.Run("of a new session", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/late", late(s, visit, unchecked))
		b := s.start().browser()
		b.get("/late").want(200, "tea").wantCookies()
		s.store.wantCalls(t)
		s.store.wantRecords(t, 0)
		if n := s.events.count(session.EventLateWrite); n != 1 {
			t.Fatalf("%d late writes were reported, want 1", n)
		}
	})
	t.Run("of a new session, saved by hand", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		var saved, kept error
		s.handle("/late", func(w http.ResponseWriter, r *http.Request) {
			late(s, visit, func(se *session.Session) {
				saved, kept = se.Save(r.Context()), se.Err()
			})(w, r)
		})
		b := s.start().browser()
		b.get("/late").want(200, "tea").wantCookies()
		if !errors.Is(saved, session.ErrHeaderSent) || !errors.Is(kept, session.ErrHeaderSent) {
			t.Fatalf("Save returned %v and Err %v, want ErrHeaderSent", saved, kept)
		}
		s.store.wantRecords(t, 0)
	})
	for name, change := range map[string]func(*session.Session){
		"a login":   func(s *session.Session) { s.Login("mallory") },
		"a renewal": func(s *session.Session) { s.Renew() },
	} {
		t.Run(name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.handle("/late", late(s, change, unchecked))
			b := s.start().browser()
			b.get("/visit")
			b.get("/late").want(200, "tea").wantCookies()
			b.get("/show").want(200, ":1")
			s.store.wantRecords(t, 1)
			if n := s.events.count(session.EventLateWrite); n != 1 {
				t.Fatalf("%d late writes were reported, want 1", n)
			}
		})
	}
	t.Run("that the store does not take", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/late", late(s, func(se *session.Session) {
			s.store.fail("update")
			visit(se)
		}, unchecked))
		b := s.start().browser()
		b.get("/visit")
		b.get("/late").want(200, "tea").wantCookies()
		s.store.fail()
		b.get("/show").want(200, ":1")
		if n := s.events.count(session.EventLateWrite); n != 1 {
			t.Fatalf("%d late writes were reported, want 1", n)
		}
	})
}

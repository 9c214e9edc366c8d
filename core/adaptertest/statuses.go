package adaptertest

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testStatuses shows that a response with a status of 500 or above changes
// nothing, and that any other is kept.
func testStatuses(t *testing.T, fw Framework) {
	changes := map[string]func(*session.Session){
		"Set":   func(s *session.Session) { note.Set(s, "lost") },
		"Login": func(s *session.Session) { s.Login("mallory") },
		"Renew": func(s *session.Session) { s.Renew() },
		"Clear": func(s *session.Session) { s.Clear() },
	}
	for name, change := range changes {
		for _, status := range []int{500, 503, 599} {
			t.Run(fmt.Sprintf("%d drops %s", status, name), func(t *testing.T) {
				s := withVisits(newSite(t, fw))
				s.handle("/fail", func(w http.ResponseWriter, r *http.Request) {
					change(session.From(r.Context()))
					w.WriteHeader(status)
					_, _ = io.WriteString(w, "failed")
				})
				b := s.start().browser()
				b.get("/fail").want(status, "failed").wantCookies()
				s.store.wantRecords(t, 0)

				b.get("/login")
				b.get("/visit")
				token := b.cookie(defaultName)
				stored := s.store.records(t)
				s.store.counted()
				b.get("/fail").want(status, "failed").wantCookies()
				s.store.wantCalls(t, "load")
				if now := s.store.records(t); len(now) != len(stored) {
					t.Fatalf("%d records are stored, want %d as before", len(now), len(stored))
				}
				if b.cookie(defaultName) != token {
					t.Fatal("the failing response changed the token")
				}
				b.get("/show").want(200, "alice:1")
			})
		}
	}
	for _, status := range []int{200, 201, 202, 302, 400, 401, 404, 422, 499} {
		t.Run(fmt.Sprintf("%d keeps changes", status), func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.handle("/do", visited(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "done")
			}))
			b := s.start().browser()
			b.get("/do").want(status, "done").wantCookies(defaultName)
			b.get("/show").want(200, ":1")
		})
	}
	t.Run("a failing response without a body drops changes", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/fail", visited(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
		b := s.start().browser()
		b.get("/fail").want(502, "").wantCookies()
		s.store.wantRecords(t, 0)
	})
	t.Run("a change after a failing response's header is dropped too", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/fail", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "failed")
			Visit(r.Context())
		})
		b := s.start().browser()
		b.get("/visit")
		b.get("/fail").want(500, "failed").wantCookies()
		b.get("/show").want(200, ":1")
	})
	t.Run("Save after a failing response's header keeps nothing from before", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/fail", visited(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "failed")
			_ = session.From(r.Context()).Save(r.Context())
		}))
		b := s.start().browser()
		b.get("/visit")
		b.get("/fail").want(500, "failed").wantCookies()
		b.get("/show").want(200, ":1")
	})
}

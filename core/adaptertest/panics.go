package adaptertest

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testPanics shows that a panic changes nothing, on either side of the
// framework's recovery.
func testPanics(t *testing.T, fw Framework) {
	changes := map[string]func(*session.Session){
		"Set":   func(s *session.Session) { note.Set(s, "lost") },
		"Login": func(s *session.Session) { s.Login("mallory") },
		"Renew": func(s *session.Session) { s.Renew() },
	}
	for _, inside := range []bool{false, true} {
		for name, change := range changes {
			t.Run(fmt.Sprintf("before the header, after %s, recovery inside %v", name, inside), func(t *testing.T) {
				s := withVisits(newSite(t, fw))
				s.app.RecoverInside = inside
				s.handle("/panic", func(_ http.ResponseWriter, r *http.Request) {
					change(session.From(r.Context()))
					panic("meant")
				})
				b := s.start().browser()
				b.get("/panic").wantStatus(500).wantCookies()
				s.store.wantRecords(t, 0)

				b.get("/login")
				b.get("/visit")
				token := b.cookie(defaultName)
				s.store.counted()
				b.get("/panic").wantStatus(500).wantCookies()
				s.store.wantCalls(t, "load")
				if b.cookie(defaultName) != token {
					t.Fatal("the panic changed the token")
				}
				b.get("/show").want(200, "alice:1")
			})
		}
		t.Run(fmt.Sprintf("after the header, recovery inside %v", inside), func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.app.RecoverInside = inside
			left := make(gate)
			s.handle("/panic", visited(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "tea")
				w.(http.Flusher).Flush()
				left.wait(r)
				if !inside { // what is recovered inside is no panic to the session
					Visit(r.Context())
				}
				panic("meant")
			}))
			b := s.start().browser()
			resp, v := b.open(b.request(t.Context(), http.MethodGet, "/panic", nil))
			close(left)
			if a := b.read(resp, v).wantCookies(defaultName); a.status != 200 {
				t.Fatalf("got %d, want 200: the header had left", a.status)
			}
			b.get("/show").want(200, ":1")
		})
	}
	t.Run("a connection that is cut on purpose", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/abort", visited(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		b := s.start().browser()
		resp, v, err := b.try(b.request(t.Context(), http.MethodGet, "/abort", nil))
		if err == nil { // a framework may answer all the same
			b.read(resp, v).wantCookies()
		}
		<-v.done
		s.store.wantRecords(t, 0)
	})
	t.Run("Destroy before a panic has taken effect", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/panic", func(_ http.ResponseWriter, r *http.Request) {
			if err := session.From(r.Context()).Destroy(r.Context()); err != nil {
				panic(err)
			}
			panic("meant")
		})
		b := s.start().browser()
		b.get("/login")
		b.get("/panic").wantStatus(500)
		s.store.wantRecords(t, 0)
		b.get("/show").want(200, ":0")
	})
}

package adaptertest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// attributes returns those of a Set-Cookie line that a browser matches cookies by.
func attributes(line string) string {
	var kept []string
	for i, part := range strings.Split(line, "; ") {
		name, _, _ := strings.Cut(part, "=")
		if i > 0 && name != "Max-Age" && name != "Expires" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "; ")
}

// testSignOut shows that Destroy acts at once and that the browser forgets the cookie.
func testSignOut(t *testing.T, fw Framework) {
	destroy := func(w http.ResponseWriter, r *http.Request) {
		if err := session.From(r.Context()).Destroy(r.Context()); err != nil {
			panic(err)
		}
		_, _ = w.Write([]byte("bye"))
	}
	for name, set := range map[string]func(*session.Options){
		"by default": func(*session.Options) {},
		"with every attribute": func(o *session.Options) {
			o.Cookie = session.Cookie{Domain: "example.com", Path: "/shop", SameSite: http.SameSiteStrictMode, Partitioned: true}
		},
		"that scripts can read": func(o *session.Options) {
			o.Cookie = session.Cookie{SameSite: http.SameSiteNoneMode, ScriptReadable: true, BrowserSession: true}
		},
	} {
		t.Run("removing a cookie repeats its attributes, "+name, func(t *testing.T) {
			s := withVisits(newSite(t, fw, func(o *session.Options) { o.Insecure = false }, named("tea"), set, named("tea")))
			s.handle("/logout", destroy)
			b := s.start().browser()
			given := b.get("/login").wantCookies("tea").header.Get("Set-Cookie")
			removed := b.get("/logout").want(200, "bye").wantCookies("tea").
				wantHeader("Cache-Control", "no-store").wantHeader("Vary", "Cookie").header.Get("Set-Cookie")
			if attributes(given) != attributes(removed) {
				t.Fatalf("the cookie has %q and its removal %q", attributes(given), attributes(removed))
			}
			if !strings.HasPrefix(removed, "tea=; ") || !strings.Contains(removed, "Max-Age=0") || !strings.Contains(removed, "Expires=Thu, 01 Jan 1970") {
				t.Fatalf("the removal is %q", removed)
			}
		})
	}
	t.Run("the session is gone while the handler still runs", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		more := make(gate)
		s.handle("/logout", func(w http.ResponseWriter, r *http.Request) {
			destroy(w, r)
			w.(http.Flusher).Flush()
			more.wait(r)
		})
		b := s.start().browser()
		b.get("/login")
		thief := b.copy()
		thief.get("/show").want(200, "alice:0")
		resp, v := b.open(b.request(t.Context(), http.MethodGet, "/logout", nil))
		s.store.wantRecords(t, 0)
		thief.get("/show").want(200, ":0").wantCookies()
		close(more)
		b.read(resp, v).want(200, "bye").wantCookies(defaultName)
		if b.cookie(defaultName) != "" {
			t.Fatal("the browser keeps the cookie")
		}
	})
	t.Run("it stays so when the response fails", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/logout", func(w http.ResponseWriter, r *http.Request) {
			if err := session.From(r.Context()).Destroy(r.Context()); err != nil {
				panic(err)
			}
			http.Error(w, "failed", http.StatusInternalServerError)
		})
		b := s.start().browser()
		b.get("/login")
		b.get("/logout").want(500, "failed").wantCookies(defaultName)
		s.store.wantRecords(t, 0)
	})
	t.Run("what is set afterwards begins a new session, with one cookie", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/restart", func(w http.ResponseWriter, r *http.Request) {
			if err := session.From(r.Context()).Destroy(r.Context()); err != nil {
				panic(err)
			}
			Visit(r.Context())
			w.WriteHeader(http.StatusNoContent)
		})
		b := s.start().browser()
		b.get("/login")
		thief := b.copy()
		b.get("/restart").want(204, "").wantCookies(defaultName)
		b.get("/show").want(200, ":1")
		thief.get("/show").want(200, ":0")
	})
	t.Run("a sign-out that the store did not take is a 503, and the session stays", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/logout", func(w http.ResponseWriter, r *http.Request) {
			if session.From(r.Context()).Destroy(r.Context()) == nil {
				panic("Destroy told of success")
			}
			_, _ = w.Write([]byte("bye"))
		})
		b := s.start().browser()
		b.get("/login")
		s.store.fail("delete")
		wantUnavailable(b.get("/logout"), http.MethodGet)
		s.store.fail()
		b.get("/show").want(200, "alice:0")
	})
}

package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testHeaders shows that a response with a session says what caches must know,
// beside what the handler says.
func testHeaders(t *testing.T, fw Framework) {
	for _, c := range []struct {
		given, read, set []string // Vary of the handler; of the response that reads, and that sets a cookie
	}{
		{nil, []string{"Cookie"}, []string{"Cookie"}},
		{[]string{"Accept-Encoding"}, []string{"Accept-Encoding", "Cookie"}, []string{"Accept-Encoding", "Cookie"}},
		{[]string{"Accept, cookie"}, []string{"Accept, cookie"}, []string{"Accept, cookie"}},
		{[]string{"*"}, []string{"*"}, []string{"*"}},
		{[]string{"Accept", "*"}, []string{"Accept", "*"}, []string{"Accept", "*"}},
	} {
		t.Run(fmt.Sprintf("Vary %q", c.given), func(t *testing.T) {
			s := newSite(t, fw)
			give := func(w http.ResponseWriter) {
				for _, v := range c.given {
					w.Header().Add("Vary", v)
				}
			}
			s.handle("/set", func(w http.ResponseWriter, r *http.Request) { give(w); Visit(r.Context()) })
			s.handle("/read", func(w http.ResponseWriter, r *http.Request) { give(w); showVisits(w, r) })
			b := s.start().browser()
			b.get("/read").want(200, ":0").wantHeader("Vary", c.read...)
			b.get("/set").want(200, "").wantHeader("Vary", c.set...)
			b.get("/read").want(200, ":1").wantHeader("Vary", c.read...)
		})
	}
	for _, c := range []struct{ given, set string }{
		{"", "no-store"},
		{"public, max-age=60", "no-store"},
		{"no-cache", "no-store"},
		{"private, No-Store", "private, No-Store"},
	} {
		t.Run(fmt.Sprintf("Cache-Control %q", c.given), func(t *testing.T) {
			s := newSite(t, fw)
			cached := func(h http.HandlerFunc) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if c.given != "" {
						w.Header().Set("Cache-Control", c.given)
					}
					h(w, r)
				}
			}
			s.handle("/set", cached(visited(nothing)))
			s.handle("/read", cached(showVisits))
			b := s.start().browser()
			b.get("/set").want(200, "").wantHeader("Cache-Control", c.set)
			a := b.get("/read").want(200, ":1")
			if c.given == "" {
				a.wantHeader("Cache-Control")
			} else {
				a.wantHeader("Cache-Control", c.given) // as the handler says: no cookie is in it
			}
		})
	}
	t.Run("never two cookies of one name", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/set", visited(func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "first", Value: "kept"})
			http.SetCookie(w, &http.Cookie{Name: defaultName, Value: "forged"})
			http.SetCookie(w, &http.Cookie{Name: "last", Value: "kept"})
			session.From(r.Context()).Login("alice")
		}))
		b := s.start().browser()
		b.get("/set").want(200, "").wantCookies("first", "last", defaultName)
		b.get("/show").want(200, "alice:1")
		b.get("/set").want(200, "").wantCookies("first", "last", defaultName) // a new login, a new token
		b.get("/show").want(200, "alice:2")
	})
	t.Run("the cookie has the attributes of its policy", func(t *testing.T) {
		s := withVisits(newSite(t, fw, func(o *session.Options) { o.Insecure = false }))
		b := s.start().browser()
		line := b.get("/visit").wantCookies("__Host-session").header.Get("Set-Cookie")
		_, attributes, _ := strings.Cut(line, "; ")
		if want := "Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax"; attributes != want {
			t.Fatalf("the attributes are %q, want %q", attributes, want)
		}
	})
}

// testReads shows that what is not used costs nothing, that reading writes
// nothing, and that a forged cookie creates nothing.
func testReads(t *testing.T, fw Framework) {
	s := withVisits(newSite(t, fw))
	s.handle("/untouched", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("tea")) })
	s.handle("/empty", nothing)
	s.handle("/from", func(_ http.ResponseWriter, r *http.Request) { session.From(r.Context()) })
	b := s.start().browser()
	for range 2 { // without a cookie, then with one
		for _, path := range []string{"/untouched", "/empty", "/from"} {
			b.get(path).wantStatus(200).wantCookies().wantHeader("Vary").wantHeader("Cache-Control")
		}
		s.store.wantCalls(t)
		b.get("/visit")
		s.store.counted()
	}
	for range 2 {
		b.get("/show").want(200, ":2").wantCookies().wantHeader("Vary", "Cookie").wantHeader("Cache-Control")
		s.store.wantCalls(t, "load")
	}
	for _, value := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 4000), `"quoted"`, "a, b", "=;;=", "caf\xe9"} {
		forger := s.browser()
		forger.cookies[defaultName] = value
		forger.get("/show").want(200, ":0").wantCookies()
	}
	s.store.wantRecords(t, 1)
	s.store.counted()
	s.browser().get("/show").want(200, ":0").wantCookies() // an anonymous reader
	s.store.wantCalls(t)
}

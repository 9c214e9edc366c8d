package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestARequestCostsExactlyTheCallsItNeeds(t *testing.T) {
	for _, c := range []struct {
		does  string
		f     func(*session.Session)
		calls string
		sets  bool // a cookie
	}{
		{"nothing", func(*session.Session) {}, "", false},
		{"asks for an error", func(s *session.Session) { _ = s.Err() }, "", false},
		{"saves nothing", func(s *session.Session) { _ = s.Save(context.Background()) }, "", false},
		{"loads", func(s *session.Session) { _ = s.Load(context.Background()) }, "load", false},
		{"reads", read, "load", false},
		{"reads many times", func(s *session.Session) { read(s); read(s); _ = cart.Get(s); _ = s.Principal(); _ = s.ExpiresAt() }, "load", false},
		{"looks for flashes where there are none", func(s *session.Session) { s.Flashes() }, "load", false},
		{"deletes, pops and clears what is not there", func(s *session.Session) { name.Delete(s); name.Pop(s); s.Delete("name") }, "load", false},
		{"sets", func(s *session.Session) { name.Set(s, "x") }, "load update", false},
		{"sets without reading", func(s *session.Session) { name.Set(s, "x"); count.Set(s, 1); add("milk")(s) }, "load update", false},
		{"deletes", func(s *session.Session) { cart.Delete(s) }, "load update", false},
		{"clears", func(s *session.Session) { s.Clear() }, "load update", false},
		{"flashes", func(s *session.Session) { s.Flash("info", "x") }, "load update", false},
		{"saves itself", func(s *session.Session) { name.Set(s, "x"); _ = s.Save(context.Background()) }, "load update", false},
		{"sets its idle timeout", func(s *session.Session) { s.SetIdleTimeout(1e9) }, "load update", false},
		{"sets its lifetime", func(s *session.Session) { s.SetLifetime(1e9) }, "load update", true},
		{"becomes persistent or not", func(s *session.Session) { s.SetPersistent(false) }, "load update", true},
		{"renews", renew, "load create fresh update", true},
		{"logs in", login("alice"), "load create fresh update", true},
		{"logs in and sets", func(s *session.Session) { s.Login("alice"); name.Set(s, "x") }, "load create fresh update", true},
		{"destroys", destroy, "load delete", true},
		{"destroys and begins anew", func(s *session.Session) { destroy(s); name.Set(s, "x") }, "load delete create", true},
		{"reloads", func(s *session.Session) { read(s); _ = s.Reload(context.Background()) }, "load load", false},
	} {
		t.Run(c.does, func(t *testing.T) {
			s, b := started(t, session.Options{})
			a := b.visit(c.f).want(200)
			s.wantCalls(strings.Fields(c.calls)...)
			if sets := len(a.cookies()) > 0; sets != c.sets {
				t.Errorf("cookies: %q", a.header["Set-Cookie"])
			}
			if vary := a.header.Get("Vary"); (vary == "Cookie") != (c.calls != "") {
				t.Errorf("Vary is %q", vary)
			}
			if cache := a.header.Get("Cache-Control"); (cache == "no-store") != c.sets {
				t.Errorf("Cache-Control is %q", cache)
			}
		})
	}
}

func TestAVisitorWithoutACookieCostsNothingUntilSomethingIsKept(t *testing.T) {
	for _, c := range []struct {
		does  string
		f     func(*session.Session)
		calls string
	}{
		{"reads", read, ""},
		{"sets and deletes", func(s *session.Session) { name.Set(s, "x"); name.Delete(s) }, ""},
		{"sets and clears", func(s *session.Session) { name.Set(s, "x"); s.Clear() }, ""},
		{"flashes and shows it", func(s *session.Session) { s.Flash("info", "x"); s.Flashes() }, ""},
		{"renews", renew, ""},
		{"destroys", destroy, ""},
		{"sets its lifetime", func(s *session.Session) { s.SetLifetime(1e9); s.SetPersistent(false); s.SetIdleTimeout(1e9) }, ""},
		{"sets", func(s *session.Session) { name.Set(s, "x") }, "create"},
		{"sets and renews", func(s *session.Session) { name.Set(s, "x"); s.Renew() }, "create"},
		{"logs in", login("alice"), "create"},
		{"logs in and sets", func(s *session.Session) { s.Login("alice"); add("tea")(s) }, "create"},
		{"saves and sets again", func(s *session.Session) {
			name.Set(s, "x")
			_ = s.Save(context.Background())
			name.Set(s, "y")
		}, "create update"},
	} {
		t.Run(c.does, func(t *testing.T) {
			s := newSite(t, session.Options{})
			a := s.browser().visit(c.f).want(200)
			s.wantCalls(strings.Fields(c.calls)...)
			if kept := len(a.cookies()) > 0; kept != (c.calls != "") {
				t.Errorf("cookies: %q", a.header["Set-Cookie"])
			}
			if n := len(s.store.records()); (n == 1) != (c.calls != "") {
				t.Errorf("%d records", n)
			}
		})
	}
}

func TestForgedAndMalformedCookiesCreateNothing(t *testing.T) {
	forged := strings.Repeat("A", 43)
	for _, c := range []struct {
		name, cookie string
		calls        []string
	}{
		{"forged", forged, []string{"load"}},
		{"an ID in place of the token", "", []string{"load"}},
		{"empty", "-", nil},
		{"too short", forged[:42], nil},
		{"too long", forged + "A", nil},
		{"not the canonical form", forged[:42] + "B", nil},
		{"not base64url", forged[:42] + "+", nil},
		{"padded", forged + "=", nil},
		{"a path", "../../../../etc/passwd", nil},
		{"a glob", "sessions:*", nil},
		{"one MiB", strings.Repeat("A", 1<<20), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			switch c.cookie {
			case "":
				c.cookie = string(b.id())
			case "-":
				c.cookie = ""
			}
			s.store.reset()
			r := httptest.NewRequest(http.MethodGet, siteURL, nil)
			r.Header.Set("Cookie", "__Host-session="+c.cookie)
			ask(t, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if ses := session.From(r.Context()); ses.ID() != "" || ses.Len() != 0 {
					t.Errorf("it opened session %q", ses.ID())
				}
			})), r).want(200).noCookie()
			s.wantCalls(c.calls...)
			s.wantEvents(session.EventUnknownToken, len(c.calls))
			if n := len(s.store.records()); n != 1 {
				t.Errorf("%d records", n)
			}
		})
	}
}

package session_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var tokenForm = regexp.MustCompile(`=[A-Za-z0-9_-]{43};`)

func TestTheCookieHasTheAttributesOfItsPolicy(t *testing.T) {
	type o = session.Options
	type c = session.Cookie
	const removed = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"
	for _, x := range []struct {
		name        string
		o           o
		set, remove string
	}{
		{"default", o{}, "__Host-session=T; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"insecure", o{Insecure: true}, "session=T; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax", "session=; Path=/" + removed + "; HttpOnly; SameSite=Lax"},
		{"domain", o{Cookie: c{Domain: "shop.example"}}, "session=T; Path=/; Domain=shop.example; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax", "session=; Path=/; Domain=shop.example" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"path", o{Cookie: c{Path: "/app"}}, "session=T; Path=/app; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax", "session=; Path=/app" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"name", o{Cookie: c{Name: "__Secure-id"}}, "__Secure-id=T; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax", "__Secure-id=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"strict", o{Cookie: c{SameSite: http.SameSiteStrictMode}}, "__Host-session=T; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Strict", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Strict"},
		{"none and partitioned", o{Cookie: c{SameSite: http.SameSiteNoneMode, Partitioned: true}}, "__Host-session=T; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=None; Partitioned", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"readable by scripts", o{Cookie: c{ScriptReadable: true}}, "__Host-session=T; Path=/; Max-Age=1209600; Secure; SameSite=Lax", "__Host-session=; Path=/" + removed + "; Secure; SameSite=Lax"},
		{"until the browser ends", o{Cookie: c{BrowserSession: true}}, "__Host-session=T; Path=/; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"lifetime", o{Lifetime: time.Hour}, "__Host-session=T; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Lax"},
		{"idle timeout", o{IdleTimeout: time.Minute}, "__Host-session=T; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax", "__Host-session=; Path=/" + removed + "; HttpOnly; Secure; SameSite=Lax"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := newSite(t, x.o)
			b := s.browser()
			wantLine(t, b.visit(add("tea")).want(200), x.set)
			if strings.HasPrefix(x.set, "session=T") && x.o.Cookie.Path != "" || x.o.Insecure {
				return // the jar keeps it from this URL
			}
			wantLine(t, b.visit(destroy).want(200), x.remove)
		})
	}
}

// wantLine checks the only Set-Cookie line, with T for the token.
func wantLine(t *testing.T, a answer, want string) {
	t.Helper()
	lines := a.header["Set-Cookie"]
	if len(lines) != 1 || tokenForm.ReplaceAllString(lines[0], "=T;") != want {
		t.Errorf("Set-Cookie:\n%q, want\n%q", lines, want)
	}
}

func TestASessionMayChooseHowLongItsCookieStays(t *testing.T) {
	const rest = "; HttpOnly; Secure; SameSite=Lax"
	for name, c := range map[string]struct {
		o    session.Options
		f    func(*session.Session)
		want string
	}{
		"with the browser":         {session.Options{}, func(s *session.Session) { s.SetPersistent(false) }, ""},
		"beyond the browser":       {session.Options{Cookie: session.Cookie{BrowserSession: true}}, func(s *session.Session) { s.SetPersistent(true) }, "; Max-Age=1209600"},
		"a lifetime of its own":    {session.Options{}, func(s *session.Session) { s.SetLifetime(time.Hour) }, "; Max-Age=3600"},
		"part of a second counts":  {session.Options{}, func(s *session.Session) { s.SetLifetime(time.Second + time.Microsecond) }, "; Max-Age=2"},
		"never 0, which is remove": {session.Options{}, func(s *session.Session) { s.SetLifetime(time.Nanosecond) }, "; Max-Age=1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, c.o).browser()
			a := b.visit(func(s *session.Session) { add("tea")(s); c.f(s) }).want(200)
			wantLine(t, a, "__Host-session=T; Path=/"+c.want+rest)
		})
	}
	t.Run("the age left after a renewal", func(t *testing.T) {
		s, b := started(t, session.Options{Lifetime: time.Hour})
		s.clock.advance(20*time.Minute + time.Millisecond)
		wantLine(t, b.visit(renew).want(200), "__Host-session=T; Path=/; Max-Age=2400"+rest)
	})
	t.Run("a stored session, with the token it has", func(t *testing.T) {
		_, b := started(t, session.Options{})
		before := b.token()
		wantLine(t, b.visit(func(s *session.Session) { s.SetPersistent(false) }).want(200), "__Host-session=T; Path=/"+rest)
		if b.token() != before {
			t.Error("the token changed")
		}
	})
}

func TestACookieIsTheOnlyOneOfItsNameAndKeepsOutOfCaches(t *testing.T) {
	for _, c := range []struct {
		name                    string
		before                  http.Header
		cookies                 []string // other lines
		vary, cache             []string
		varyOnRead, cacheOnRead []string
	}{
		{"nothing set", nil, nil, []string{"Cookie"}, []string{"no-store"}, []string{"Cookie"}, nil},
		{"Vary is merged", http.Header{"Vary": {"Accept, Origin"}}, nil, []string{"Accept, Origin", "Cookie"}, []string{"no-store"}, []string{"Accept, Origin", "Cookie"}, nil},
		{"Vary has it", http.Header{"Vary": {"Accept", "origin , cookie"}}, nil, []string{"Accept", "origin , cookie"}, []string{"no-store"}, []string{"Accept", "origin , cookie"}, nil},
		{"Vary is everything", http.Header{"Vary": {"*"}}, nil, []string{"*"}, []string{"no-store"}, []string{"*"}, nil},
		{"Cache-Control is weaker", http.Header{"Cache-Control": {"public, max-age=60"}}, nil, []string{"Cookie"}, []string{"no-store"}, []string{"Cookie"}, []string{"public, max-age=60"}},
		{"Cache-Control is private", http.Header{"Cache-Control": {"private"}}, nil, []string{"Cookie"}, []string{"no-store"}, []string{"Cookie"}, []string{"private"}},
		{"Cache-Control is as strict", http.Header{"Cache-Control": {"private, No-Store"}}, nil, []string{"Cookie"}, []string{"private, No-Store"}, []string{"Cookie"}, []string{"private, No-Store"}},
		{"other cookies", http.Header{"Set-Cookie": {"a=b", "__Host-sessions=c", "x__Host-session=d"}}, []string{"a=b", "__Host-sessions=c", "x__Host-session=d"}, []string{"Cookie"}, []string{"no-store"}, []string{"Cookie"}, nil},
		{"one of our name", http.Header{"Set-Cookie": {"__Host-session=x; Path=/", "a=b", " __Host-session =y"}}, []string{"a=b"}, []string{"Cookie"}, []string{"no-store"}, []string{"Cookie"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, b := started(t, session.Options{})
			serve := func(f func(*session.Session)) answer {
				return b.thief().serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
					for k, v := range c.before {
						w.Header()[k] = slices.Clone(v)
					}
					f(s)
				}).want(200)
			}
			a := serve(read)
			if !slices.Equal(a.header["Vary"], c.varyOnRead) || !slices.Equal(a.header["Cache-Control"], c.cacheOnRead) {
				t.Errorf("a read: %v", a.header)
			}
			a = serve(renew)
			if !slices.Equal(a.header["Vary"], c.vary) || !slices.Equal(a.header["Cache-Control"], c.cache) {
				t.Errorf("a cookie: %v", a.header)
			}
			lines := a.header["Set-Cookie"]
			if n := len(lines); n != len(c.cookies)+1 || !slices.Equal(lines[:n-1], c.cookies) || !strings.HasPrefix(lines[n-1], cookieName+"=") {
				t.Errorf("cookies: %q", lines)
			}
		})
	}
}

func TestEveryUseMarksTheAnswerAsDependingOnTheCookie(t *testing.T) {
	for does, f := range map[string]func(*session.Session){
		"Get": func(s *session.Session) { name.Get(s) }, "Lookup": func(s *session.Session) { name.Lookup(s) },
		"Set": func(s *session.Session) { name.Set(s, "x"); name.Delete(s) }, "Pop": func(s *session.Session) { name.Pop(s) },
		"Has": func(s *session.Session) { s.Has("x") }, "Keys": func(s *session.Session) { s.Keys() }, "Len": func(s *session.Session) { s.Len() },
		"Delete": func(s *session.Session) { s.Delete("x") }, "Clear": func(s *session.Session) { s.Clear() },
		"Flashes": func(s *session.Session) { s.Flashes() }, "ID": func(s *session.Session) { s.ID() },
		"Principal": func(s *session.Session) { s.Principal() }, "CreatedAt": func(s *session.Session) { s.CreatedAt() },
		"AuthenticatedAt": func(s *session.Session) { s.AuthenticatedAt() }, "LastSeen": func(s *session.Session) { s.LastSeen() },
		"ExpiresAt": func(s *session.Session) { s.ExpiresAt() }, "Renew": renew, "Destroy": destroy,
		"Load": func(s *session.Session) { _ = s.Load(context.Background()) }, "Reload": func(s *session.Session) { _ = s.Reload(context.Background()) },
		"SetPersistent": func(s *session.Session) { s.SetPersistent(true) }, "Err": nil,
	} {
		t.Run(does, func(t *testing.T) {
			want := []string{"Cookie"}
			if f == nil {
				f, want = func(s *session.Session) { _ = s.Err() }, nil
			}
			a := newSite(t, session.Options{}).browser().visit(f).want(200)
			if got := a.header["Vary"]; !slices.Equal(got, want) {
				t.Errorf("Vary: %q", got)
			}
		})
	}
}

package security_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A policy is a configuration of the cookie, and where the browser is.
type policy struct {
	name   string
	o      session.Options
	scheme string // https if empty
	path   string // "/" if empty
}

func policies() []policy {
	type c = session.Cookie
	type o = session.Options
	long := strings.Repeat("n", maxPair-43)
	return []policy{
		{"default", o{}, "", ""},
		{"insecure", o{Insecure: true}, "http", ""},
		{"a domain", o{Cookie: c{Domain: "example.com"}}, "", ""},
		{"its own host as domain", o{Cookie: c{Domain: host}}, "", ""},
		{"a path", o{Cookie: c{Path: "/app"}}, "", "/app/x"},
		{"the longest path", o{Cookie: c{Path: "/" + strings.Repeat("p", maxAttribute-1)}}, "", "/" + strings.Repeat("p", maxAttribute-1)},
		{"the longest name", o{Cookie: c{Name: long}}, "", ""},
		{"every character of a name", o{Cookie: c{Name: "!#$%&'*+-.^_`|~09azAZ"}}, "", ""},
		{"strict", o{Cookie: c{SameSite: http.SameSiteStrictMode}}, "", ""},
		{"none", o{Cookie: c{SameSite: http.SameSiteNoneMode}}, "", ""},
		{"partitioned", o{Cookie: c{SameSite: http.SameSiteNoneMode, Partitioned: true}}, "", ""},
		{"browser session", o{Cookie: c{BrowserSession: true}}, "", ""},
		{"script readable", o{Cookie: c{ScriptReadable: true}}, "", ""},
		{"secure prefix, a path", o{Cookie: c{Name: "__Secure-id", Path: "/app"}}, "", "/app"},
		{"host prefix in capitals", o{Cookie: c{Name: "__HOST-ID"}}, "", ""},
		{"http prefix", o{Cookie: c{Name: "__Http-id", Domain: "example.com"}}, "", ""},
		{"host and http prefix", o{Cookie: c{Name: "__Host-Http-id"}}, "", ""},
		{"the longest lifetime", o{Lifetime: maxAge}, "", ""},
		{"the shortest lifetime", o{Lifetime: time.Nanosecond}, "", ""},
	}
}

// ask sends a request to a manager as the browser of a policy would.
func (p *policy) ask(t *testing.T, m *session.Manager, u *userAgent, f func(*session.Session)) (lines []string) {
	t.Helper()
	scheme, path := p.scheme, p.path
	if scheme == "" {
		scheme = "https"
	}
	if path == "" {
		path = "/"
	}
	r := httptest.NewRequest(http.MethodGet, scheme+"://"+host+path, nil)
	if line := u.header(scheme, host, path); line != "" {
		r.Header.Set("Cookie", line)
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(m.From(r.Context())) })).ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("%s: answered %d", p.name, w.Code)
	}
	for _, line := range w.Header()["Set-Cookie"] {
		if err := u.receive(scheme, host, path, line); err != nil {
			t.Errorf("%s: browsers refuse %q: %v", p.name, line, err)
		}
	}
	return w.Header()["Set-Cookie"]
}

func (p *policy) manager(clock *clock) *session.Manager {
	o := p.o
	o.Clock, o.Store, o.Logger = clock.Now, session.NewMemoryStore(session.MemoryOptions{}), slog.New(slog.DiscardHandler)
	return session.Must(session.New(o))
}

// strictLine is the grammar of RFC 6265bis, section 4.1.1, in the order of
// attributes that is sent here; each may stand once.
var strictLine = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+=[!#-+\\--:<-\\[\\]-~]*" +
	`(; Path=/[ -:<-~]*)?(; Domain=[a-z0-9.-]+)?(; Expires=[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)?` +
	`(; Max-Age=(0|[1-9]\d*))?(; HttpOnly)?(; Secure)?; SameSite=(Lax|Strict|None)(; Partitioned)?$`)

func TestBrowsersKeepEveryCookieAndForgetItAtItsRemoval(t *testing.T) {
	for _, p := range policies() {
		t.Run(p.name, func(t *testing.T) {
			clock := &clock{now: time.Now()}
			m, u := p.manager(clock), &userAgent{now: clock.Now}
			var first *http.Cookie
			for does, f := range []func(*session.Session){
				add("tea"), login("alice"), renew,
				func(s *session.Session) { add("x")(s); s.SetPersistent(false) },
				func(s *session.Session) { add("x")(s); s.SetPersistent(true); s.SetLifetime(maxAge) },
			} {
				for _, line := range p.ask(t, m, u, f) {
					c := checkLine(t, line, u)
					if first == nil {
						first = c
					}
					if c.Name != first.Name || c.Path != first.Path || c.Domain != first.Domain || c.Secure != first.Secure ||
						c.HttpOnly != first.HttpOnly || c.SameSite != first.SameSite || c.Partitioned != first.Partitioned {
						t.Errorf("step %d: the cookie %q has other attributes than %q", does, line, first)
					}
				}
				if n := len(u.cookies); n != 1 {
					t.Fatalf("after step %d the browser has %d cookies", does, n)
				}
			}
			for _, line := range p.ask(t, m, u, destroy) {
				if c := checkLine(t, line, u); c.Value != "" || c.Path != first.Path || c.Domain != first.Domain || c.Partitioned != first.Partitioned {
					t.Errorf("the removal %q has other attributes than %q", line, first)
				}
			}
			if n := len(u.cookies); n != 0 {
				t.Errorf("after a logout the browser has %d cookies", n)
			}
		})
	}
}

// checkLine checks a Set-Cookie line against the grammar and the limits, and
// that net/http reads it as it was meant.
func checkLine(t *testing.T, line string, u *userAgent) *http.Cookie {
	t.Helper()
	if !strictLine.MatchString(line) {
		t.Errorf("%q is not in the strict grammar", line)
	}
	c, err := http.ParseSetCookie(line)
	if err != nil || c.String() != line || len(c.Unparsed) > 0 {
		t.Fatalf("%q is read as %q, %v", line, c, err)
	}
	if len(c.Name)+len(c.Value) > maxPair || len(c.Path) > maxAttribute || len(c.Domain) > maxAttribute || time.Duration(c.MaxAge)*time.Second > maxAge {
		t.Errorf("%q is beyond what browsers keep", line)
	}
	if _, at, ok := strings.Cut(line, "Expires="); ok {
		at, _, _ = strings.Cut(at, ";")
		if when, err := time.Parse(http.TimeFormat, at); err != nil || !when.Before(u.now()) || c.Value != "" {
			t.Errorf("%q expires at %v, %v", line, when, err)
		}
	}
	for _, kept := range u.cookies {
		if len(kept.ignored) > 0 || len(kept.unknown) > 0 {
			t.Errorf("%q has attributes that browsers ignore: %q %q", line, kept.ignored, kept.unknown)
		}
	}
	return c
}

func TestACookieThatIsToEndWithTheBrowserDoes(t *testing.T) {
	for _, c := range []struct {
		o    session.Options
		f    func(*session.Session)
		left int
	}{
		{session.Options{}, read, 1},
		{session.Options{Cookie: session.Cookie{BrowserSession: true}}, read, 0},
		{session.Options{}, func(s *session.Session) { s.SetPersistent(false) }, 0},
		{session.Options{Cookie: session.Cookie{BrowserSession: true}}, func(s *session.Session) { s.SetPersistent(true) }, 1},
	} {
		p := policy{name: fmt.Sprint(c.left), o: c.o}
		clock := &clock{now: time.Now()}
		m, u := p.manager(clock), &userAgent{now: clock.Now}
		p.ask(t, m, u, func(s *session.Session) { add("tea")(s); c.f(s) })
		if u.end(); len(u.cookies) != c.left {
			t.Errorf("after the browser was closed it has %d cookies, want %d", len(u.cookies), c.left)
		}
	}
}

// The browser's own end of a cookie is never earlier than the server's end of
// the session, and the server's does not depend on it.
func TestTheBrowserKeepsTheCookieAsLongAsTheSessionLives(t *testing.T) {
	clock := &clock{now: time.Now()}
	p := policy{name: "an hour", o: session.Options{Lifetime: time.Hour + time.Microsecond}}
	m, u := p.manager(clock), &userAgent{now: clock.Now}
	p.ask(t, m, u, add("tea"))
	hoarder := u.clone()
	for i := range hoarder.cookies {
		hoarder.cookies[i].persistent = false // keeps it for ever
	}
	clock.advance(time.Hour)
	p.ask(t, m, u, func(s *session.Session) {
		if s.ID() == "" {
			t.Error("the browser forgot the cookie of a session that is alive")
		}
	})
	clock.advance(time.Microsecond)
	p.ask(t, m, hoarder, func(s *session.Session) {
		if s.ID() != "" {
			t.Error("a browser that keeps the cookie for ever keeps the session")
		}
	})
}

func TestNoCookieIsSentThatABrowserWouldDrop(t *testing.T) {
	for what, o := range map[string]session.Options{
		"4097 octets of name and value": {Cookie: session.Cookie{Name: strings.Repeat("n", maxPair-42)}},
		"a path of 1025 octets":         {Cookie: session.Cookie{Path: "/" + strings.Repeat("p", maxAttribute)}},
		"more than 400 days":            {Lifetime: maxAge + 1},
		"__host- with a path":           {Cookie: session.Cookie{Name: "__host-x", Path: "/x"}},
		"__SECURE- without Secure":      {Cookie: session.Cookie{Name: "__SECURE-x"}, Insecure: true},
		"__http- for scripts":           {Cookie: session.Cookie{Name: "__http-x", ScriptReadable: true}},
		"None without Secure":           {Cookie: session.Cookie{SameSite: http.SameSiteNoneMode}, Insecure: true},
		"Partitioned without Secure":    {Cookie: session.Cookie{Partitioned: true}, Insecure: true},
	} {
		if _, err := session.New(o); err == nil {
			t.Errorf("New takes %s", what)
		}
	}
	s := newSite(t, memory, session.Options{}, 1)
	b := s.browser()
	b.begin(add("tea"))
	b.visit(func(s *session.Session) { s.SetLifetime(maxAge + time.Second) }).want(500).wantCookies(0)
	b.sees("", "tea")
}

// Whoever has another host of the domain can put cookies beside ours: RFC
// 6265bis, section 8.6. The prefix __Host- makes it impossible, and without it
// a visitor who is signed in is never taken for somebody else.
func TestACookieTossedInByASiblingHostNeverWins(t *testing.T) {
	for _, named := range []string{"", "session"} {
		s := newSite(t, memory, session.Options{Cookie: session.Cookie{Name: named}}, 1)
		of := func(f func(*session.Session)) string {
			b := s.browser()
			b.begin(f)
			s.clock.advance(time.Second)
			return b.token()
		}
		name := named
		if named == "" {
			name = cookie
		}
		tosses := map[string]func() []string{
			"an anonymous session":       func() []string { return []string{of(add("poison"))} },
			"the session of the tosser":  func() []string { return []string{of(loginWith("mallory", "poison"))} },
			"both":                       func() []string { return []string{of(add("poison")), of(loginWith("mallory", "poison"))} },
			"nothing that is a session":  func() []string { return []string{freshToken()} },
			"three of nothing":           func() []string { return []string{freshToken(), freshToken(), freshToken()} },
			"three anonymous ones":       func() []string { return []string{of(add("poison")), of(add("poison")), of(add("poison"))} },
			"a hundred malformed values": func() []string { return strings.Split(strings.Repeat("x,", 100), ",") },
		}
		for what, toss := range tosses {
			for _, first := range []bool{true, false} {
				for _, path := range []string{"/", "/account", "/account/orders"} {
					victim := s.browser()
					tossed := toss()
					throw := func() {
						for i, value := range tossed {
							err := victim.receive("https", "evil.example.com", "/", fmt.Sprintf("%s=%s; Domain=example.com; Path=%s", name, value, path+strings.Repeat("/", i%2)))
							if refused := errors.Is(err, errPrefix); refused != (named == "") {
								t.Fatalf("a tossed cookie %s: %v", name, err)
							}
						}
					}
					if first {
						throw()
					}
					b := s.browser() // the victim signs in from elsewhere, as if before
					b.begin(loginWith("alice", "tea"))
					must(t, victim.receive("https", host, "/", fmt.Sprintf("%s=%s; Path=/; Secure; HttpOnly", name, b.token())))
					if !first {
						throw()
					}
					for _, page := range []string{"/", "/account/orders"} {
						victim.on(page).visit(func(s *session.Session) {
							own := s.Principal() == "alice" && slices.Equal(cart.Get(s), []string{"tea"})
							none := s.Principal() == "" && s.ID() == "" && len(cart.Get(s)) == 0
							if !own && (named == "" || !none) {
								t.Errorf("%s, tossed for %s, first: %v: at %s alice is %q with %q", what, path, first, page, s.Principal(), cart.Get(s))
							}
						}).want(200).wantCookies(0)
					}
				}
			}
		}
		if named != "" && len(s.of(session.EventAmbiguous)) == 0 {
			t.Error("cookies of two people made no event")
		}
	}
}

func TestABrowserThatLosesItsCookieOnlyStartsAnew(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	b := s.browser()
	id := b.begin(loginWith("alice", "tea"))
	b.cookies = nil
	b.seesNothing()
	b.begin(loginWith("alice", "milk"))
	b.sees("alice", "milk")
	must(t, s.m[0].RevokeFor(t.Context(), "alice", id)) // what it lost can still be ended
	b.sees("alice", "milk")
}

func TestTheModelOfABrowserIsAsTheStandardHasIt(t *testing.T) {
	for _, c := range []struct {
		scheme, line string
		err          error
		sent         string
	}{
		{"https", "a=b", nil, "a=b"},
		{"https", " a = b ; Path=/", nil, "a=b"},
		{"https", "=b", nil, "b"},
		{"https", "b", nil, "b"},
		{"https", "a=b; Path=/elsewhere", nil, ""},
		{"https", "a=b; Path=x", nil, "a=b"},
		{"https", "a=b; Max-Age=0", nil, ""},
		{"https", "a=b; Max-Age=-1", nil, ""},
		{"https", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", nil, ""},
		{"https", "a=b; Expires=nonsense", nil, "a=b"},
		{"https", "", errEmpty, ""},
		{"https", "a=\x01", errControl, ""},
		{"https", "a=" + strings.Repeat("b", maxPair), errSize, ""},
		{"https", "a=b; Domain=example.com", nil, "a=b"},
		{"https", "a=b; Domain=.shop.example.com", nil, "a=b"},
		{"https", "a=b; Domain=other.com", errForeign, ""},
		{"https", "a=b; Domain=evil.shop.example.com", errForeign, ""},
		{"https", "a=b; Domain=com", errForeign, ""},
		{"https", "a=b; Domain=ple.com", errForeign, ""},
		{"http", "a=b; Secure", errPlain, ""},
		{"https", "a=b; SameSite=None", errNone, ""},
		{"https", "a=b; Partitioned", errPartition, ""},
		{"https", "__Secure-a=b", errPrefix, ""},
		{"https", "__secure-a=b; Secure", nil, "__secure-a=b"},
		{"https", "__Host-a=b; Secure", errPrefix, ""},
		{"https", "__Host-a=b; Secure; Path=/", nil, "__Host-a=b"},
		{"https", "__HOST-a=b; Secure; Path=/; Domain=" + host, errPrefix, ""},
		{"https", "__Host-a=b; Secure; Path=/x", errPrefix, ""},
		{"https", "=__Host-a", errPrefix, ""},
		{"https", "__Http-a=b; Secure", errPrefix, ""},
	} {
		u := &userAgent{now: time.Now}
		if err := u.receive(c.scheme, host, "/", c.line); !errors.Is(err, c.err) {
			t.Errorf("%.50q from %s: %v, want %v", c.line, c.scheme, err, c.err)
		}
		if got := u.header("https", host, "/"); got != c.sent {
			t.Errorf("%.50q from %s is sent as %q, want %q", c.line, c.scheme, got, c.sent)
		}
	}
	u := &userAgent{now: time.Now}
	for _, line := range []string{"a=1; Path=/x", "a=2; Path=/; Secure", "a=3; Domain=example.com; Path=/x/y", "a=4; Path=/x"} {
		must(t, u.receive("https", host, "/", line))
	}
	if got := u.header("https", host, "/x/y/z"); got != "a=3; a=4; a=2" {
		t.Errorf("the order is %q", got)
	}
	if err := u.receive("http", host, "/", "a=5; Path=/"); !errors.Is(err, errOvershadow) {
		t.Errorf("plain http puts a cookie before a Secure one: %v", err)
	}
	if got := u.header("http", host, "/x"); got != "a=4" {
		t.Errorf("over plain http it sends %q", got)
	}
}

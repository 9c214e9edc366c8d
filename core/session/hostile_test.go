package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

const cookieName = "__Host-session"

// with sends a request with exactly the given tokens in its Cookie header.
func (s *site) with(tokens []string, f func(*session.Session)) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, siteURL, nil)
	for _, t := range tokens {
		r.Header.Add("Cookie", cookieName+"="+t)
	}
	return ask(s.t, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(session.From(r.Context())) })), r)
}

// tokenOf begins a session and returns its token.
func (s *site) tokenOf(f func(*session.Session)) string {
	s.t.Helper()
	b := s.browser()
	b.visit(f).want(200).setsCookie()
	s.clock.advance(time.Second)
	return b.token()
}

func TestOfSeveralCookiesTheRightSessionIsFound(t *testing.T) {
	s := newSite(t, session.Options{})
	label := func(l string) func(*session.Session) {
		return func(s *session.Session) {
			name.Set(s, l)
			if who, _, signedIn := strings.Cut(l, " "); signedIn {
				s.Login(who)
			}
		}
	}
	anonymous, newer := s.tokenOf(label("anonymous")), s.tokenOf(label("newer"))
	alice, again, bob := s.tokenOf(label("alice once")), s.tokenOf(label("alice again")), s.tokenOf(label("bob once"))
	gone := strings.Repeat("A", 43)
	fresh := s.tokenOf(label("fresh"))
	for _, c := range []struct {
		does   string
		tokens []string
		want   string
		loads  int
	}{
		{"the only one", []string{alice}, "alice once", 1},
		{"after one that is gone", []string{gone, alice}, "alice once", 2},
		{"before one that is gone", []string{alice, gone}, "alice once", 2},
		{"twice the same", []string{alice, alice, alice, alice}, "alice once", 1},
		{"after malformed ones", []string{"", "x", "../..", alice[:42], alice}, "alice once", 1},
		{"the newer of two of one principal", []string{alice, again}, "alice again", 2},
		{"in either order", []string{again, alice}, "alice again", 2},
		{"the newer of two anonymous", []string{newer, anonymous}, "newer", 2},
		{"in either order", []string{anonymous, newer}, "newer", 2},
		{"signed in, though a newer anonymous one was tossed in first", []string{fresh, alice}, "alice once", 2},
		{"signed in, though a newer anonymous one was tossed in last", []string{alice, fresh}, "alice once", 2},
		{"none of two principals", []string{alice, bob}, "", 2},
		{"none of two principals and an anonymous", []string{anonymous, bob, alice}, "", 3},
		{"the first three only", []string{gone, strings.Repeat("B", 42) + "A", strings.Repeat("C", 42) + "A", alice}, "", 3},
	} {
		t.Run(c.does, func(t *testing.T) {
			s.store.reset()
			s.with(c.tokens, func(s *session.Session) {
				if got := name.Get(s); got != c.want {
					t.Errorf("found %q, want %q", got, c.want)
				}
			}).want(200).noCookie()
			if n := len(s.store.took()); n != c.loads {
				t.Errorf("%d loads, want %d", n, c.loads)
			}
		})
	}
	s.wantEvents(session.EventAmbiguous, 2)
	t.Run("two principals may not write", func(t *testing.T) {
		for _, f := range []func(*session.Session){add("tea"), login("alice"), login("mallory")} {
			s.with([]string{alice, bob}, f).want(409)
			s.wantTold(session.ErrConflict)
		}
		s.with([]string{alice, bob}, renew).want(200).noCookie()
	})
	t.Run("a mark beside a live session", func(t *testing.T) {
		b := s.browser()
		b.visit(add("tea")).want(200)
		old := b.token()
		b.visit(renew).want(200)
		for _, tokens := range [][]string{{old, b.token()}, {b.token(), old}} {
			s.with(tokens, add("milk")).want(200)
		}
		b.sees("", "tea", "milk", "milk")
	})
}

func TestAnyCookieHeaderIsOnlyInput(t *testing.T) {
	s, b := started(t, session.Options{})
	for _, header := range hostileHeaders(b.token()) {
		checkCookieHeader(t, s, header)
	}
}

// hostileHeaders are Cookie headers as nobody honest sends them.
func hostileHeaders(token string) []string {
	many := strings.Repeat(cookieName+"="+strings.Repeat("A", 43)+"; ", 1000)
	var distinct strings.Builder
	for i := range 500 {
		fmt.Fprintf(&distinct, "%s=%s%03dA; ", cookieName, strings.Repeat("A", 39), i)
	}
	return []string{
		"", ";", "=", ";;;===", cookieName, cookieName + "=", cookieName + "=;",
		cookieName + "=\x00", cookieName + "=a\r\nSet-Cookie: x=y", cookieName + `="` + strings.Repeat("A", 43) + `"`,
		cookieName + "=" + token[:42] + "\x00", cookieName + "=" + token[:20] + "\n" + token[20:],
		strings.ToLower(cookieName) + "=" + token + "x", cookieName + "=\xff\xfe" + strings.Repeat("\xff", 41),
		cookieName + "=" + strings.Repeat("A", 1<<20), many, distinct.String(),
		cookieName + "=%00%0d%0a", cookieName + "=' OR 1=1 --", cookieName + "=*\r\nDEL sessions:*\r\n",
		strings.Repeat("a=b; ", 10_000), cookieName + "=" + strings.Repeat("日", 15),
	}
}

// checkCookieHeader sends a header and checks that the answer is an ordinary
// one without a session, and that nothing is created.
func checkCookieHeader(t *testing.T, s *site, header string) {
	t.Helper()
	s.store.reset()
	before := len(s.store.records())
	r := httptest.NewRequest(http.MethodGet, siteURL, nil)
	r.Header["Cookie"] = []string{header}
	ask(t, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if ses := session.From(r.Context()); ses.ID() != "" || ses.Len() != 0 || ses.Err() != nil {
			t.Errorf("session %q, %v", ses.ID(), ses.Err())
		}
	})), r).want(200).noCookie()
	if calls := s.store.took(); len(calls) > 3 {
		t.Errorf("%d store calls", len(calls))
	}
	if n := len(s.store.records()); n != before {
		t.Errorf("%d records became %d", before, n)
	}
}

func FuzzCookieHeader(f *testing.F) {
	store, events := newProbe(), &eventLog{}
	m := session.Must(session.New(session.Options{Store: store, Events: events}))
	f.Fuzz(func(t *testing.T, header string) {
		s := &site{t: t, m: m, store: store, events: events}
		checkCookieHeader(t, s, header)
	})
}

// spoil overwrites every stored payload.
func (s *site) spoil(payload []byte) {
	s.t.Helper()
	for id, rec := range s.store.records() {
		rec.Payload = payload
		rec.Version++
		if err := s.store.inner.Update(context.Background(), id, rec, rec.Version-1); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestARecordThatCannotBeReadIsAbsentAndAnEvent(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(s *site)
	}{
		{"by the store", func(s *site) { s.store.plan("load", refuse(fmt.Errorf("row: %w", session.ErrUndecodable))) }},
		{"unknown version", func(s *site) { s.spoil([]byte{99, 1, 2, 3}) }},
		{"cut short", func(s *site) { s.spoil([]byte{1, 4, 'j', 's'}) }},
		{"random bytes", func(s *site) { s.spoil([]byte("\x01\x04json\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")) }},
		{"another codec", func(s *site) { s.spoil([]byte("\x01\x03gob\x01\x01a\x01x")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			c.spoil(s)
			b.seesNothing()
			s.wantEvents(session.EventUndecodable, 1)
			s.wantEvents(session.EventStoreError, 0)
			if c.name == "by the store" {
				s.store.plan("load", refuse(session.ErrUndecodable))
			}
			b.visit(add("milk")).want(200).setsCookie()
			b.sees("", "milk")
		})
	}
}

func TestARecordThatBecomesUnreadableMeanwhileHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		f     func(*session.Session)
		plans func(p *probe)
	}{
		"at the update": {add("milk"), func(p *probe) { p.plan("update", refuse(session.ErrUndecodable)) }},
		"at the load after a conflict": {add("milk"), func(p *probe) {
			p.plan("update", refuse(session.ErrConflict))
			p.plan("fresh", refuse(session.ErrUndecodable))
		}},
		"at the mark of a renewal": {renew, func(p *probe) { p.plan("update", refuse(session.ErrUndecodable)) }},
		"at the load after it, renewal": {renew, func(p *probe) {
			p.plan("update", refuse(session.ErrConflict))
			p.plan("fresh", refuse(session.ErrUndecodable))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			c.plans(s.store)
			b.visit(c.f).want(409)
			s.wantTold(session.ErrSessionEnded)
		})
	}
}

func TestAValueOfAnotherTypeIsAbsentAndAnEvent(t *testing.T) {
	s, b := started(t, session.Options{})
	asInt := session.NewKey[int]("cart") // it is a list
	b.visit(func(s *session.Session) {
		if v, ok := asInt.Lookup(s); v != 0 || ok {
			t.Errorf("Lookup: %d, %v", v, ok)
		}
		if v, ok := asInt.Pop(s); v != 0 || ok {
			t.Errorf("Pop: %d, %v", v, ok)
		}
		if asInt.Get(s) != 0 || !s.Has("cart") || s.Err() != nil {
			t.Errorf("Get: %d, Err: %v", asInt.Get(s), s.Err())
		}
	}).want(200)
	s.wantEvents(session.EventUndecodable, 3)
	e := s.events.of(session.EventUndecodable)[0]
	if e.Key != "cart" || e.ID == "" || strings.Contains(e.Err.Error(), "tea") {
		t.Errorf("the event is %+v", e)
	}
	b.sees("", "tea")
	b.visit(func(s *session.Session) { asInt.Update(s, increment) }).want(200)
	b.visit(func(s *session.Session) {
		if v := asInt.Get(s); v != 1 {
			t.Errorf("after Update: %d", v)
		}
	}).want(200)
}

func TestValuesThatBecomeUnreadableMeanwhileHaveEndedTheSession(t *testing.T) {
	for _, f := range []func(*session.Session){add("milk"), renew} {
		s, b := started(t, session.Options{})
		s.store.plan("update", before(func() { s.spoil([]byte{99}) }))
		b.visit(f).want(409)
		s.wantTold(session.ErrSessionEnded)
	}
}

func TestASignOutWithCookiesOfTwoPrincipalsEndsBothSessions(t *testing.T) {
	s := newSite(t, session.Options{})
	alice, bob, rest := s.browser(), s.browser(), s.browser()
	alice.visit(login("alice")).want(200)
	bob.visit(login("bob")).want(200)
	rest.visit(login("alice")).want(200) // on another device
	send := func(f func(*session.Session)) answer {
		r := httptest.NewRequest(http.MethodGet, siteURL, nil)
		r.AddCookie(alice.jar.Cookies(alice.url())[0])
		r.AddCookie(bob.jar.Cookies(bob.url())[0])
		return ask(t, s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(session.From(r.Context())) })), r)
	}
	s.store.plan("delete", refuse(errDown), refuse(errDown))
	if a := send(destroy); a.status != 503 {
		t.Errorf("answered %d while the store fails", a.status)
	}
	send(destroy).want(200).removesCookie()
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive, want that of the other device", n)
	}
	send(login("carol")).want(200).setsCookie()
}

package session_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

func TestAForgedTokenIsNeverAdopted(t *testing.T) {
	s := newSite(t, session.Options{})
	forged := strings.Repeat("A", 43)
	for name, f := range map[string]func(*session.Session){"write": add("tea"), "login": login("alice")} {
		t.Run(name, func(t *testing.T) {
			attacker, victim := s.browser(), s.browser()
			for _, b := range []*browser{attacker, victim} {
				b.jar.SetCookies(b.url(), []*http.Cookie{{Name: "__Host-session", Value: forged, Path: "/", Secure: true}})
			}
			victim.visit(f).want(200).setsCookie()
			if victim.token() == forged {
				t.Error("the forged token was adopted")
			}
			attacker.seesNothing()
		})
	}
}

func TestTheTokenOfASessionThatIsGoneIsNotAdopted(t *testing.T) {
	s, b := started(t, session.Options{})
	old := b.thief()
	b.visit(destroy).want(200)
	was := old.token()
	old.visit(add("milk")).want(200).setsCookie()
	if old.token() == was {
		t.Error("the token of the session that is gone was taken again")
	}
	old.sees("", "milk")
	s.wantEvents(session.EventUnknownToken, 1)
}

func TestTokensAreLongRandomAndNotTheID(t *testing.T) {
	s := newSite(t, session.Options{})
	seen := make(map[string]bool)
	for range 200 {
		b := s.browser()
		b.visit(add("tea")).want(200)
		raw, err := base64.RawURLEncoding.DecodeString(b.token())
		if err != nil || len(raw) != 32 || seen[b.token()] {
			t.Fatalf("a token has %d bytes, %v, seen before: %v", len(raw), err, seen[b.token()])
		}
		seen[b.token()] = true
	}
	for id := range s.store.records() {
		if !id.Valid() || seen[string(id)] {
			t.Fatalf("the ID %q is no ID, or is a token", id)
		}
	}
}

func TestATokenOfOneManagerIsNothingToAnother(t *testing.T) {
	s, b := started(t, session.Options{})
	admin := s.another(session.Options{Cookie: session.Cookie{Name: "__Host-admin"}})
	r := httptest.NewRequest(http.MethodGet, siteURL, nil)
	r.Header.Set("Cookie", "__Host-admin="+b.token())
	ask(t, admin.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if session.From(r.Context()).ID() != "" {
			t.Error("the token of another manager opened the session")
		}
	})), r).want(200)
}

func TestTheOldTokenIsWorthlessAfterLogin(t *testing.T) {
	for name, first := range map[string]func(*session.Session){"anonymous": add("tea"), "signed in": login("alice")} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			b.visit(first).want(200)
			attacker := b.thief()
			s.clock.advance(time.Second)
			b.visit(login("alice")).want(200).setsCookie()
			if b.token() == attacker.token() {
				t.Fatal("login kept the token")
			}
			attacker.seesNothing()
			attacker.visit(add("milk")).want(409)
			s.wantTold(session.ErrSessionEnded)
			attacker.visit(renew).want(409)
			attacker.visit(destroy).want(200).noCookie()
			if attacker.visit(func(s *session.Session) {
				if err := s.Reload(context.Background()); err == nil {
					t.Error("Reload opened the new session")
				}
			}).want(200); t.Failed() {
				return
			}
			b.visit(func(s *session.Session) {
				if s.Principal() != "alice" {
					t.Error("the old token ended the new session")
				}
			}).want(200)

			attacker.visit(login("mallory")).want(200).setsCookie()
			attacker.sees("mallory")
			if attacker.token() == b.token() {
				t.Error("a login on the old token got the new one")
			}
			s.clock.advance(2 * time.Minute)
			b.visit(func(s *session.Session) {
				if s.Principal() != "alice" {
					t.Error("a login on the old token ended the new session")
				}
			}).want(200)
		})
	}
}

func TestAMarkIsForgottenAfterAMinute(t *testing.T) {
	s, b := started(t, session.Options{})
	old := b.thief()
	b.visit(renew).want(200)
	s.clock.advance(time.Minute - time.Microsecond)
	old.thief().visit(add("milk")).want(409)
	s.clock.advance(time.Microsecond)
	old.visit(add("milk")).want(200).setsCookie() // the browser never got the new token
	old.sees("", "milk")
	b.sees("", "tea")
}

func TestWhatALoginCarriesOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(*session.Session)
		then  func(*session.Session)
		want  []string
	}{
		{"everything from an anonymous session", add("tea"), login("bob"), []string{"tea"}},
		{"everything of the same principal", func(s *session.Session) { s.Login("bob"); add("tea")(s) }, login("bob"), []string{"tea"}},
		{"nothing of another principal", func(s *session.Session) { s.Login("alice"); add("tea")(s) }, login("bob"), nil},
		{"nothing that was set before the login as another principal", login("alice"), func(s *session.Session) { add("tea")(s); s.Login("bob") }, nil},
		{"what is set after the login as another principal", func(s *session.Session) { s.Login("alice"); add("tea")(s) }, func(s *session.Session) { s.Login("bob"); add("milk")(s) }, []string{"milk"}},
		{"what an anonymous visitor set before the login", read, func(s *session.Session) { add("tea")(s); s.Login("bob") }, []string{"tea"}},
		{"nothing of a principal in between", add("tea"), func(s *session.Session) { s.Login("alice"); add("milk")(s); s.Login("bob") }, nil},
		{"nothing after a save as another principal", login("alice"), func(s *session.Session) {
			add("tea")(s)
			if err := s.Save(context.Background()); err != nil {
				panic(err)
			}
			s.Login("bob")
			if cart.Get(s) != nil || s.Principal() != "bob" {
				panic("the values of alice are seen as bob")
			}
		}, nil},
		{"nothing after a reload as another principal", func(s *session.Session) { s.Login("alice"); add("tea")(s) }, func(s *session.Session) {
			s.Login("bob")
			if err := s.Reload(context.Background()); err != nil {
				panic(err)
			}
			if cart.Get(s) != nil || s.Principal() != "bob" {
				panic("the values of alice are seen as bob")
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			b.visit(c.first).want(200)
			b.visit(c.then).want(200).setsCookie()
			b.sees("bob", c.want...)
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

func TestAnIDThatIsInUseIsReplacedByAnother(t *testing.T) {
	for name, f := range map[string]func(*session.Session){"new": add("tea"), "renewed": renew} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			if name == "renewed" {
				b.visit(add("tea")).want(200)
			}
			s.store.reset()
			s.store.plan("create", refuse(session.ErrExists), refuse(session.ErrExists))
			b.visit(f).want(200).setsCookie()
			b.sees("", "tea")
		})
	}
}

func TestALoginTakesNameOfOneTo256BytesOfText(t *testing.T) {
	for _, c := range []struct {
		principal string
		ok        bool
	}{
		{"a", true},
		{strings.Repeat("a", 256), true},
		{"日本", true},
		{"a\nb", true},
		{"", false},
		{strings.Repeat("a", 257), false},
		{"a\x00b", false},
		{"\xff", false},
	} {
		s := newSite(t, session.Options{})
		b := s.browser()
		a := b.visit(login(c.principal))
		if !c.ok {
			a.want(500)
			s.wantTold(session.ErrInvalid)
			continue
		}
		a.want(200).setsCookie()
		b.sees(c.principal)
	}
}

func TestTheDeviceIsThatOfTheLoginWithinItsLimits(t *testing.T) {
	long := strings.Repeat("é", 200)
	s := newSite(t, session.Options{Device: func(r *http.Request) session.Device {
		return session.Device{Address: "192.0.2.1" + strings.Repeat("x", 100), UserAgent: r.UserAgent() + "\x00\xff\ns" + long}
	}})
	s.browser().visit(login("alice")).want(200)
	list, err := s.m.List(context.Background(), "alice")
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	d := list[0].Device
	if len(d.Address) != session.MaxAddress || len(d.UserAgent) != session.MaxUserAgent-1 || !utf8.ValidString(d.UserAgent) || !strings.HasPrefix(d.UserAgent, "browsersé") || strings.Contains(d.UserAgent, "\ufffd") {
		t.Errorf("the device is %q", d)
	}
}

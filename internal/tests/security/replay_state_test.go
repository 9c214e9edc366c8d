package security_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// CVE-2015-5143, CVE-2015-5963, CVE-2015-5964 (Django): a record for each
// visitor without a session, or for each logout without one, fills the store.
func TestAnonymousRequestsDoNotFillTheStore(t *testing.T) {
	visits := map[string]func(*session.Session){
		"nothing": func(*session.Session) {}, "a read": read, "flash messages": func(s *session.Session) { s.Flashes() },
		"a pop": func(s *session.Session) { name.Pop(s) }, "a logout": destroy, "a renewal": renew,
		"settings": func(s *session.Session) {
			s.SetLifetime(time.Hour)
			s.SetIdleTimeout(time.Minute)
			s.SetPersistent(false)
		},
		"set and deleted": func(s *session.Session) { name.Set(s, "x"); name.Delete(s) },
		"a save":          func(s *session.Session) { _ = s.Save(context.Background()) },
		"a clear":         func(s *session.Session) { s.Clear() },
	}
	cookies := []string{
		"", cookie + "=" + strings.Repeat("A", 43), cookie + "=x", cookie + "=", "other=1",
		cookie + "=" + strings.Repeat("A", 43) + "; " + cookie + "=" + strings.Repeat("B", 42) + "A",
	}
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 1)
		for does, f := range visits {
			for _, line := range cookies {
				bot := s.browser()
				r := bot.request(nil, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { f(s) })
				if line != "" {
					r.Header.Set("Cookie", line)
				}
				a := bot.send(r).want(200)
				for _, set := range a.header["Set-Cookie"] {
					if !strings.HasPrefix(set, cookie+"=;") { // a logout with a cookie removes it
						t.Errorf("%s with %q sets %q", does, line, set)
					}
				}
			}
		}
		if n := len(s.records()); n != 0 {
			t.Errorf("%d records are stored", n)
		}
		for _, op := range s.ops() {
			if !slices.Contains([]string{"load", "cache get", "cache lease", "sql load"}, op) {
				t.Errorf("a visitor without a session costs the call %q", op)
			}
		}
	})
}

// CVE-2023-20862 (Spring Security): a logout saves an empty context, or fails
// to, and the old one is loaded again. Here it deletes.
func TestALogoutPersists(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		for does, f := range map[string]func(w http.ResponseWriter, s *session.Session){
			"alone":          func(_ http.ResponseWriter, s *session.Session) { destroy(s) },
			"with a 500":     func(w http.ResponseWriter, s *session.Session) { destroy(s); w.WriteHeader(500) },
			"with a panic":   func(_ http.ResponseWriter, s *session.Session) { destroy(s); panic(http.ErrAbortHandler) },
			"after a change": func(_ http.ResponseWriter, s *session.Session) { add("milk")(s); destroy(s) },
			"after a login":  func(_ http.ResponseWriter, s *session.Session) { s.Login("alice"); destroy(s) },
			"after a save": func(_ http.ResponseWriter, s *session.Session) {
				add("milk")(s)
				if err := s.Save(context.Background()); err != nil {
					t.Error(err)
				}
				destroy(s)
			},
			"with its context cancelled": func(_ http.ResponseWriter, s *session.Session) {
				read(s)
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				if err := s.Destroy(ctx); err == nil {
					t.Error("a logout that was given up is a success")
				}
				destroy(s)
			},
		} {
			b := s.browser()
			id := b.begin(loginWith("alice", "tea"))
			thief := b.thief()
			s.reset()
			b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { f(w, s) })
			if ops := s.ops(); !slices.Contains(ops, "delete") || slices.Contains(ops, "create") || does == "alone" && slices.Contains(ops, "update") {
				t.Errorf("a logout %s makes the calls %q", does, ops)
			}
			if _, ok := s.records()[id]; ok {
				t.Errorf("a logout %s leaves the record", does)
			}
			thief.seesNothing()
		}
		t.Run("or is told", func(t *testing.T) {
			b := s.browser()
			b.begin(loginWith("alice", "tea"))
			s.failing(func(op string) error {
				if op == "delete" {
					return errors.New("the store is down")
				}
				return nil
			})
			b.visit(destroy).want(503).wantCookies(0)
			s.failing(nil)
			b.sees("alice", "tea") // and nobody believes otherwise
		})
	})
}

// Django 6.1: the file engine does not end sessions at their own expiry;
// ActiveRecord's store: rows are good until they are trimmed. Here nothing is
// purged, and each process judges by the clock.
func TestACustomExpiryHoldsOnTheServer(t *testing.T) {
	for _, c := range []struct {
		name string
		o    session.Options
		set  func(*session.Session)
		ends time.Duration
	}{
		{"the lifetime of all", session.Options{Lifetime: time.Hour}, read, time.Hour},
		{"the idle timeout of all", session.Options{IdleTimeout: time.Minute}, read, time.Minute},
		{"a lifetime of its own", session.Options{}, func(s *session.Session) { s.SetLifetime(90 * time.Second) }, 90 * time.Second},
		{"a lifetime up to a date", session.Options{}, func(s *session.Session) { s.SetLifetime(36 * time.Hour) }, 36 * time.Hour},
		{"an idle timeout of its own", session.Options{}, func(s *session.Session) { s.SetIdleTimeout(time.Second) }, time.Second},
		{"longer than that of all", session.Options{IdleTimeout: time.Minute}, func(s *session.Session) { s.SetIdleTimeout(time.Hour) }, time.Hour},
		{"shorter than a microsecond", session.Options{}, func(s *session.Session) { s.SetIdleTimeout(1) }, time.Microsecond},
		{"until the browser closes", session.Options{Lifetime: time.Hour}, func(s *session.Session) { s.SetPersistent(false) }, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachEngine(t, func(t *testing.T, e engine) {
				s := newSite(t, e, c.o, 2)
				b := s.browser()
				b.begin(func(s *session.Session) { s.Login("alice"); add("tea")(s); c.set(s) })
				thief := b.thief()
				for i := range thief.cookies { // it does not forget when it should
					thief.cookies[i].persistent = false
				}
				s.clock.advance(c.ends - time.Microsecond)
				idle := c.o.IdleTimeout != 0 || c.ends < time.Minute
				for i := range s.m {
					b.thief().at(i).visit(func(s *session.Session) {
						if err := s.Load(context.Background()); err != nil || s.ExpiresAt().IsZero() {
							t.Errorf("process %d: a microsecond before its end the session is gone: %v", i, err)
						}
					})
				}
				if s.clock.advance(time.Microsecond); idle { // that was a use, which moved its end
					s.clock.advance(c.ends - time.Microsecond)
				}
				thief.seesNothing()
				thief.visit(add("milk")).want(200).wantCookies(1) // another session
				for i := range s.m {
					thief.at(i).visit(func(s *session.Session) {
						if s.Principal() != "" || slices.Contains(cart.Get(s), "tea") {
							t.Errorf("process %d: what has expired is back", i)
						}
					}).want(200)
				}
			})
		})
	}
}

// GHSA-xg6x-h9c9-2m83 (better-auth): between password and second factor, a
// cached session passes for a signed-in one.
func TestAPendingSecondFactorIsNeverServedAsAuthenticated(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		pending := session.NewKey[string]("pending-user")
		password := func(s *session.Session) { pending.Set(s, "alice") } // no Login before the second factor
		for n, stopped := 1, true; stopped; n++ {
			b := s.browser()
			b.begin(password)
			early := b.thief() // has the token from before the second factor
			stopped2, goOn := early.at(1).halted(n, func(s *session.Session) {
				if s.Principal() != "" {
					t.Error("signed in without the second factor")
				}
			})
			stopped = stopped2
			b.visit(func(s *session.Session) {
				if who, ok := pending.Pop(s); ok {
					s.Login(who)
				}
			}).want(200).wantCookies(1)
			goOn().want(200)
			early.seesNothing()
			b.sees("alice")
			// And back: signed out, then once more up to the password only.
			stolen := b.thief()
			stopped3, goOn := stolen.at(1).halted(n, read)
			stopped = stopped || stopped3
			b.visit(func(s *session.Session) { destroy(s); password(s) }).want(200).wantCookies(1)
			goOn().want(200)
			for i := range s.m {
				b.at(i).visit(func(s *session.Session) {
					if s.Principal() != "" || pending.Get(s) != "alice" {
						t.Errorf("process %d: signed in as %q before the second factor", i, s.Principal())
					}
				}).want(200)
			}
			stolen.seesNothing()
		}
	})
}

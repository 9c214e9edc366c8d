package session_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/interleave"
)

const quarter = 15 * time.Minute

var wanted = session.NewKey[string]("wanted")

func reauthenticate(s *session.Session) { s.Reauthenticate() }

// gated asks for a page behind the gate, and tells whether its handler ran.
func (b *browser) gated(d time.Duration) (ran bool, a answer) {
	b.t.Helper()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ran = true
		_, _ = io.WriteString(w, "secret")
	})
	a = b.send(b.m.Handler(b.m.RequireFresh(d)(page)))
	if got := a.header["Vary"]; len(got) != 1 || got[0] != "Cookie" || a.header.Get("Cache-Control") != "no-store" {
		b.t.Errorf("answered %d with Vary %q and Cache-Control %q", a.status, got, a.header["Cache-Control"])
	}
	if ran != (a.body == "secret") {
		b.t.Errorf("ran: %v, and the body is %q", ran, a.body)
	}
	return ran, a
}

func TestAPageBehindTheGateNeedsAFreshLogin(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration // of the login, by the clock of this process
		d     time.Duration
		fresh bool
	}{
		{0, quarter, true},
		{quarter - time.Microsecond, quarter, true},
		{quarter, quarter, true},
		{quarter + time.Microsecond, quarter, false},
		{time.Hour, quarter, false},
		{0, time.Nanosecond, true},
		{0, 0, false},
		{0, -time.Hour, false},
		// The process of the login had another clock.
		{-time.Microsecond, quarter, true},
		{-quarter, quarter, true},
		{-quarter - time.Microsecond, quarter, false},
		{-24 * time.Hour, quarter, false},
	} {
		s := newSite(t, session.Options{})
		b := s.browser()
		b.visit(login("alice")).want(200)
		s.clock.advance(c.age)
		if ran, a := b.gated(c.d); ran != c.fresh {
			t.Errorf("a login %v ago behind RequireFresh(%v): ran is %v, answered %d", c.age, c.d, ran, a.status)
		} else if !c.fresh {
			a.want(403)
			s.wantTold(session.ErrNotFresh)
			s.wantEvents(session.EventNotFresh, 1)
		}
		b.visit(func(s *session.Session) {
			if got := s.Fresh(c.d); got != c.fresh {
				t.Errorf("Fresh(%v) of a login %v ago is %v", c.d, c.age, got)
			}
		}).want(200)
	}
}

func TestNobodyIsNeverFresh(t *testing.T) {
	s := newSite(t, session.Options{})
	for who, begin := range map[string]func(*browser){
		"no cookie":            func(*browser) {},
		"an anonymous visitor": func(b *browser) { b.visit(add("tea")).want(200) },
		"after signing out":    func(b *browser) { b.visit(login("alice")).want(200); b.visit(destroy).want(200) },
	} {
		b := s.browser()
		begin(b)
		if ran, a := b.gated(quarter); ran || a.status != 403 {
			t.Errorf("%s: ran is %v, answered %d", who, ran, a.status)
		}
		s.wantTold(session.ErrNotFresh)
	}
}

func TestActivityAndRenewalMakeNoLoginFresh(t *testing.T) {
	s := newSite(t, session.Options{IdleTimeout: time.Hour})
	b := s.browser()
	b.visit(login("alice")).want(200)
	for range 3 {
		s.clock.advance(quarter)
		b.visit(func(s *session.Session) { add("tea")(s); s.Renew() }).want(200)
	}
	if ran, _ := b.gated(quarter); ran {
		t.Error("the gate let an old login through")
	}
}

func TestALoginIsFreshInItsOwnRequest(t *testing.T) {
	newSite(t, session.Options{}).browser().visit(func(s *session.Session) {
		if s.Login("alice"); !s.Fresh(time.Minute) {
			t.Error("a login is not fresh before it is saved")
		}
		if err := s.Save(context.Background()); err != nil || !s.Fresh(time.Minute) {
			t.Errorf("a login is not fresh once it is saved: %v", err)
		}
	}).want(200)
}

func TestAStoreThatCannotBeAskedIsNotAStaleLogin(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(login("alice")).want(200)
	s.store.plan("load", failBefore)
	ran, a := b.gated(quarter)
	if a.want(503); ran {
		t.Error("the handler ran")
	}
	s.wantTold(session.ErrUnavailable)
	s.wantEvents(session.EventNotFresh, 0)
	if ran, _ := b.gated(quarter); !ran {
		t.Error("the next request does not get through")
	}
}

// One place to send the user to the page that asks for the password, and to keep
// where they wanted to go.
func TestTheErrorHandlerMayUseTheSessionOfWhoIsNotFresh(t *testing.T) {
	s := newSite(t, session.Options{ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) {
		se := session.From(r.Context())
		wanted.Set(se, r.URL.Path)
		se.Flash("info", "Please sign in again.")
		http.Redirect(w, r, "/password", http.StatusSeeOther)
	}})
	b := s.browser()
	_, a := b.gated(quarter)
	if a.want(303).setsCookie(); a.header.Get("Location") != "/password" {
		t.Errorf("sent to %q", a.header.Get("Location"))
	}
	b.visit(func(s *session.Session) {
		if f := s.Flashes(); wanted.Get(s) != "/" || len(f) != 1 {
			t.Errorf("kept %q and %v", wanted.Get(s), f)
		}
		s.Login("alice")
	}).want(200)
	if ran, _ := b.gated(quarter); !ran {
		t.Error("the gate stays closed after the login")
	}
}

func TestAnErrorHandlerThatWritesNothingLetsNobodyThrough(t *testing.T) {
	s := newSite(t, session.Options{ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}})
	if ran, a := s.browser().gated(quarter); ran || a.status != 500 {
		t.Errorf("ran is %v, answered %d", ran, a.status)
	}
}

func TestTheGateAsksTheManagerThatItIsOf(t *testing.T) {
	outer := newSite(t, session.Options{Cookie: session.Cookie{Name: "outer"}})
	inner := newSite(t, session.Options{Cookie: session.Cookie{Name: "inner"}})
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	signedIn := outer.browser()
	signedIn.visit(login("alice")).want(200)
	both := func(h http.Handler) http.Handler { return outer.m.Handler(inner.m.Handler(h)) }
	signedIn.send(both(outer.m.RequireFresh(quarter)(page))).want(204)
	signedIn.send(both(inner.m.RequireFresh(quarter)(page))).want(403)
	signedIn.send(both(session.RequireFresh(quarter)(page))).want(403) // the innermost
	signedIn.send(outer.m.Handler(session.RequireFresh(quarter)(page))).want(204)
	if a := signedIn.send(session.RequireFresh(quarter)(page)); a.panic == nil {
		t.Error("a gate without sessions does not panic")
	}
}

func TestThePageMayBeCachedIfItsHandlerSaysSo(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(login("alice")).want(200)
	a := b.send(s.m.Handler(s.m.RequireFresh(quarter)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=60")
	})))).want(200)
	if got := a.header.Get("Cache-Control"); got != "private, max-age=60" {
		t.Errorf("Cache-Control is %q", got)
	}
}

func TestAReauthenticationBeginsTheTimesAnewAndKeepsTheRest(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: 10 * time.Hour, IdleTimeout: 5 * time.Hour})
	b := s.browser()
	b.visit(func(s *session.Session) {
		add("tea")(s)
		s.Login("alice")
		s.SetIdleTimeout(2 * time.Hour)
		s.SetPersistent(false)
	}).want(200)
	thief := b.thief()
	s.clock.advance(time.Hour)
	at := s.clock.Now()
	a := b.visit(func(s *session.Session) {
		add("milk")(s)
		s.Reauthenticate()
		if s.Principal() != "alice" || !s.Fresh(time.Minute) {
			t.Errorf("before the save: principal %q, fresh %v", s.Principal(), s.Fresh(time.Minute))
		}
	}).want(200).setsCookie()
	if c := a.cookies()[0]; c.MaxAge != 0 {
		t.Errorf("the cookie outlives the browser: %v", c)
	}
	thief.seesNothing()
	b.visit(func(s *session.Session) {
		if !s.CreatedAt().Equal(at.Add(-time.Hour)) || !s.AuthenticatedAt().Equal(at) || !s.ExpiresAt().Equal(at.Add(2*time.Hour)) {
			t.Errorf("at %v: created %v, authenticated %v, expires %v", at, s.CreatedAt(), s.AuthenticatedAt(), s.ExpiresAt())
		}
	}).want(200)
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
	if e := s.events.of(session.EventLogin); len(e) != 2 || e[0].Op != "login" || e[1].Op != "reauthenticate" || e[1].Principal != "alice" {
		t.Errorf("the events are %v", e)
	}
	for range 6 { // the lifetime counts from the reauthentication
		s.clock.advance(90 * time.Minute)
		b.sees("alice", "tea", "milk")
	}
	s.clock.advance(time.Hour - time.Microsecond)
	b.sees("alice", "tea", "milk")
	s.clock.advance(time.Microsecond)
	b.seesNothing()
}

func TestAReauthenticationSignsNobodyIn(t *testing.T) {
	for who, begin := range map[string]func(*browser){
		"no cookie":            func(*browser) {},
		"an anonymous visitor": func(b *browser) { b.visit(add("tea")).want(200) },
	} {
		t.Run(who, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			begin(b)
			before := s.alive()
			b.visit(func(s *session.Session) {
				if s.Reauthenticate(); s.Err() != session.ErrNotFresh {
					t.Errorf("Err is %v", s.Err())
				}
			}).want(403)
			s.wantTold(session.ErrNotFresh)
			s.wantEvents(session.EventLogin, 0)
			if n := s.alive(); n != before {
				t.Errorf("%d sessions are alive, and %d were before", n, before)
			}
		})
	}
}

func TestAReauthenticationOfASessionThatEndedOrMovedIsTold(t *testing.T) {
	for what, meanwhile := range map[string]func(s *site, other *browser){
		"revoked":         func(s *site, _ *browser) { _, _ = s.m.RevokeAll(context.Background(), "alice") },
		"renewed":         func(_ *site, other *browser) { other.visit(renew).want(200) },
		"reauthenticated": func(_ *site, other *browser) { other.visit(reauthenticate).want(200) },
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			b.visit(func(s *session.Session) { add("tea")(s); s.Login("alice") }).want(200)
			other := b.thief()
			b.visit(func(ses *session.Session) {
				_ = ses.Len()
				meanwhile(s, other)
				ses.Reauthenticate()
			}).want(409)
			s.wantTold(session.ErrSessionEnded)
			if what == "revoked" {
				other.seesNothing()
				return
			}
			other.sees("alice", "tea")
			b.visit(reauthenticate).want(409) // with the old token
			s.wantTold(session.ErrSessionEnded)
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

func TestALoginInTheSameRequestIsNoReauthentication(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(func(s *session.Session) { add("tea")(s); s.Login("alice") }).want(200)
	for name, f := range map[string]func(*session.Session){
		"before": func(s *session.Session) { s.Login("bob"); s.Reauthenticate() },
		"after":  func(s *session.Session) { s.Reauthenticate(); s.Login("bob") },
	} {
		c := s.browser()
		c.visit(func(s *session.Session) { add("tea")(s); s.Login("alice") }).want(200)
		c.visit(f).want(200).setsCookie()
		c.sees("bob")
		if e := s.events.of(session.EventLogin); e[len(e)-1].Op != "login" {
			t.Errorf("%s: the last login was %+v", name, e[len(e)-1])
		}
	}
}

func TestAFailingResponseDropsAReauthentication(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(login("alice")).want(200)
	s.clock.advance(time.Hour)
	b.answers(500, reauthenticate).want(500)
	if ran, _ := b.gated(quarter); ran {
		t.Error("a reauthentication that failed counts")
	}
	b.visit(reauthenticate).want(200).setsCookie()
	if ran, _ := b.gated(quarter); !ran {
		t.Error("the one after a failed one does not count")
	}
}

func TestEveryInterleavingOfAReauthenticationKeepsOneSessionAndEveryWrite(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.Reauthentications())
	interleave.Large(t, interleave.Memory(), interleave.With(interleave.Rows("update", interleave.Reauthentications()), interleave.Faulty(1)))
}

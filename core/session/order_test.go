package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A slow request came with the token from before a login or renewal, and is
// answered after it: at whichever store call the rival overtakes it.
func TestAnAnswerToTheOldTokenDoesNotDisturbTheNewSession(t *testing.T) {
	slow := map[string]func(*session.Session){
		"read": read, "write": add("milk"), "renew": renew, "flash": func(s *session.Session) { s.Flash("info", "x") },
		"write without loading first": func(s *session.Session) { name.Set(s, "x") },
	}
	for rival, f := range map[string]func(*session.Session){"login": login("alice"), "renew": renew} {
		for does, g := range slow {
			t.Run(does+" against "+rival, func(t *testing.T) {
				s, b := started(t, session.Options{})
				stale := b.thief() // its answer reaches the same browser last
				load, gate := stopBefore()
				s.store.plan("load", load)
				p := stale.begin(g)
				<-gate.reached
				b.visit(f).want(200).setsCookie()
				close(gate.open)
				a := (<-p).noCookie()
				if does == "read" {
					a.want(200)
				} else {
					a.want(409)
				}
				want := ""
				if rival == "login" {
					want = "alice"
				}
				b.sees(want, "tea")
				if n := s.alive(); n != 1 {
					t.Errorf("%d sessions are alive", n)
				}
			})
		}
	}
}

func TestOfTwoRenewalsOneWinsAndTheOtherLeavesNothing(t *testing.T) {
	s, b := started(t, session.Options{})
	first, second := inStep(s, b.thief(), renew, renew)
	if first.status > second.status {
		first, second = second, first
	}
	first.want(200).setsCookie()
	second.want(409)
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
	b.jar.SetCookies(b.url(), first.cookies())
	b.sees("", "tea")
}

func TestADoubleClickedLoginSignsInTwice(t *testing.T) {
	s, b := started(t, session.Options{})
	first, second := inStep(s, b.thief(), login("alice"), login("alice"))
	first.want(200).setsCookie()
	second.want(200).setsCookie()
	carried := 0
	for _, a := range []answer{first, second} {
		click := s.browser()
		click.jar.SetCookies(click.url(), a.cookies())
		click.visit(func(s *session.Session) {
			if s.Principal() != "alice" {
				t.Errorf("signed in as %q", s.Principal())
			}
			carried += len(cart.Get(s))
		}).want(200)
	}
	if carried != 1 {
		t.Errorf("the cart went to %d sessions", carried)
	}
}

func TestALoginWhoseAnswerWasLostCanBeRepeated(t *testing.T) {
	_, b := started(t, session.Options{})
	b.thief().visit(login("alice")).want(200).setsCookie()
	b.visit(login("alice")).want(200).setsCookie()
	b.sees("alice") // new and empty
}

func TestALoginThatSharesTheSessionWithASignOutIsTold(t *testing.T) {
	s, b := started(t, session.Options{})
	load, gate := stopAfter()
	s.store.plan("load", load)
	p := b.thief().begin(login("alice"))
	<-gate.reached
	b.visit(destroy).want(200)
	close(gate.open)
	(<-p).want(409)
	if n := s.alive(); n != 0 {
		t.Errorf("%d sessions are alive", n)
	}
}

func TestALoadThatComesLateAndFindsNothingCountsAsMoved(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		moved bool
	}{{30 * time.Second, false}, {30*time.Second + time.Microsecond, true}, {time.Hour, true}} {
		s, b := started(t, session.Options{})
		stale := b.thief()
		b.visit(renew).want(200)
		s.clock.advance(time.Minute) // the mark is not heeded any more
		a := stale.visit(func(ses *session.Session) {
			s.clock.advance(c.after)
			add("milk")(ses)
		})
		if !c.moved {
			a.want(200).setsCookie()
			continue
		}
		a.want(409)
		s.wantTold(session.ErrSessionEnded)
		stale.visit(func(ses *session.Session) {
			s.clock.advance(c.after)
			if ses.ID() != "" || ses.Len() != 0 {
				t.Error("it has a session")
			}
		}).want(200).noCookie()
		stale.visit(func(ses *session.Session) {
			s.clock.advance(c.after)
			ses.Login("alice")
		}).want(200).setsCookie()
	}
}

func TestARequestOfTheOldTokenIsSafeForAsLongAsIsPromised(t *testing.T) {
	for _, c := range []struct {
		arrives, loads time.Duration // after the renewal
		safe           bool
	}{
		{0, 0, true},
		{0, time.Hour, true},
		{29 * time.Second, time.Minute, true},
		{29 * time.Second, time.Hour, true},
		{59 * time.Second, 59 * time.Second, true},
		{31 * time.Second, 61 * time.Second, false},
	} {
		s, b := started(t, session.Options{})
		stale := b.thief()
		b.visit(renew).want(200)
		s.clock.advance(c.arrives)
		a := stale.visit(func(ses *session.Session) {
			s.clock.advance(c.loads - c.arrives)
			add("milk")(ses)
		})
		if c.safe {
			a.want(409)
		} else {
			a.want(200).setsCookie()
		}
		b.sees("", "tea")
	}
}

func TestARenewalWhoseAnswerIsLostSignsOut(t *testing.T) {
	for name, f := range map[string]func(*session.Session){"renewal": renew, "login": login("alice")} {
		t.Run(name, func(t *testing.T) {
			_, b := started(t, session.Options{})
			b.thief().visit(f).want(200).setsCookie() // which does not reach the browser
			b.seesNothing()
			b.visit(add("milk")).want(409)
		})
	}
}

func TestALateLoadWithoutACookieBeginsASession(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(func(ses *session.Session) {
		s.clock.advance(time.Hour)
		add("tea")(ses)
	}).want(200).setsCookie()
	b.sees("", "tea")
}

func TestSignOutOnAnOldTokenFollowsARenewalButNotALogin(t *testing.T) {
	for name, c := range map[string]struct {
		f     func(*session.Session)
		alive int
	}{"renewal": {renew, 0}, "renewal of a login": {renew, 0}, "login": {login("alice"), 1}, "login again": {login("bob"), 1}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			if name == "login again" || name == "renewal of a login" {
				b.visit(login("bob")).want(200)
				s.clock.advance(time.Second)
			} else {
				b.visit(add("tea")).want(200)
			}
			stale := b.thief()
			b.visit(c.f).want(200)
			for id, rec := range s.store.records() {
				if rec.MovedTo != "" && (rec.Principal != "" || len(rec.Payload) > 0) {
					t.Errorf("the mark %v is one of %q", id, rec.Principal)
				}
			}
			a := stale.visit(destroy).want(200)
			if n := s.alive(); n != c.alive {
				t.Errorf("%d sessions are alive, want %d", n, c.alive)
			}
			if c.alive == 0 {
				a.removesCookie()
				b.seesNothing()
			} else {
				a.noCookie()
			}
		})
	}
}

func TestASignOutDoesNotFollowAMarkThatIsOver(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(login("alice")).want(200)
	stale := b.thief()
	b.visit(renew).want(200)
	s.clock.advance(3 * time.Hour) // nobody has purged
	stale.visit(func(ses *session.Session) {
		s.clock.advance(31 * time.Second) // a slow body
		_ = ses.Destroy(context.Background())
	}).want(200).noCookie()
	b.sees("alice")
}

func TestALoginThatARivalOvertookBeginsANewSessionHoweverLongItsHandlerRan(t *testing.T) {
	s, b := started(t, session.Options{IdleTimeout: time.Hour})
	slow := b.thief()
	slow.visit(func(s *session.Session) {
		read(s)
		b.visit(login("alice")).want(200)
		b.clock.advance(time.Hour) // the session from before the login would have ended
		s.Login("alice")
	}).want(200).setsCookie()
	slow.sees("alice")
	b.seesNothing() // its own hour is over
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
}

package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestASessionEndsAtItsTimeToTheMicrosecond(t *testing.T) {
	set := func(f func(*session.Session)) func(*session.Session) { return f }
	for _, c := range []struct {
		name string
		o    session.Options
		f    func(*session.Session) // besides writing
		ends time.Duration
	}{
		{"lifetime by default", session.Options{}, nil, 14 * 24 * time.Hour},
		{"lifetime", session.Options{Lifetime: time.Hour}, nil, time.Hour},
		{"idle timeout", session.Options{IdleTimeout: time.Minute}, nil, time.Minute},
		{"idle timeout as long as the lifetime", session.Options{IdleTimeout: time.Hour, Lifetime: time.Hour}, nil, time.Hour},
		{"lifetime of its own", session.Options{}, set(func(s *session.Session) { s.SetLifetime(2 * time.Minute) }), 2 * time.Minute},
		{"longer lifetime of its own", session.Options{Lifetime: time.Hour}, set(func(s *session.Session) { s.SetLifetime(3 * time.Hour) }), 3 * time.Hour},
		{"idle timeout of its own", session.Options{IdleTimeout: time.Minute}, set(func(s *session.Session) { s.SetIdleTimeout(time.Second) }), time.Second},
		{"longer idle timeout of its own", session.Options{IdleTimeout: time.Minute}, set(func(s *session.Session) { s.SetIdleTimeout(time.Hour) }), time.Hour},
		{"no idle timeout of its own", session.Options{IdleTimeout: time.Minute, Lifetime: time.Hour}, set(func(s *session.Session) { s.SetIdleTimeout(0) }), time.Hour},
		{"idle timeout of its own above the lifetime", session.Options{Lifetime: time.Hour}, set(func(s *session.Session) { s.SetIdleTimeout(2 * time.Hour) }), time.Hour},
		{"idle timeout below a microsecond", session.Options{}, set(func(s *session.Session) { s.SetIdleTimeout(time.Nanosecond) }), time.Microsecond},
		{"login", session.Options{Lifetime: time.Hour, IdleTimeout: 30 * time.Minute}, login("alice"), 30 * time.Minute},
		{"settings of a login", session.Options{}, set(func(s *session.Session) { s.SetLifetime(time.Hour); s.Login("alice") }), time.Hour},
		{"settings after a login", session.Options{}, set(func(s *session.Session) { s.Login("alice"); s.SetLifetime(time.Hour) }), time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, early := range []time.Duration{time.Microsecond, time.Nanosecond, 0, -time.Microsecond} {
				s := newSite(t, c.o)
				b := s.browser()
				b.visit(func(s *session.Session) {
					add("tea")(s)
					if c.f != nil {
						c.f(s)
					}
				}).want(200)
				begun := s.clock.Now()
				s.clock.advance(c.ends - early)
				b.visit(func(ses *session.Session) {
					if live := ses.ID() != ""; live != (early > 0) {
						t.Errorf("%v before the end: alive is %v", early, live)
					}
					if at := ses.ExpiresAt(); early > 0 && !at.Equal(begun.Add(c.ends)) {
						t.Errorf("%v before the end: ExpiresAt is %v, want %v", early, at, begun.Add(c.ends))
					}
				}).want(200).noCookie()
				if early <= 0 {
					s.wantEvents(session.EventExpired, 1)
				}
				if len(s.store.records()) != 1 {
					t.Error("a read changed what is stored")
				}
			}
		})
	}
}

func TestActivityMovesTheIdleTimeoutOnly(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: 10 * time.Hour, IdleTimeout: time.Hour})
	b := s.browser()
	b.visit(add("tea")).want(200)
	for i := range 19 {
		s.clock.advance(30 * time.Minute)
		f := read
		switch i % 3 {
		case 1:
			f = func(s *session.Session) { name.Set(s, "x") }
		case 2:
			f = renew
		}
		b.visit(func(s *session.Session) {
			if s.ID() == "" {
				t.Fatalf("ended after %d half hours", i+1)
			}
			f(s)
		}).want(200)
	}
	s.clock.advance(30*time.Minute - time.Microsecond)
	b.sees("", "tea")
	s.clock.advance(time.Microsecond)
	b.seesNothing()
}

func TestALoginBeginsANewLifetime(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: 10 * time.Hour})
	b := s.browser()
	b.visit(add("tea")).want(200)
	s.clock.advance(9 * time.Hour)
	at := s.clock.Now()
	b.visit(login("alice")).want(200)
	b.visit(func(s *session.Session) {
		if !s.CreatedAt().Equal(at) || !s.AuthenticatedAt().Equal(at) || !s.ExpiresAt().Equal(at.Add(10*time.Hour)) {
			t.Errorf("after login at %v: created %v, authenticated %v, expires %v", at, s.CreatedAt(), s.AuthenticatedAt(), s.ExpiresAt())
		}
	}).want(200)
	s.clock.advance(10*time.Hour - 1)
	b.sees("alice", "tea")
	s.clock.advance(1)
	b.seesNothing()
}

func TestRenewKeepsTheTimes(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: 10 * time.Hour})
	b := s.browser()
	at := s.clock.Now()
	b.visit(login("alice")).want(200)
	s.clock.advance(time.Hour)
	b.visit(renew).want(200).setsCookie()
	b.visit(func(s *session.Session) {
		if !s.CreatedAt().Equal(at) || !s.AuthenticatedAt().Equal(at) || !s.ExpiresAt().Equal(at.Add(10*time.Hour)) {
			t.Errorf("created %v, authenticated %v, expires %v, want the times from before", s.CreatedAt(), s.AuthenticatedAt(), s.ExpiresAt())
		}
	}).want(200)
}

func TestASessionThatExpiresBeforeItsChangeIsSavedHasEnded(t *testing.T) {
	for name, f := range map[string]func(*session.Session){"write": add("milk"), "renew": renew, "login": login("alice")} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{IdleTimeout: time.Hour})
			b.visit(func(ses *session.Session) {
				_ = ses.Len()
				s.clock.advance(time.Hour)
				f(ses)
			}).want(409)
			s.wantTold(session.ErrSessionEnded)
			b.seesNothing()
			if n := s.alive(); n != 0 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

func TestASessionThatOthersKeepAliveDoesNotExpireUnderASlowHandler(t *testing.T) {
	for name, f := range map[string]func(*session.Session){"write": add("milk"), "renew": func(s *session.Session) { add("milk")(s); s.Renew() }} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{IdleTimeout: time.Hour})
			other := b.at(s.another(session.Options{IdleTimeout: time.Hour}))
			b.visit(func(ses *session.Session) {
				_ = ses.Len()
				for range 3 {
					s.clock.advance(50 * time.Minute)
					other.sees("", "tea")
				}
				f(ses)
			}).want(200)
			b.sees("", "tea", "milk")
		})
	}
}

func TestAskingForTimesExtendsNothing(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	at := s.clock.Now()
	b.visit(login("alice")).want(200)
	s.clock.advance(10 * time.Minute)
	s.store.reset()
	b.visit(func(s *session.Session) {
		if !s.LastSeen().Equal(at) || !s.ExpiresAt().Equal(at.Add(14*24*time.Hour)) {
			t.Errorf("last seen %v, expires %v", s.LastSeen(), s.ExpiresAt())
		}
	}).want(200)
	s.wantCalls("load")
}

func TestAUseInTimeThatIsStoredLateKeepsTheSession(t *testing.T) {
	for name, use := range map[string]struct {
		op string
		f  func(*session.Session)
	}{"touch": {"touch", read}, "write": {"update", add("milk")}} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{IdleTimeout: time.Hour})
			s.clock.advance(59 * time.Minute)
			stop, gate := stopBefore()
			s.store.plan(use.op, stop)
			p := b.begin(use.f)
			<-gate.reached
			s.clock.advance(2 * time.Minute)
			b.thief().seesNothing()
			close(gate.open)
			(<-p).want(200)
			b.visit(func(ses *session.Session) {
				if got := ses.LastSeen(); ses.ID() == "" || s.clock.Now().Sub(got) != 2*time.Minute {
					t.Errorf("session %q was last seen at %v", ses.ID(), got)
				}
			}).want(200)
			s.clock.advance(58 * time.Minute)
			b.seesNothing()
		})
	}
}

func TestTimesAreZeroWhileNothingIsStored(t *testing.T) {
	newSite(t, session.Options{}).browser().visit(func(s *session.Session) {
		add("tea")(s)
		if !s.CreatedAt().IsZero() || !s.AuthenticatedAt().IsZero() || !s.LastSeen().IsZero() || !s.ExpiresAt().IsZero() || s.ID() != "" {
			t.Error("a session that is not stored has times or an ID")
		}
		if err := s.Save(context.Background()); err != nil || s.CreatedAt().IsZero() || s.ID() == "" {
			t.Errorf("Save: %v, created %v, ID %q", err, s.CreatedAt(), s.ID())
		}
	}).want(200)
}

func TestTheTimesInARecordAreWholeMicroseconds(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: time.Hour + 1, IdleTimeout: time.Minute + 1})
	s.clock.advance(1)
	s.browser().visit(func(s *session.Session) { s.Login("alice"); s.SetLifetime(time.Hour + 1) }).want(200)
	s.browser().visit(func(s *session.Session) { s.Login("alice"); s.SetIdleTimeout(time.Hour + 1) }).want(200)
	s.browser().visit(login("alice")).want(200)
	for _, r := range s.store.records() {
		for _, at := range []time.Time{r.Created, r.Authenticated, r.LastSeen, r.Expires, r.LifetimeEnd} {
			if at.Nanosecond()%1000 != 0 || at.Location() != time.UTC {
				t.Errorf("%v is not a whole microsecond in UTC", at)
			}
		}
		if r.IdleTimeout%time.Microsecond != 0 || r.IdleTimeout == 0 {
			t.Errorf("the idle timeout is %v", r.IdleTimeout)
		}
	}
}

func TestThePresetsAreThoseOfNIST(t *testing.T) {
	for _, o := range []session.Options{
		{Lifetime: session.LifetimeAAL1},
		{Lifetime: session.LifetimeAAL2, IdleTimeout: session.IdleAAL2},
		{Lifetime: session.LifetimeAAL3, IdleTimeout: session.IdleAAL3},
	} {
		newSite(t, o)
	}
	for got, want := range map[time.Duration]time.Duration{
		session.LifetimeAAL1: 720 * time.Hour,
		session.LifetimeAAL2: 24 * time.Hour, session.IdleAAL2: time.Hour,
		session.LifetimeAAL3: 12 * time.Hour, session.IdleAAL3: 15 * time.Minute,
	} {
		if got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

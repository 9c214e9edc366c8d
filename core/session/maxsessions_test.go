package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// signIn logs a new browser in, a second after the one before.
func (s *site) signIn(principal string) *browser {
	s.t.Helper()
	s.clock.advance(time.Second)
	b := s.browser()
	b.visit(login(principal)).want(200).setsCookie()
	return b
}

func TestALoginBeyondTheLimitEndsTheOldestSessions(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 2})
	first, other, second := s.signIn("alice"), s.signIn("bob"), s.signIn("alice")
	id := first.id()
	third := s.signIn("alice")
	first.seesNothing()
	second.sees("alice")
	third.sees("alice")
	other.sees("bob")
	if got := s.events.of(session.EventRevoked); len(got) != 1 || got[0].ID != id || got[0].Principal != "alice" || got[0].Op != "limit" {
		t.Errorf("events: %+v", got)
	}
	fourth := s.another(session.Options{MaxSessions: 1}).signIn("alice") // a lower limit, after a deployment
	second.seesNothing()
	third.seesNothing()
	fourth.sees("alice")
}

func TestALoginBeyondTheLimitIsRefusedAndChangesNothing(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1, MaxSessionsPreventsLogin: true})
	first := s.signIn("alice")
	s.clock.advance(time.Second)
	fresh, visitor := s.browser(), s.browser()
	visitor.visit(add("tea")).want(200)
	token := visitor.token()
	fresh.visit(login("alice")).want(409)
	visitor.visit(func(s *session.Session) { add("milk")(s); s.Login("alice") }).want(409)
	s.wantTold(session.ErrTooManySessions)
	s.wantEvents(session.EventRefused, 2)
	s.wantEvents(session.EventRevoked, 0)
	visitor.sees("", "tea")
	if visitor.token() != token || s.alive() != 2 {
		t.Errorf("%d sessions are alive", s.alive())
	}
	visitor.visit(login("bob")).want(200) // who has none
	first.visit(destroy).want(200)
	fresh.visit(login("alice")).want(200)
	fresh.sees("alice")
}

// Of logins at once the oldest fit, and stay however long the others, which the
// limit refuses, take to go.
func TestALoginThatFitsWaitsForThoseThatDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Options{MaxSessions: 1, MaxSessionsPreventsLogin: true})
		listing, g := stopBefore()
		s.store.plan("list", listing)
		first := s.browser()
		in := first.begin(login("alice"))
		<-g.reached
		s.clock.advance(time.Second)
		s.store.plan("delete", func(ctx context.Context, do func(context.Context) error) error {
			close(g.open)
			time.Sleep(time.Second / 2) // of the bubble's clock
			return do(ctx)
		})
		s.browser().visit(login("alice")).want(409)
		(<-in).want(200)
		first.sees("alice")
	})
}

func TestALoginAgainDoesNotCountTwice(t *testing.T) {
	for _, prevents := range []bool{false, true} {
		s := newSite(t, session.Options{MaxSessions: 2, MaxSessionsPreventsLogin: prevents})
		here, there := s.signIn("alice"), s.signIn("alice")
		s.clock.advance(time.Second)
		for _, f := range []func(*session.Session){login("alice"), renew, login("alice"), add("tea"), renew} {
			here.visit(f).want(200)
			s.clock.advance(time.Second)
		}
		here.sees("alice", "tea")
		there.sees("alice")
		s.wantEvents(session.EventRevoked, 0)
	}
}

func TestWhatHasExpiredOrMovedDoesNotCount(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1, MaxSessionsPreventsLogin: true, Lifetime: time.Hour})
	b := s.signIn("alice")
	b.visit(renew).want(200)
	s.clock.advance(time.Hour)
	s.signIn("alice").sees("alice")
	s.wantEvents(session.EventRefused, 0)
}

func TestAHandlerMayAnswerARefusedLoginItself(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1, MaxSessionsPreventsLogin: true})
	s.signIn("alice")
	s.clock.advance(time.Second)
	a := s.browser().serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Login("alice")
		if err := s.Save(r.Context()); !errors.Is(err, session.ErrTooManySessions) {
			t.Errorf("Save: %v", err)
		}
		if err := s.Reload(r.Context()); err != nil {
			t.Errorf("Reload: %v", err)
		}
		http.Error(w, "which one shall go?", http.StatusForbidden)
	}).want(403)
	if !strings.Contains(a.body, "which one") {
		t.Errorf("answered %q", a.body)
	}
}

func TestOnlyALoginPaysForTheLimit(t *testing.T) {
	for _, c := range []struct {
		does  string
		f     func(*session.Session)
		calls string
	}{
		{"reads", read, "load"},
		{"sets", func(s *session.Session) { name.Set(s, "x") }, "load update"},
		{"renews", renew, "load create fresh update"},
		{"destroys", destroy, "load delete"},
		{"logs in", login("alice"), "load create list fresh update"},
	} {
		t.Run(c.does, func(t *testing.T) {
			s, b := started(t, session.Options{MaxSessions: 3})
			b.visit(c.f).want(200)
			s.wantCalls(strings.Fields(c.calls)...)
		})
	}
	s := newSite(t, session.Options{MaxSessions: 1})
	s.signIn("alice")
	s.wantCalls("create", "list")
	s.store.reset()
	s.signIn("alice")
	s.wantCalls("create", "list", "delete")
}

func TestAnOutageWhileSessionsAreCountedKeepsNothingOfTheLogin(t *testing.T) {
	for name, f := range map[string]func(*site){
		"the list fails":         func(s *site) { s.store.plan("list", failBefore) },
		"ending the oldest does": func(s *site) { s.store.plan("delete", failBefore, failBefore) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, session.Options{MaxSessions: 1})
			old := s.signIn("alice")
			s.clock.advance(time.Second)
			visitor := s.browser()
			visitor.visit(add("tea")).want(200)
			f(s)
			visitor.visit(login("alice")).want(503)
			s.store.reset()
			visitor.sees("", "tea")
			old.sees("alice")
			if n := s.alive(); n != 2 {
				t.Errorf("%d sessions are alive", n)
			}
			visitor.visit(login("alice")).want(200)
			visitor.sees("alice", "tea")
			old.seesNothing()
		})
	}
}

func TestALoginThatFailsAfterItMadeRoomHasEndedTheOldest(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1})
	old := s.signIn("alice")
	s.clock.advance(time.Second)
	visitor := s.browser()
	visitor.visit(add("tea")).want(200)
	s.store.plan("fresh", failBefore) // the look at the old record
	visitor.visit(login("alice")).want(503)
	visitor.sees("", "tea")
	old.seesNothing()
}

func TestALoginGoesOnWhereTheCacheHasYetToHearOfAnEnding(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1})
	old := s.signIn("alice")
	s.store.plan("delete", pendingAfter)
	s.signIn("alice").sees("alice")
	old.seesNothing()
	s.wantEvents(session.EventPending, 1)
	s.wantEvents(session.EventRevoked, 1)
}

// The clocks of processes differ: a login is newer than what it finds all the same.
func TestALoginByAClockThatIsBehindIsTheNewest(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1})
	ahead := s.signIn("alice")
	behind := s.another(session.Options{MaxSessions: 1, Clock: func() time.Time { return s.clock.Now().Add(-time.Minute) }}).browser()
	behind.visit(login("alice")).want(200)
	behind.at(s).sees("alice")
	ahead.seesNothing()
}

// A renewal shows as two sessions for a moment: the login waits for it.
func TestALoginDuringARenewalCountsItOnce(t *testing.T) {
	for _, prevents := range []bool{false, true} {
		s := newSite(t, session.Options{MaxSessions: 2, MaxSessionsPreventsLogin: prevents})
		renewing := s.signIn("alice")
		s.clock.advance(time.Second)
		update, g := stopBefore()
		s.store.plan("update", update)
		renewed := renewing.begin(renew)
		<-g.reached
		listed, l := stopAfter()
		s.store.plan("list", listed)
		late := s.browser()
		in := late.begin(login("alice"))
		<-l.reached // it has seen both
		close(g.open)
		(<-renewed).want(200)
		close(l.open)
		(<-in).want(200)
		renewing.sees("alice")
		late.sees("alice")
	}
}

// Whoever ends a session by the ID that a reauthentication is giving it ends the session.
func TestARevokedReauthenticationUnderALimitStaysEnded(t *testing.T) {
	for _, most := range []int{0, 3} {
		s := newSite(t, session.Options{MaxSessions: most})
		b := s.signIn("alice")
		s.clock.advance(time.Second)
		old := b.id()
		revoke := func() {
			infos, err := s.m.List(context.Background(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range infos {
				if i.ID != old {
					if err := s.m.Revoke(context.Background(), i.ID); err != nil {
						t.Errorf("Revoke: %v", err)
					}
				}
			}
		}
		s.store.plan("create", after(revoke))
		b.visit(reauthenticate)
		if n := s.alive(); n != 0 {
			t.Errorf("MaxSessions %d: %d sessions are alive", most, n)
		}
	}
}

// As TestALoginDuringARenewalCountsItOnce, for a reauthentication.
func TestALoginDuringAReauthenticationCountsItOnce(t *testing.T) {
	for _, prevents := range []bool{false, true} {
		s := newSite(t, session.Options{MaxSessions: 2, MaxSessionsPreventsLogin: prevents})
		here := s.signIn("alice")
		s.clock.advance(time.Second)
		update, g := stopBefore()
		s.store.plan("update", update)
		again := here.begin(reauthenticate)
		<-g.reached
		s.clock.advance(time.Second)
		listed, l := stopAfter()
		s.store.plan("list", listed)
		late := s.browser()
		in := late.begin(login("alice"))
		<-l.reached // it has seen both
		close(g.open)
		if a := <-again; a.status != 200 {
			t.Errorf("prevents %v: the reauthentication was answered %d", prevents, a.status)
		}
		close(l.open)
		if a := <-in; a.status != 200 {
			t.Errorf("prevents %v: the login was answered %d", prevents, a.status)
		}
		if n := s.alive(); n != 2 {
			t.Errorf("prevents %v: %d sessions are alive", prevents, n)
		}
	}
}

func TestALoweredLimitRefusesNoReauthentication(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 2, MaxSessionsPreventsLogin: true})
	a, b := s.signIn("alice"), s.signIn("alice")
	s.clock.advance(time.Second)
	lower := s.another(session.Options{MaxSessions: 1, MaxSessionsPreventsLogin: true})
	b.at(lower).visit(reauthenticate).want(200)
	a.at(lower).sees("alice")
}

func TestALoginBesideAStuckReauthenticationEndsNoSessionWithinTheLimit(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 3})
	oldest, here := s.signIn("alice"), s.signIn("alice")
	s.clock.advance(time.Second)
	update, g := stopBefore()
	s.store.plan("update", update)
	again := here.begin(reauthenticate)
	<-g.reached
	s.clock.advance(time.Second)
	late := s.browser()
	in := late.begin(login("alice"))
	time.Sleep(50 * time.Millisecond)
	close(g.open)
	(<-again).want(200)
	(<-in).want(200)
	oldest.sees("alice")
	here.sees("alice")
	late.sees("alice")
}

func TestALimitNeedsAStoreThatCanList(t *testing.T) {
	memory := session.NewMemoryStore(session.MemoryOptions{})
	for name, store := range map[string]session.Store{
		"no lister":         bare{memory},
		"cached_db on none": cacheddb.New(memory, bare{memory}, cacheddb.Options{}),
	} {
		_, err := session.New(session.Options{Store: store, MaxSessions: 1})
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "session.Lister") || !strings.Contains(err.Error(), "MaxSessions") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := session.New(session.Options{Store: store}); err != nil {
			t.Errorf("%s, no limit: %v", name, err)
		}
	}
	for _, o := range []session.Options{{MaxSessions: -1}, {MaxSessionsPreventsLogin: true}} {
		if _, err := session.New(o); err == nil || !strings.Contains(err.Error(), "MaxSessions") {
			t.Errorf("%+v: %v", o.MaxSessions, err)
		}
	}
}

func TestALoginThatItsClientLeavesWhileItWaitsKeepsNothing(t *testing.T) {
	s := newSite(t, session.Options{MaxSessions: 1})
	s.signIn("alice")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.clock.advance(time.Second)
	s.store.plan("list", func(ctx context.Context, _ func(context.Context) error) error { cancel(); return ctx.Err() })
	s.browser().under(ctx).visit(login("alice")).want(503)
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
}

package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestAUseIsStoredOncePerInterval(t *testing.T) {
	own := func(d time.Duration) func(*session.Session) {
		return func(s *session.Session) { add("tea")(s); s.SetIdleTimeout(d) }
	}
	for _, c := range []struct {
		name     string
		o        session.Options
		begin    func(*session.Session)
		interval time.Duration
	}{
		{"an hour without an idle timeout", session.Options{}, add("tea"), time.Hour},
		{"a tenth of the idle timeout", session.Options{IdleTimeout: time.Hour}, add("tea"), 6 * time.Minute},
		{"an hour with a long idle timeout", session.Options{IdleTimeout: 48 * time.Hour}, add("tea"), time.Hour},
		{"as set", session.Options{TouchInterval: time.Minute}, add("tea"), time.Minute},
		{"as set, with an idle timeout", session.Options{TouchInterval: 20 * time.Minute, IdleTimeout: time.Hour}, add("tea"), 20 * time.Minute},
		{"a tenth of the session's own idle timeout", session.Options{}, own(20 * time.Minute), 2 * time.Minute},
		{"as set, with a longer idle timeout of its own", session.Options{TouchInterval: time.Minute}, own(time.Hour), time.Minute},
		{"not as set, with a shorter idle timeout of its own", session.Options{TouchInterval: time.Hour}, own(10 * time.Minute), time.Minute},
		{"no idle timeout of its own", session.Options{IdleTimeout: time.Minute}, own(0), time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, c.o)
			b := s.browser()
			b.visit(c.begin).want(200)
			for range 3 {
				s.store.reset()
				s.clock.advance(c.interval - time.Microsecond)
				b.visit(read).want(200).noCookie()
				s.wantCalls("load")
				s.clock.advance(time.Microsecond)
				at := s.clock.Now()
				b.visit(read).want(200).noCookie()
				b.visit(read).want(200).noCookie()
				s.wantCalls("load", "load", "touch", "load")
				b.visit(func(s *session.Session) {
					if !s.LastSeen().Equal(at) {
						t.Errorf("last seen %v, want %v", s.LastSeen(), at)
					}
				})
			}
		})
	}
}

func TestAChangeStoresTheUseWithoutATouch(t *testing.T) {
	s, b := started(t, session.Options{})
	s.clock.advance(2 * time.Hour)
	b.visit(add("milk")).want(200)
	b.visit(read).want(200)
	s.wantCalls("load", "update", "load")
}

func TestAFailingTouchIsOnlyAnEvent(t *testing.T) {
	s, b := started(t, session.Options{})
	s.clock.advance(2 * time.Hour)
	s.store.plan("touch", failBefore)
	b.sees("", "tea")
	s.wantEvents(session.EventTouchFailed, 1)
	s.wantEvents(session.EventStoreError, 0)
	b.sees("", "tea") // and is tried again
	s.wantCalls("load", "touch", "load", "touch")
}

func TestATouchNeitherUndoesNorOutlivesANewerWrite(t *testing.T) {
	s, b := started(t, session.Options{IdleTimeout: time.Hour})
	s.clock.advance(30 * time.Minute)
	touch, g := stopBefore()
	s.store.plan("touch", touch)
	reading := b.begin(read)
	<-g.reached
	b.visit(func(s *session.Session) { s.SetIdleTimeout(time.Minute) }).want(200)
	s.clock.advance(time.Minute - time.Microsecond)
	close(g.open)
	(<-reading).want(200)
	b.sees("", "tea")
	s.clock.advance(time.Minute)
	b.seesNothing()
}

func TestParallelRequestsStoreTheirUseOnce(t *testing.T) {
	s, b := started(t, session.Options{TouchInterval: time.Minute})
	s.clock.advance(2 * time.Hour)
	touch, g := stopBefore()
	s.store.plan("touch", touch)
	first := b.begin(read)
	<-g.reached
	for range 3 {
		b.sees("", "tea")
	}
	s.wantCalls("load", "touch", "load", "load", "load")
	s.store.reset()
	s.clock.advance(time.Minute) // it takes long: another use is due meanwhile
	b.sees("", "tea")
	s.wantCalls("load", "touch")
	close(g.open)
	(<-first).want(200)
	s.store.reset()
	s.clock.advance(time.Minute)
	b.sees("", "tea")
	s.wantCalls("load", "touch")
}

// TestAUseThatWasLeftToAnotherRequestIsStoredThoughThatOneGoes: the other's client is gone, and
// its touch with it.
func TestAUseThatWasLeftToAnotherRequestIsStoredThoughThatOneGoes(t *testing.T) {
	s, b := started(t, session.Options{IdleTimeout: time.Hour})
	s.clock.advance(50 * time.Minute)
	g := newGate()
	s.store.plan("touch", func(context.Context, func(context.Context) error) error {
		g.stop()
		return context.Canceled
	})
	first := b.begin(read)
	<-g.reached
	b.sees("", "tea") // answered
	close(g.open)
	(<-first).want(200)
	s.clock.advance(20 * time.Minute)
	b.sees("", "tea")
}

func TestAFailingResponseStoresNoUse(t *testing.T) {
	s, b := started(t, session.Options{})
	s.clock.advance(2 * time.Hour)
	b.answers(500, read)
	s.wantCalls("load")
}

func TestSaveStoresTheUseInAHandlerThatRunsForLong(t *testing.T) {
	s, b := started(t, session.Options{IdleTimeout: time.Hour})
	b.visit(func(ses *session.Session) {
		read(ses)
		for range 5 {
			s.clock.advance(50 * time.Minute)
			if err := ses.Save(context.Background()); err != nil {
				t.Errorf("Save: %v", err)
			}
			if err := ses.Save(context.Background()); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
	}).want(200)
	b.sees("", "tea")
}

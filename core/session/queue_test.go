package session_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/seshat-go/seshat/core/session"
)

func TestCommitsOfOneSessionInOneProcessQueueInsteadOfRacing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := started(t, session.Options{})
		update, g := stopBefore()
		s.store.plan("update", update)
		first, second := b.begin(add("milk")), b.begin(add("rice"))
		synctest.Wait() // one is stopped at the store, the other waits for its turn
		if got := s.store.took(); len(got) != 3 {
			t.Errorf("store calls: %q, want 2 loads and an update", got)
		}
		close(g.open)
		(<-first).want(200)
		(<-second).want(200)
		if got := s.store.took(); len(got) != 4 {
			t.Errorf("store calls: %q, want 2 loads and 2 updates", got)
		}
		b.visit(func(s *session.Session) {
			if n := len(cart.Get(s)); n != 3 {
				t.Errorf("the cart has %d items, want 3", n)
			}
		})
	})
}

func TestARequestThatIsGivenUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := started(t, session.Options{})
		update, g := stopBefore()
		s.store.plan("update", update)
		first := b.begin(add("milk"))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		second := b.under(ctx).begin(add("rice"))
		synctest.Wait()
		cancel()
		(<-second).want(503)
		close(g.open)
		(<-first).want(200)
		b.visit(add("bread")).want(200)
		b.sees("", "tea", "milk", "bread")
	})
}

func TestARenewalThatWaitsForItsTurnCarriesTheWriteBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := started(t, session.Options{})
		update, g := stopBefore()
		s.store.plan("update", update)
		first := b.thief().begin(add("milk"))
		synctest.Wait()
		second := b.begin(renew)
		synctest.Wait()
		close(g.open)
		(<-first).want(200)
		(<-second).want(200).setsCookie()
		b.sees("", "tea", "milk")
		s.wantEvents(session.EventConflict, 0)
	})
}

func TestASessionThatKeepsChangingIsAConflict(t *testing.T) {
	for name, f := range map[string]func(*session.Session){"write": add("milk"), "renew": renew} {
		synctest.Test(t, func(t *testing.T) {
			s, b := started(t, session.Options{})
			conflict := refuse(session.ErrConflict)
			for range 200 {
				// The marks of a renewal alternate with updates of its successor.
				s.store.plan("update", conflict)
				if name == "renew" {
					s.store.plan("update", pass)
				}
			}
			b.visit(f).want(409)
			s.wantTold(session.ErrConflict)
			s.store.reset()
			b.sees("", "tea")
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

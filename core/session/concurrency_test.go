package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestGoroutinesOfARequestMayShareItsSession(t *testing.T) {
	for name, warm := range map[string]bool{"loaded": true, "not loaded": false} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			b.serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				if warm {
					read(s)
				}
				var wg sync.WaitGroup
				for i := range 10 {
					wg.Go(func() {
						for range 10 {
							count.Update(s, increment)
						}
						key := session.NewKey[int](fmt.Sprint("k", i))
						key.Set(s, i)
						if i%3 == 0 {
							_ = s.Save(r.Context())
						}
						if i%4 == 0 {
							_ = s.Reload(r.Context())
						}
						s.Flash("info", "x")
						_, _, _, _ = s.Keys(), s.ExpiresAt(), s.ID(), s.Err()
						if got := key.Get(s); got != i {
							t.Errorf("key %d is %d", i, got)
						}
						_ = fmt.Sprint(s)
					})
				}
				wg.Wait()
			}).want(200)
			b.visit(func(s *session.Session) {
				if count.Get(s) != 100 || len(s.Flashes()) != 10 || s.Len() != 12 {
					t.Errorf("counted %d, there are %q", count.Get(s), s.Keys())
				}
			}).want(200)
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

func TestALoadIsSharedByTheGoroutinesOfARequest(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { read(s) })
		}
		wg.Wait()
	}).want(200)
	s.wantCalls("load")
}

func TestChangesDuringASaveAreForTheNextOne(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(ses *session.Session) {
		add("milk")(ses)
		update, g := stopBefore()
		s.store.plan("update", update)
		saved := make(chan error)
		go func() { saved <- ses.Save(context.Background()) }()
		<-g.reached
		add("rice")(ses) // accessors go on meanwhile
		if got := len(cart.Get(ses)); got != 3 {
			t.Errorf("the cart has %d items", got)
		}
		close(g.open)
		if err := <-saved; err != nil {
			t.Errorf("Save: %v", err)
		}
		b.sees("", "tea", "milk")
	}).want(200)
	b.sees("", "tea", "milk", "rice")
}

func TestAFunctionGivenToUpdateThatUsesTheSessionDoesNotBlock(t *testing.T) {
	for name, c := range map[string]struct {
		f      func(*session.Session)
		status int
	}{
		"reads": {func(s *session.Session) {
			count.Update(s, func(n int) int { return n + len(cart.Get(s)) })
		}, 200},
		"sets another key": {func(s *session.Session) {
			count.Update(s, func(n int) int { name.Set(s, "x"); return n + 1 })
		}, 200},
		"sets the same key": {func(s *session.Session) {
			i := 0
			count.Update(s, func(n int) int { i++; count.Set(s, i); return n + 1 })
			if !errors.Is(s.Err(), session.ErrInvalid) {
				t.Errorf("Err: %v", s.Err())
			}
		}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			_, b := started(t, session.Options{})
			b.visit(c.f).want(c.status)
		})
	}
}

func TestAPanicInAFunctionGivenToUpdateLeavesTheSessionUsable(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		func() {
			defer func() { _ = recover() }()
			count.Update(s, func(int) int { panic("mine") })
		}()
		add("milk")(s)
	}).want(200)
	b.sees("", "tea", "milk")

	// At the commit, where it runs again since another request came between, it is the request's.
	first := true
	a := b.visit(func(s *session.Session) {
		count.Update(s, func(int) int {
			if !first {
				panic("mine")
			}
			first = false
			return 1
		})
		b.visit(add("rice")).want(200)
	})
	if a.panic != "mine" {
		t.Errorf("the panic is %v", a.panic)
	}
	b.sees("", "tea", "milk", "rice")
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
}

func TestALoginDuringASaveIsForTheNextOne(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(login("alice")).want(200)
	b.visit(func(ses *session.Session) {
		add("milk")(ses)
		update, g := stopBefore()
		s.store.plan("update", update)
		saved := make(chan error)
		go func() { saved <- ses.Save(context.Background()) }()
		<-g.reached
		ses.Login("bob")
		name.Set(ses, "of bob")
		close(g.open)
		if err := <-saved; err != nil {
			t.Errorf("Save: %v", err)
		}
		if ses.Has("cart") || ses.Principal() != "bob" {
			t.Errorf("%q sees %q", ses.Principal(), ses.Keys())
		}
		b.thief().sees("alice", "tea", "milk")
	}).want(200).setsCookie()
	b.visit(func(s *session.Session) {
		if s.Principal() != "bob" || s.Len() != 1 || name.Get(s) != "of bob" {
			t.Errorf("%q has %q", s.Principal(), s.Keys())
		}
	}).want(200)
}

func TestWhatIsChangedDuringASignOutGoesWithTheSession(t *testing.T) {
	s, b := started(t, session.Options{})
	stop, gate := stopBefore()
	s.store.plan("delete", stop)
	b.visit(func(ses *session.Session) {
		done := make(chan error)
		go func() { done <- ses.Destroy(context.Background()) }()
		<-gate.reached
		count.Set(ses, 7)
		cart.Pop(ses)
		close(gate.open)
		if err := <-done; err != nil {
			t.Errorf("Destroy: %v", err)
		}
		if n := count.Get(ses); n != 0 {
			t.Errorf("the session after the sign-out has count %d", n)
		}
	}).want(200).removesCookie()
	b.seesNothing()
}

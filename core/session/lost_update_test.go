package session_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// started returns a site and a browser that has a session with a cart.
func started(t *testing.T, o session.Options) (*site, *browser) {
	t.Helper()
	s := newSite(t, o)
	b := s.browser()
	b.visit(add("tea")).want(200).setsCookie()
	s.store.reset()
	return s, b
}

func TestParallelUpdatesOfOneSessionAreAllKept(t *testing.T) {
	s, b := started(t, session.Options{})
	other := s.another(session.Options{}) // a second process: the queue of the first does not help
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			at := b
			if i%2 == 1 {
				at = b.at(other)
			}
			at.visit(func(s *session.Session) {
				count.Update(s, increment)
				add(fmt.Sprint(i))(s)
			}).want(200).noCookie()
		})
	}
	wg.Wait()
	b.visit(func(s *session.Session) {
		if n, items := count.Get(s), cart.Get(s); n != 100 || len(items) != 101 {
			t.Errorf("counted %d and kept %d items of 100 requests", n, len(items)-1)
		}
	})
}

// inStep sends one request to each of two processes, and lets both load before
// either saves.
func inStep(s *site, b *browser, f, g func(*session.Session)) (first, second answer) {
	both := make(chan struct{})
	var mu sync.Mutex
	n := 0
	meet := after(func() {
		mu.Lock()
		if n++; n == 2 {
			close(both)
		}
		mu.Unlock()
		<-both
	})
	s.store.plan("load", meet, meet)
	p, q := b.begin(f), b.at(s.another(s.o)).begin(g)
	return <-p, <-q
}

func TestWritesOfDifferentKeysBothSurvive(t *testing.T) {
	for _, c := range []struct {
		does string
		f, g func(*session.Session)
		want func(s *session.Session) bool
	}{
		{
			"set and set",
			func(s *session.Session) { name.Set(s, "a") },
			func(s *session.Session) { count.Set(s, 7) },
			func(s *session.Session) bool { return name.Get(s) == "a" && count.Get(s) == 7 },
		},
		{
			"set and delete",
			func(s *session.Session) { name.Set(s, "a") },
			func(s *session.Session) { cart.Delete(s) },
			func(s *session.Session) bool { return name.Get(s) == "a" && !s.Has("cart") },
		},
		{
			"update and flash",
			add("milk"),
			func(s *session.Session) { s.Flash("info", "hello") },
			func(s *session.Session) bool {
				f := s.Flashes()
				return len(cart.Get(s)) == 2 && len(f) == 1 && f[0] == session.Flash{Kind: "info", Text: "hello"}
			},
		},
		{
			"flash and flash",
			func(s *session.Session) { s.Flash("info", "one") },
			func(s *session.Session) { s.Flash("info", "two") },
			func(s *session.Session) bool { return len(s.Flashes()) == 2 },
		},
		{
			"set and pop",
			func(s *session.Session) { name.Set(s, "a") },
			func(s *session.Session) { cart.Pop(s) },
			func(s *session.Session) bool { return name.Get(s) == "a" && !s.Has("cart") },
		},
		{
			"set and renew",
			func(s *session.Session) { name.Set(s, "a"); s.Renew() },
			func(s *session.Session) { count.Set(s, 7); s.Renew() },
			func(s *session.Session) bool {
				return len(cart.Get(s)) == 1 && name.Get(s) == "a" != (count.Get(s) == 7)
			},
		},
		{
			"set and settings",
			func(s *session.Session) { name.Set(s, "a") },
			func(s *session.Session) { s.SetPersistent(false) },
			func(s *session.Session) bool { return name.Get(s) == "a" && len(cart.Get(s)) == 1 },
		},
	} {
		t.Run(c.does, func(t *testing.T) {
			s, b := started(t, session.Options{})
			first, second := inStep(s, b, c.f, c.g)
			if first.status != 200 && second.status != 200 {
				t.Fatalf("answered %d and %d", first.status, second.status)
			}
			if c.does != "set and renew" {
				first.want(200)
				second.want(200)
			}
			b.visit(func(s *session.Session) {
				if !c.want(s) {
					t.Errorf("a write is lost: there are %q", s.Keys())
				}
			}).want(200)
		})
	}
}

func TestUpdateRunsOnTheNewestValue(t *testing.T) {
	s, b := started(t, session.Options{})
	first, second := inStep(s, b, add("milk"), add("rice"))
	first.want(200)
	second.want(200)
	b.visit(func(s *session.Session) {
		got := cart.Get(s)
		slices.Sort(got)
		if want := []string{"milk", "rice", "tea"}; !slices.Equal(got, want) {
			t.Errorf("the cart has %q, want %q", got, want)
		}
	})
	s.wantEvents(session.EventConflict, 1)
}

func TestASetRaceEndsWithOneOfTheValues(t *testing.T) {
	s, b := started(t, session.Options{})
	first, second := inStep(s, b,
		func(s *session.Session) { name.Set(s, "a") },
		func(s *session.Session) { name.Set(s, "b") })
	first.want(200)
	second.want(200)
	b.visit(func(s *session.Session) {
		if v := name.Get(s); v != "a" && v != "b" {
			t.Errorf("the value is %q", v)
		}
	})
}

func TestPopHasOneWinner(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(s *session.Session) { name.Set(s, "state") }).want(200)
	pop := func(s *session.Session) {
		if v, ok := name.Pop(s); !ok || v != "state" {
			t.Errorf("popped %q, %v", v, ok)
		}
	}
	first, second := inStep(s, b, pop, pop)
	if first.status > second.status {
		first, second = second, first
	}
	first.want(200)
	second.want(409)
	s.wantTold(session.ErrConflict)
	b.visit(func(s *session.Session) {
		if _, ok := name.Pop(s); ok {
			t.Error("the value is still there")
		}
	}).want(200)
	b.sees("", "tea")
}

func TestPopAmongManyRequestsHasOneWinner(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(s *session.Session) { name.Set(s, "state") }).want(200)
	other := s.another(session.Options{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for i := range 20 {
		wg.Go(func() {
			at, popped := b, false
			if i%2 == 1 {
				at = b.at(other)
			}
			a := at.visit(func(s *session.Session) { _, popped = name.Pop(s) })
			mu.Lock()
			defer mu.Unlock()
			if popped && a.status == 200 {
				won++
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d requests popped the value with success", won)
	}
}

func TestFlashesRemovesOnlyWhatItReturned(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(s *session.Session) { s.Flash("info", "first") }).want(200)
	load, g := stopAfter()
	s.store.plan("load", load)
	page := b.begin(func(s *session.Session) {
		if f := s.Flashes(); len(f) != 1 || f[0].Text != "first" {
			t.Errorf("the page shows %v", f)
		}
	})
	<-g.reached
	b.at(s.another(session.Options{})).visit(func(s *session.Session) { s.Flash("info", "second") }).want(200)
	close(g.open)
	(<-page).want(200)
	b.visit(func(s *session.Session) {
		if f := s.Flashes(); len(f) != 1 || f[0].Text != "second" {
			t.Errorf("the next page shows %v", f)
		}
	}).want(200)
	b.visit(func(s *session.Session) {
		if f := s.Flashes(); f != nil {
			t.Errorf("shown twice: %v", f)
		}
	}).want(200)
}

func TestClearRemovesWhatAParallelRequestWrote(t *testing.T) {
	s, b := started(t, session.Options{})
	load, g := stopAfter()
	s.store.plan("load", load)
	clearing := b.begin(func(s *session.Session) { s.Clear() })
	<-g.reached
	b.visit(func(s *session.Session) { name.Set(s, "a") }).want(200)
	close(g.open)
	(<-clearing).want(200)
	b.visit(func(s *session.Session) {
		if s.Len() != 0 || s.ID() == "" {
			t.Errorf("the session %q has %q, want it empty and alive", s.ID(), s.Keys())
		}
	}).want(200)
}

package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// stopAt stops the n-th store call from now on, whichever it is, before or
// after its effect.
func stopAt(n int, late bool) (plan, gate) {
	g := newGate()
	var mu sync.Mutex
	calls := 0
	return func(ctx context.Context, do func(context.Context) error) error {
		mu.Lock()
		calls++
		here := calls == n
		mu.Unlock()
		if !here {
			return do(ctx)
		}
		if !late {
			g.stop()
			return do(ctx)
		}
		err := do(ctx)
		g.stop()
		return err
	}, g
}

// endings are the ways in which a session ends: each prepares one, and
// returns what carries it out.
var endings = []struct {
	name string
	by   func(s *site, b *browser) func() error
}{
	{"Destroy", func(s *site, b *browser) func() error {
		loaded, now, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go b.thief().at(s).visit(func(s *session.Session) {
			_ = s.Len()
			close(loaded)
			<-now
			done <- s.Destroy(context.Background())
		})
		<-loaded
		return func() error { close(now); return <-done }
	}},
	{"Revoke", func(s *site, b *browser) func() error {
		id := b.id()
		return func() error { return s.m.Revoke(context.Background(), id) }
	}},
	{"RevokeFor", func(s *site, b *browser) func() error {
		id := b.id()
		return func() error { return s.m.RevokeFor(context.Background(), "alice", id) }
	}},
	{"RevokeAll", func(s *site, _ *browser) func() error {
		return func() error { _, err := s.m.RevokeAll(context.Background(), "alice"); return err }
	}},
}

// Each request is stopped at each of its store calls, before and after the
// effect, and the session is ended meanwhile.
func TestNothingBringsBackASessionThatWasEnded(t *testing.T) {
	requests := []struct {
		name  string
		f     func(*session.Session)
		quiet bool // it tells nobody that the session has ended, since it writes nothing
	}{
		{"read", read, true},
		{"write", add("milk"), false},
		{"two saves", func(s *session.Session) {
			add("milk")(s)
			if s.Save(context.Background()) == nil {
				add("rice")(s)
			}
		}, false},
		{"renew", renew, false},
		{"write and renew", func(s *session.Session) { add("milk")(s); s.Renew() }, false},
		{"login again", login("alice"), false},
		{"settings", func(s *session.Session) { s.SetIdleTimeout(time.Hour) }, false},
		{"reload and write", func(s *session.Session) {
			_ = s.Len()
			_ = s.Reload(context.Background())
			add("milk")(s)
		}, false},
		{"sign out", destroy, true},
	}
	for _, r := range requests {
		for _, e := range endings {
			for _, process := range []string{"same process", "another process"} {
				for _, late := range []bool{false, true} {
					for n := 1; ; n++ {
						reached := false
						t.Run(fmt.Sprintf("%s/%s/%s/call %d, after effect %v", r.name, e.name, process, n, late), func(t *testing.T) {
							s, b := started(t, session.Options{IdleTimeout: 24 * time.Hour})
							b.visit(login("alice")).want(200)
							elsewhere := s
							if process == "another process" {
								elsewhere = s.another(session.Options{IdleTimeout: 24 * time.Hour})
							}
							s.clock.advance(time.Hour) // a touch is due
							end := e.by(elsewhere, b)
							reached = checkEnding(t, s, b, r.f, end, n, late, r.quiet)
						})
						if !reached || t.Failed() {
							break
						}
					}
				}
			}
		}
	}
}

// checkEnding sends a request and stops it at its n-th store call, ends the
// session, and lets the request go on. It tells whether there was such a call.
func checkEnding(t *testing.T, s *site, b *browser, f func(*session.Session), end func() error, n int, late, quiet bool) bool {
	thief := b.thief().at(s.another(session.Options{}))
	stop, g := stopAt(n, late)
	s.store.always(stop)
	request := b.begin(f)
	select {
	case <-g.reached:
	case a := <-request:
		s.store.always(nil)
		if a.status != 200 {
			t.Errorf("undisturbed, the request was answered %d", a.status)
		}
		if err := end(); err != nil && a.cookies() == nil { // nothing is stopped any more; leave nobody waiting
			t.Errorf("ending the session: %v", err)
		}
		return false
	}
	if err := end(); err != nil && s.alive() > 0 {
		t.Errorf("ending the session: %v", err)
	}
	thief.seesNothing()
	close(g.open)
	switch a := <-request; {
	case a.status == 409:
		a.want(409)
		s.wantTold(session.ErrSessionEnded)
	case a.status != 200:
		t.Errorf("the request was answered %d", a.status)
	case !quiet && n == 1 && !late:
		// It loaded nothing, so it may have begun a new session.
		return true
	}
	b.seesNothing()
	thief.seesNothing()
	if n := s.alive(); n > 0 {
		t.Errorf("%d sessions are alive", n)
	}
	return true
}

func TestASignOutAfterARefusedWriteEndsWhatARenewalMade(t *testing.T) {
	for name, early := range map[string]bool{"renewed before the request looked": false, "renewed after it looked": true} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			old := b.thief()
			old.visit(func(s *session.Session) {
				if early {
					read(s)
				}
				b.visit(renew).want(200)
				add("milk")(s)
				if err := s.Save(context.Background()); !errors.Is(err, session.ErrSessionEnded) {
					t.Errorf("Save: %v", err)
				}
				if err := s.Destroy(context.Background()); err != nil {
					t.Errorf("Destroy: %v", err)
				}
			})
			b.seesNothing()
			if n := s.alive(); n != 0 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

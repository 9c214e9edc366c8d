package session_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// The other way round: the ending is stopped at each of its store calls, and
// the session is used meanwhile.
func TestAnEndingThatIsOvertakenEndsTheSessionAllTheSame(t *testing.T) {
	uses := []struct {
		name string
		f    []func(*session.Session)
	}{
		{"written to", []func(*session.Session){add("milk")}},
		{"renewed", []func(*session.Session){renew}},
		{"renewed twice", []func(*session.Session){renew, renew}},
		{"renewed three times and written to", []func(*session.Session){renew, renew, renew, add("milk")}},
		{"logged in again", []func(*session.Session){login("alice")}},
		{"ended", []func(*session.Session){destroy}},
	}
	for _, u := range uses {
		for _, e := range endings {
			for _, late := range []bool{false, true} {
				for n := 1; ; n++ {
					reached := false
					t.Run(fmt.Sprintf("%s/%s/call %d, after effect %v", u.name, e.name, n, late), func(t *testing.T) {
						s, b := started(t, session.Options{})
						b.visit(login("alice")).want(200)
						s.clock.advance(1)
						end := e.by(s.another(session.Options{}), b)
						stop, g := stopAt(n, late)
						s.store.always(stop)
						done := make(chan error, 1)
						go func() { done <- end() }()
						select {
						case <-g.reached:
						case err := <-done:
							if err != nil {
								t.Errorf("undisturbed: %v", err)
							}
							return
						}
						reached = true
						for _, f := range u.f {
							// Where the session has ended already, the browser has none.
							if s.alive() > 0 {
								b.visit(f).want(200)
							}
						}
						close(g.open)
						if err := <-done; err != nil && u.name != "ended" {
							t.Errorf("the ending failed: %v", err)
						}
						if n := s.alive(); n > 0 {
							t.Errorf("%d sessions are alive", n)
						}
						b.seesNothing()
					})
					if !reached || t.Failed() {
						break
					}
				}
			}
		}
	}
}

func TestRevokeAllEndsEveryDevice(t *testing.T) {
	s := newSite(t, session.Options{})
	var alice []*browser
	for range 5 {
		b := s.browser()
		b.visit(login("alice")).want(200)
		alice = append(alice, b)
	}
	bob := s.browser()
	bob.visit(login("bob")).want(200)
	n, err := s.m.RevokeAll(context.Background(), "alice")
	if n != 5 || err != nil {
		t.Errorf("RevokeAll: %d, %v", n, err)
	}
	for _, b := range alice {
		b.seesNothing()
	}
	bob.sees("bob")
	s.wantEvents(session.EventRevoked, 5)
}

func TestRevokeAllExceptSparesTheSessionThatAsks(t *testing.T) {
	s := newSite(t, session.Options{})
	here, there := s.browser(), s.browser()
	here.visit(login("alice")).want(200)
	there.visit(login("alice")).want(200)
	here.visit(func(ses *session.Session) {
		ses.Renew() // as after a change of password
		if n, err := s.m.RevokeAll(context.Background(), "alice", session.Except(ses)); n != 1 || err != nil {
			t.Errorf("RevokeAll: %d, %v", n, err)
		}
	}).want(200).setsCookie()
	here.sees("alice")
	there.seesNothing()
}

func TestRevokeAllEndsSessionsThatKeepBeingRenewed(t *testing.T) {
	s := newSite(t, session.Options{})
	const devices = 4
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range devices {
		b := s.browser()
		b.visit(login("alice")).want(200)
		wg.Go(func() {
			for renewing := true; renewing; {
				select {
				case <-stop:
					renewing = false
				default:
					if a := b.visit(renew); a.status != 200 && a.status != 409 {
						t.Errorf("answered %d", a.status)
					}
				}
			}
			b.seesNothing()
		})
	}
	if _, err := s.m.RevokeAll(context.Background(), "alice"); err != nil {
		t.Error(err)
	}
	close(stop)
	wg.Wait()
	if n := s.alive(); n > 0 {
		t.Errorf("%d sessions are alive", n)
	}
}

func TestRevokeAllOfNobodyEndsNothing(t *testing.T) {
	s, b := started(t, session.Options{})
	if n, err := s.m.RevokeAll(context.Background(), ""); n != 0 || err != nil {
		t.Errorf("RevokeAll: %d, %v", n, err)
	}
	if list, err := s.m.List(context.Background(), ""); len(list) != 0 || err != nil {
		t.Errorf("List: %v, %v", list, err)
	}
	s.wantCalls()
	b.sees("", "tea")
}

// A login of an anonymous session has created its successor when another device
// of the user signs out everywhere, and is not answered yet: it comes after that.
func TestALoginWhoseSuccessorIsRevokedBeforeItIsAnsweredLogsIn(t *testing.T) {
	s, b := started(t, session.Options{})
	other := s.another(session.Options{})
	s.store.plan("update", before(func() { // of the old record, into a mark
		s.store.reset()
		b.thief().at(other).visit(add("milk")).want(200)
		if n, err := other.m.RevokeAll(context.Background(), "alice"); n != 1 || err != nil {
			t.Errorf("revoked %d, error %v", n, err)
		}
	}))
	b.visit(login("alice")).want(200).setsCookie()
	b.sees("alice", "tea", "milk")
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
}

package session_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// A renewal of the browser that signs out everywhere else has created its
// successor, which is listed, and not yet made a mark of the old record.
func TestExceptSparesASessionThatIsBeingRenewed(t *testing.T) {
	for name, move := range moves {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { exceptSpares(t, move) }) })
	}
}

// moves are what gives a session that goes on another token.
var moves = map[string]func(*session.Session){"renew": renew, "reauthenticate": reauthenticate}

func exceptSpares(t *testing.T, move func(*session.Session)) {
	moving := session.Options{Clock: time.Now}
	s := newSite(t, moving)
	b, elsewhere := s.browser(), s.browser()
	b.visit(login("alice")).want(200)
	time.Sleep(time.Second)
	elsewhere.visit(login("alice")).want(200)
	other, rival := s.another(moving), b.thief()
	stop, g := stopBefore()
	s.store.plan("update", stop)
	renewed := make(chan answer)
	go func() { renewed <- b.visit(move) }()
	<-g.reached
	revoked := make(chan int)
	go rival.at(other).visit(func(ses *session.Session) {
		n, err := other.m.RevokeAll(context.Background(), "alice", session.Except(ses))
		if err != nil {
			t.Errorf("RevokeAll: %v", err)
		}
		revoked <- n
	})
	time.Sleep(2900 * time.Millisecond) // almost what a call may take
	synctest.Wait()
	close(g.open)
	if n := <-revoked; n != 1 {
		t.Errorf("revoked %d, want 1", n)
	}
	(<-renewed).want(200).setsCookie()
	b.sees("alice")
	elsewhere.seesNothing()
}

// A renewal that a store's failure left with both tokens open has one session
// too many, which is not that of the browser that signs out everywhere else.
func TestExceptDoesNotSpareWhatAnUnsettledRenewalLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, session.Options{Clock: time.Now})
		b := s.browser()
		b.visit(login("alice")).want(200)
		old := b.thief()
		s.store.plan("fresh", pass, failBefore) // the look between the writes, and the question after the second
		s.store.plan("update", failBefore)
		if a := b.visit(renew).setsCookie(); a.status != 503 {
			t.Fatalf("answered %d, want 503", a.status)
		}
		if all := s.store.records(); len(all) != 2 {
			t.Fatalf("%d sessions are stored, want 2", len(all))
		}
		time.Sleep(time.Minute)
		began := time.Now()
		b.visit(func(ses *session.Session) {
			if n, err := s.m.RevokeAll(context.Background(), "alice", session.Except(ses)); n != 1 || err != nil {
				t.Errorf("revoked %d, error %v", n, err)
			}
		}).want(200)
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("RevokeAll waited %v for a renewal that began a minute ago", waited)
		}
		b.sees("alice")
		old.seesNothing()
	})
}

// A list shows the successor of a renewal beside the session, before the renewal
// is done; whoever ends it there ends the session.
func TestARenewalWhoseSuccessorWasRevokedEndsTheSession(t *testing.T) {
	s := newSite(t, session.Options{})
	ctx := context.Background()
	b, other := s.browser(), s.another(session.Options{})
	b.visit(login("alice")).want(200)
	old := b.id()
	s.store.plan("update", before(func() {
		s.store.reset()
		b.thief().at(other).visit(add("milk")).want(200)
		infos, err := other.m.List(ctx, "alice")
		if len(infos) != 2 || err != nil {
			t.Errorf("listed %v, error %v", infos, err)
		}
		for _, info := range infos {
			if info.ID == old {
				continue
			}
			if err := other.m.RevokeFor(ctx, "alice", info.ID); err != nil {
				t.Errorf("RevokeFor: %v", err)
			}
		}
	}))
	b.visit(renew).want(409)
	b.seesNothing()
	if n := s.alive(); n != 0 {
		t.Errorf("%d sessions are alive", n)
	}
}

func TestRevokeForEndsNoSessionOfSomebodyElse(t *testing.T) {
	s := newSite(t, session.Options{})
	b, other := s.browser(), s.another(session.Options{})
	b.visit(login("alice")).want(200)
	id := b.id()
	s.store.plan("delete", before(func() { b.visit(login("bob")).want(200) }))
	if err := other.m.RevokeFor(context.Background(), "alice", id); err != nil {
		t.Errorf("RevokeFor: %v", err)
	}
	b.sees("bob")
}

func TestExceptSparesASessionThatIsRenewedTwice(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(login("alice")).want(200)
	other, rival := s.another(session.Options{}), b.thief()
	rival.at(other).visit(func(ses *session.Session) {
		s.store.plan("list", func(ctx context.Context, do func(context.Context) error) error {
			b.visit(renew).want(200).setsCookie()
			err := do(ctx)
			b.visit(renew).want(200).setsCookie()
			return err
		})
		if n, err := other.m.RevokeAll(context.Background(), "alice", session.Except(ses)); n != 0 || err != nil {
			t.Errorf("revoked %d, error %v", n, err)
		}
	}).want(200)
	b.sees("alice")
}

// A list shows a session that is being renewed under both IDs.
func TestARevokedSuccessorEndsTheSessionAlsoIfTheRenewalComesToNothing(t *testing.T) {
	for _, why := range []string{"the client leaves", "the store fails once", "another renewal wins", "a reauthentication wins"} {
		t.Run(why, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b, other := s.browser(), s.another(session.Options{})
			b.visit(login("alice")).want(200)
			old, rival := b.id(), b.thief().at(other)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s.store.plan("fresh", func(ctx context.Context, do func(context.Context) error) error { // the look between the two writes
				infos, err := other.m.List(context.Background(), "alice")
				if len(infos) != 2 || err != nil {
					t.Errorf("listed %v, error %v", infos, err)
				}
				switch why {
				case "another renewal wins":
					rival.visit(renew).want(200)
				case "a reauthentication wins":
					other.clock.advance(time.Second)
					rival.visit(reauthenticate).want(200)
				}
				for _, info := range infos {
					if info.ID == old {
						continue
					}
					if err := other.m.RevokeFor(context.Background(), "alice", info.ID); err != nil {
						t.Errorf("RevokeFor: %v", err)
					}
				}
				switch why {
				case "the client leaves":
					cancel()
					return ctx.Err()
				case "another renewal wins", "a reauthentication wins":
					return do(ctx)
				}
				return errDown
			})
			b.under(ctx).visit(renew)
			if n := s.alive(); n != 0 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

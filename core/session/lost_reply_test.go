package session_test

import (
	"context"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// addOne counts in a session, whatever else the request does with it.
func addOne(also func(*session.Session)) func(*session.Session) {
	return func(s *session.Session) {
		count.Update(s, increment)
		if also != nil {
			also(s)
		}
	}
}

func TestUpdateCountsOnceForEachSuccessUnderLostReplies(t *testing.T) {
	writes := []struct {
		name  string
		op    string // that fails
		skip  int    // how many of these succeed before it
		first bool   // the browser has no session yet
		also  func(*session.Session)
	}{
		{name: "create", op: "create", first: true},
		{name: "create at login", op: "create", first: true, also: login("alice")},
		{name: "update", op: "update"},
		{name: "renew, new record", op: "create", also: renew},
		{name: "renew, mark", op: "update", also: renew},
		{name: "login, new record", op: "create", also: login("alice")},
		{name: "login, mark", op: "update", also: login("alice")},
	}
	faults := []struct {
		name   string
		plans  []plan
		status int
		landed int // what a failing response counted
	}{
		{"fail before", []plan{failBefore}, 200, 0},
		{"fail after", []plan{failAfter}, 200, 0},
		{"fail before, fail after", []plan{failBefore, failAfter}, 200, 0},
		{"fail before twice", []plan{failBefore, failBefore}, 503, 0},
	}
	for _, w := range writes {
		for _, f := range faults {
			t.Run(w.name+"/"+f.name, func(t *testing.T) {
				s := newSite(t, session.Options{})
				b, counted := s.browser(), 0
				if !w.first {
					b.visit(addOne(nil)).want(200)
					counted++
				}
				s.store.plan(w.op, f.plans...)
				a := b.visit(addOne(w.also))
				if a.status != f.status {
					t.Fatalf("answered %d %s, want %d", a.status, a.body, f.status)
				}
				s.store.reset()
				if a.status == 200 {
					counted++
				}
				// After a 503 of unknown outcome the change may be there, once.
				mayBe := 0
				if a.status != 200 && w.op == "update" && w.also != nil {
					mayBe = 1
					a.setsCookie()
				} else if a.status != 200 {
					a.noCookie()
				}
				got := 0
				b.visit(func(s *session.Session) { got = count.Get(s) }).want(200)
				if got < counted || got > counted+mayBe {
					t.Fatalf("counted %d, want %d to %d", got, counted, counted+mayBe)
				}
				b.visit(addOne(nil)).want(200) // the browser's session takes changes
				b.visit(func(s *session.Session) {
					if n := count.Get(s); n != got+1 {
						t.Errorf("counted %d, want %d", n, got+1)
					}
				}).want(200)
			})
		}
	}
}

func TestARecordWhoseTokenNobodyGotCanBeEnded(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	first, arrive := late()
	s.store.plan("create", first)
	b.visit(login("alice")).want(200)
	if err := arrive(); err != nil {
		t.Fatal(err)
	}
	infos, err := s.m.List(context.Background(), "alice")
	if err != nil || len(infos) != 2 {
		t.Fatalf("listed %v, %v", infos, err)
	}
	for _, info := range infos {
		if err := s.m.RevokeFor(context.Background(), "alice", info.ID); err != nil {
			t.Error(err)
		}
	}
	b.seesNothing()
	if infos, err := s.m.List(context.Background(), "alice"); err != nil || len(infos) > 0 {
		t.Errorf("listed %v, %v", infos, err)
	}
}

func TestAWriteThatArrivesLateCountsOnce(t *testing.T) {
	t.Run("after the second try", func(t *testing.T) {
		s, b := started(t, session.Options{})
		first, arrive := late()
		s.store.plan("update", first)
		b.visit(addOne(nil)).want(200)
		if err := arrive(); err == nil {
			t.Error("the late write had an effect")
		}
		b.wantCount(1)
	})
	t.Run("before the second try", func(t *testing.T) {
		s, b := started(t, session.Options{})
		first, arrive := late()
		s.store.plan("update", first, before(func() { _ = arrive() }))
		b.visit(addOne(nil)).want(200)
		b.wantCount(1)
	})
	t.Run("before the second try, and another request has written on it", func(t *testing.T) {
		s, b := started(t, session.Options{})
		first, arrive := late()
		other := b.at(s.another(session.Options{}))
		s.store.plan("update", first, before(func() {
			_ = arrive()
			other.visit(addOne(nil)).want(200)
		}))
		b.visit(addOne(nil)).want(503) // nobody can know; it counted once
		b.wantCount(2)
	})
	t.Run("before the second try, and the session was ended then", func(t *testing.T) {
		s, b := started(t, session.Options{})
		first, arrive := late()
		other := b.thief().at(s.another(session.Options{}))
		s.store.plan("update", first, before(func() {
			_ = arrive()
			other.wantCount(1)
			other.visit(destroy).want(200)
		}))
		b.visit(addOne(nil)).want(503) // 409 would say that nothing was written, and it was seen
		b.seesNothing()
	})
	t.Run("after the browser has tried again", func(t *testing.T) {
		s, b := started(t, session.Options{})
		first, arrive := late()
		s.store.plan("update", first, failBefore)
		b.visit(addOne(nil)).want(503)
		b.visit(addOne(nil)).want(200)
		if err := arrive(); err == nil {
			t.Error("the late write had an effect")
		}
		b.wantCount(1)
	})
}

func TestANewSessionWhoseCreationArrivesLateIsNobodys(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	first, arrive := late()
	s.store.plan("create", first)
	b.visit(addOne(nil)).want(200).setsCookie()
	thief := b.thief()
	b.visit(destroy).want(200)
	_ = arrive()
	thief.seesNothing()
}

// wantCount checks what the session has counted.
func (b *browser) wantCount(n int) {
	b.t.Helper()
	b.visit(func(s *session.Session) {
		if got := count.Get(s); got != n {
			b.t.Errorf("counted %d, want %d", got, n)
		}
	}).want(200)
}

// What another request does while it is unknown whether a renewal has made the
// old record a mark.
func TestARenewalOfUnknownOutcomeYieldsToWhoeverCameBetween(t *testing.T) {
	for _, f := range []struct {
		does  string
		plans func(rival func()) []plan
	}{
		{"before the first try", func(rival func()) []plan {
			return []plan{func(context.Context, func(context.Context) error) error { rival(); return errDown }}
		}},
		{"before the second try", func(rival func()) []plan { return []plan{failBefore, before(rival)} }},
		{"before the second try fails too", func(rival func()) []plan {
			return []plan{failBefore, func(context.Context, func(context.Context) error) error { rival(); return errDown }}
		}},
	} {
		start := func(t *testing.T, rival func(s *session.Session)) (*site, *browser, answer) {
			s, b := started(t, session.Options{})
			other := b.thief().at(s.another(session.Options{}))
			s.store.plan("update", f.plans(func() { other.visit(rival).want(200) })...)
			a := b.visit(func(s *session.Session) { add("milk")(s); s.Renew() })
			return s, b, a
		}
		t.Run("a write "+f.does, func(t *testing.T) {
			s, b, a := start(t, add("rice"))
			a.want(200).setsCookie()
			b.sees("", "tea", "rice", "milk")
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
		t.Run("sign-out "+f.does, func(t *testing.T) {
			s, b, a := start(t, destroy)
			a.want(409)
			s.wantTold(session.ErrSessionEnded)
			b.seesNothing()
			if n := s.alive(); n != 0 {
				t.Errorf("%d sessions are alive", n)
			}
		})
		t.Run("a renewal "+f.does, func(t *testing.T) {
			s, _, a := start(t, renew)
			a.want(409)
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive", n)
			}
		})
	}
}

// Whichever way it went, the browser holds a live session afterwards.
func TestARenewalThatStaysUnknownHandsOutTheNewToken(t *testing.T) {
	for name, c := range map[string]struct {
		mark plan
		old  bool // the old token still opens the session
	}{"not made": {failBefore, true}, "made": {failAfter, false}} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			old := b.thief()
			s.store.plan("update", c.mark)
			s.store.plan("fresh", before(func() {}), failBefore) // the look at the old one, then what became of it
			if a := b.visit(func(s *session.Session) { add("milk")(s); s.Renew() }).setsCookie(); a.status != 503 {
				t.Errorf("answered %d", a.status)
			}
			b.sees("", "tea", "milk")
			if c.old {
				old.sees("", "tea")
			} else {
				old.seesNothing()
			}
		})
	}
}

func TestAMarkThatArrivesLateAfterTheStoreWasFullSignsNobodyOut(t *testing.T) {
	for name, landed := range map[string]bool{"it arrives": true, "it does not": false} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			first, arrive := late()
			s.store.plan("update", first, refuse(session.ErrFull))
			if a := b.visit(renew).setsCookie(); a.status != 503 {
				t.Fatalf("answered %d, want 503", a.status)
			}
			if landed {
				_ = arrive()
			}
			b.sees("", "tea")
		})
	}
}

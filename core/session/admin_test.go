package session_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestListShowsTheLiveSessionsOfAPrincipalNewestFirst(t *testing.T) {
	s := newSite(t, session.Options{IdleTimeout: time.Hour})
	ctx := context.Background()
	var want []session.ID
	for range 3 {
		b := s.browser()
		b.visit(func(s *session.Session) { s.Login("alice"); add("tea")(s) }).want(200)
		want = append([]session.ID{b.id()}, want...)
		s.clock.advance(time.Minute)
	}
	s.browser().visit(login("bob")).want(200)
	list, err := s.m.List(ctx, "alice")
	if err != nil || len(list) != 3 {
		t.Fatalf("List: %v, %v", list, err)
	}
	for i, info := range list {
		at := s.clock.Now().Add(-time.Duration(i+1) * time.Minute)
		if info.ID != want[i] || info.Principal != "alice" || info.Device.UserAgent != "browser" ||
			!info.Created.Equal(at) || !info.Authenticated.Equal(at) || !info.LastSeen.Equal(at) || !info.Expires.Equal(at.Add(time.Hour)) {
			t.Errorf("line %d is %+v", i, info)
		}
	}
	s.clock.advance(57*time.Minute + time.Second) // the oldest has expired now, and is listed no more
	if list, err = s.m.List(ctx, "alice"); err != nil || len(list) != 2 {
		t.Errorf("List: %v, %v", list, err)
	}
	if list, err = s.m.List(ctx, "carol"); err != nil || len(list) != 0 {
		t.Errorf("List: %v, %v", list, err)
	}
}

func TestListAndRevokeAllGoThroughAllPages(t *testing.T) {
	const n = 450 // more than two pages
	s := newSite(t, session.Options{})
	ctx := context.Background()
	for range n {
		s.browser().visit(login("alice")).want(200)
	}
	if list, err := s.m.List(ctx, "alice"); err != nil || len(list) != n {
		t.Errorf("List: %d, %v", len(list), err)
	}
	if ended, err := s.m.RevokeAll(ctx, "alice"); err != nil || ended != n {
		t.Errorf("RevokeAll: %d, %v", ended, err)
	}
	if alive := s.alive(); alive != 0 {
		t.Errorf("%d are alive", alive)
	}
}

func TestRevokeEndsAnySessionOnce(t *testing.T) {
	s, b := started(t, session.Options{})
	ctx := context.Background()
	id := b.id()
	if err := s.m.Revoke(ctx, id); err != nil {
		t.Errorf("Revoke: %v", err)
	}
	b.seesNothing()
	s.wantEvents(session.EventRevoked, 1)
	for _, id := range []session.ID{id, "", "nonsense", session.ID(b.token())} {
		if err := s.m.Revoke(ctx, id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Revoke again: %v", err)
		}
	}
	s.wantEvents(session.EventRevoked, 1)
}

func TestRevokeByTheIDFromBeforeARenewalEndsWhatCameOfIt(t *testing.T) {
	s, b := started(t, session.Options{})
	id := b.id()
	b.visit(renew).want(200)
	b.visit(renew).want(200)
	if err := s.m.Revoke(context.Background(), id); err != nil {
		t.Errorf("Revoke: %v", err)
	}
	b.seesNothing()
}

func TestRevokeForEndsOnlyThePrincipalsOwn(t *testing.T) {
	s := newSite(t, session.Options{})
	ctx := context.Background()
	alice, bob, anonymous := s.browser(), s.browser(), s.browser()
	alice.visit(login("alice")).want(200)
	bob.visit(login("bob")).want(200)
	anonymous.visit(add("tea")).want(200)
	for _, c := range []struct {
		principal string
		of        *browser
	}{{"alice", bob}, {"", bob}, {"", anonymous}, {"alice", anonymous}, {"ALICE", alice}} {
		if err := s.m.RevokeFor(ctx, c.principal, c.of.id()); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("RevokeFor %q: %v", c.principal, err)
		}
	}
	if s.alive() != 3 {
		t.Errorf("%d sessions are alive, want 3", s.alive())
	}
	if err := s.m.RevokeFor(ctx, "alice", alice.id()); err != nil {
		t.Errorf("RevokeFor: %v", err)
	}
	alice.seesNothing()
	bob.sees("bob")
}

func TestAnExpiredSessionCannotBeRevoked(t *testing.T) {
	s, b := started(t, session.Options{Lifetime: time.Hour})
	id := b.id()
	s.clock.advance(time.Hour)
	if err := s.m.Revoke(context.Background(), id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Revoke: %v", err)
	}
}

func TestPurgeDeletesWhatExpiredFiveMinutesAgo(t *testing.T) {
	s := newSite(t, session.Options{Lifetime: time.Hour})
	ctx := context.Background()
	const n = 1100 // more than one batch
	for range n {
		s.browser().visit(add("tea")).want(200)
	}
	s.clock.advance(time.Minute)
	young := s.browser()
	young.visit(add("milk")).want(200)
	s.clock.advance(64 * time.Minute)
	if got, err := s.m.Purge(ctx); got != 0 || err != nil {
		t.Errorf("Purge: %d, %v", got, err)
	}
	s.clock.advance(time.Microsecond)
	if got, err := s.m.Purge(ctx); got != n || err != nil {
		t.Errorf("Purge: %d, %v", got, err)
	}
	if left := len(s.store.records()); left != 1 {
		t.Errorf("%d records are left", left)
	}
}

func TestAStoreWithoutAPowerIsUnsupported(t *testing.T) {
	m := session.Must(session.New(session.Options{Store: bare{newProbe()}}))
	ctx := context.Background()
	list := func() error { _, err := m.List(ctx, "alice"); return err }
	all := func() error { _, err := m.RevokeAll(ctx, "alice"); return err }
	purge := func() error { _, err := m.Purge(ctx); return err }
	for name, f := range map[string]func() error{"List": list, "RevokeAll": all, "Purge": purge} {
		if err := f(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheAdministratorIsToldOfAnOutage(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(login("alice")).want(200)
	id := b.id()
	ctx := context.Background()
	for name, f := range map[string]func() error{
		"List":      func() error { _, err := s.m.List(ctx, "alice"); return err },
		"Revoke":    func() error { return s.m.Revoke(ctx, id) },
		"RevokeFor": func() error { return s.m.RevokeFor(ctx, "alice", id) },
		"RevokeAll": func() error { _, err := s.m.RevokeAll(ctx, "alice"); return err },
		"Purge":     func() error { _, err := s.m.Purge(ctx); return err },
	} {
		s.store.always(failBefore)
		if err := f(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDown) {
			t.Errorf("%s: %v", name, err)
		}
		s.store.always(nil)
	}
	for name, f := range map[string]func() error{
		"Revoke":    func() error { return s.m.Revoke(ctx, id) },
		"RevokeFor": func() error { return s.m.RevokeFor(ctx, "alice", id) },
		"RevokeAll": func() error { _, err := s.m.RevokeAll(ctx, "alice"); return err },
	} {
		s.store.plan("delete", failBefore, failBefore)
		if err := f(); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s with a delete that fails: %v", name, err)
		}
	}
	b.sees("alice", "tea")
}

// pendingAfter deletes, and says that the cache could not be told.
func pendingAfter(ctx context.Context, do func(context.Context) error) error {
	if err := do(ctx); err != nil {
		return err
	}
	return fmt.Errorf("cacheddb: delete: %w", session.ErrPending)
}

func TestAnEndingThatTheCacheHasYetToHearOf(t *testing.T) {
	ctx := context.Background()
	signedIn := func(t *testing.T) (*site, *browser, session.ID) {
		s, b := started(t, session.Options{})
		b.visit(login("alice")).want(200)
		id := b.id()
		s.store.reset()
		s.store.plan("delete", pendingAfter)
		return s, b, id
	}
	t.Run("Destroy succeeds with an event", func(t *testing.T) {
		s, b, _ := signedIn(t)
		b.visit(func(s *session.Session) {
			if err := s.Destroy(ctx); err != nil {
				t.Errorf("Destroy: %v", err)
			}
		}).want(200).removesCookie()
		s.wantEvents(session.EventPending, 1)
		s.wantEvents(session.EventDestroyed, 1)
	})
	for name, f := range map[string]func(s *site, id session.ID) error{
		"Revoke":    func(s *site, id session.ID) error { return s.m.Revoke(ctx, id) },
		"RevokeFor": func(s *site, id session.ID) error { return s.m.RevokeFor(ctx, "alice", id) },
		"RevokeAll": func(s *site, _ session.ID) error {
			n, err := s.m.RevokeAll(ctx, "alice")
			if n != 1 {
				t.Errorf("RevokeAll ended %d", n)
			}
			return err
		},
	} {
		t.Run(name+" tells", func(t *testing.T) {
			s, b, id := signedIn(t)
			if err := f(s, id); !errors.Is(err, session.ErrPending) {
				t.Errorf("%s: %v", name, err)
			}
			s.wantEvents(session.EventRevoked, 1)
			b.seesNothing()
		})
	}
	for what, gone := range map[string]error{"is gone": session.ErrNotFound, "cannot be read": session.ErrUndecodable} {
		t.Run("Revoke whose reply was lost tells, where the record "+what, func(t *testing.T) {
			s, b, id := signedIn(t)
			s.store.reset()
			s.store.plan("delete", failAfter)
			s.store.plan("fresh", pass, refuse(errors.Join(gone, session.ErrPending)))
			if err := s.m.Revoke(ctx, id); !errors.Is(err, session.ErrPending) {
				t.Errorf("Revoke: %v", err)
			}
			b.seesNothing()
		})
	}
	t.Run("a renewal that is taken back tells by an event", func(t *testing.T) {
		s, b, _ := signedIn(t)
		s.store.plan("update", refuse(session.ErrNotFound))
		b.visit(renew).want(409)
		s.wantEvents(session.EventPending, 1)
	})
}

func TestAPurgeMayTakeLongerThanOtherCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := started(t, session.Options{StoreTimeout: time.Second})
		s.clock.advance(15 * 24 * time.Hour)
		s.store.plan("purge", before(func() { time.Sleep(time.Minute) }))
		if n, err := s.m.Purge(context.Background()); n != 1 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s.store.plan("purge", hang)
		if _, err := s.m.Purge(ctx); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		b.seesNothing()
	})
}

package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// streaming sends a request whose handler goes on after its header has left.
func (b *browser) streaming(f func(s *session.Session)) answer {
	b.t.Helper()
	return b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		f(s)
	})
}

func TestChangesOfAStoredSessionAreSavedAfterTheHeader(t *testing.T) {
	t.Run("by Save", func(t *testing.T) {
		_, b := started(t, session.Options{})
		b.streaming(func(s *session.Session) {
			add("milk")(s)
			if err := s.Save(context.Background()); err != nil {
				t.Errorf("Save: %v", err)
			}
			b.sees("", "tea", "milk")
		}).want(200)
	})
	t.Run("at the end", func(t *testing.T) {
		s, b := started(t, session.Options{})
		b.streaming(add("milk")).want(200)
		b.sees("", "tea", "milk")
		s.wantEvents(session.EventLateWrite, 0)
	})
	t.Run("at the end, though the client has gone", func(t *testing.T) {
		_, b := started(t, session.Options{})
		ctx, cancel := context.WithCancel(context.Background())
		b.under(ctx).streaming(func(s *session.Session) { add("milk")(s); cancel() }).want(200)
		b.sees("", "tea", "milk")
	})
}

func TestWhatNeedsACookieIsTooLateAfterTheHeader(t *testing.T) {
	for name, f := range map[string]func(*session.Session){
		"login": login("alice"), "renew": renew,
		"lifetime":   func(s *session.Session) { s.SetLifetime(1e9) },
		"persistent": func(s *session.Session) { s.SetPersistent(false) },
	} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			b.streaming(func(s *session.Session) {
				f(s)
				if err := s.Save(context.Background()); !errors.Is(err, session.ErrHeaderSent) {
					t.Errorf("Save: %v", err)
				}
			}).want(200).noCookie()
			s.wantEvents(session.EventLateWrite, 1)
			b.sees("", "tea")
			b.streaming(f).want(200).noCookie()
			s.wantEvents(session.EventLateWrite, 2)
			b.sees("", "tea")
		})
	}
	t.Run("new session", func(t *testing.T) {
		s := newSite(t, session.Options{})
		var ses *session.Session
		s.browser().streaming(func(s *session.Session) { ses = s; add("tea")(s) }).want(200).noCookie()
		if !errors.Is(ses.Err(), session.ErrHeaderSent) {
			t.Errorf("Err: %v", ses.Err())
		}
		s.wantEvents(session.EventLateWrite, 1)
		if n := len(s.store.records()); n != 0 {
			t.Errorf("%d records", n)
		}
	})
}

func TestALateChangeThatCannotBeKeptIsAnEvent(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(s *site, b *browser)
		f     func(*session.Session)
		want  error
	}{
		"the store is down":     {func(s *site, _ *browser) { s.store.always(failBefore) }, add("milk"), session.ErrUnavailable},
		"the session has ended": {func(_ *site, b *browser) { b.thief().visit(destroy) }, add("milk"), session.ErrSessionEnded},
		"it is too large":       {nil, func(s *session.Session) { name.Set(s, string(make([]byte, 100_000))) }, session.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			var ses *session.Session
			b.streaming(func(now *session.Session) {
				ses = now
				read(ses)
				if c.spoil != nil {
					c.spoil(s, b)
				}
				c.f(ses)
			}).want(200)
			if !errors.Is(ses.Err(), c.want) {
				t.Errorf("Err: %v", ses.Err())
			}
			s.wantEvents(session.EventLateWrite, 1)
		})
	}
}

func TestReloadShowsWhatOthersWroteAndKeepsUnsavedChanges(t *testing.T) {
	s, b := started(t, session.Options{})
	other := b.at(s.another(session.Options{}))
	b.visit(func(s *session.Session) {
		add("milk")(s)
		other.visit(add("rice")).want(200)
		if err := s.Reload(context.Background()); err != nil {
			t.Errorf("Reload: %v", err)
		}
		if got := cart.Get(s); len(got) != 3 || got[1] != "rice" || got[2] != "milk" {
			t.Errorf("the cart has %q", got)
		}
	}).want(200)
	b.sees("", "tea", "rice", "milk")
}

func TestReloadTellsThatTheSessionHasEnded(t *testing.T) {
	for name, end := range map[string]func(*session.Session){"destroyed": destroy, "renewed": renew, "logged in": login("alice")} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			var late *session.Session
			b.thief().visit(func(ses *session.Session) {
				late = ses
				add("milk")(ses)
				b.visit(end).want(200)
				for range 2 {
					if err := ses.Reload(context.Background()); !errors.Is(err, session.ErrSessionEnded) {
						t.Errorf("Reload: %v", err)
					}
				}
				if ses.Len() != 0 || ses.ID() != "" {
					t.Errorf("the session has %q", ses.Keys())
				}
			}).want(200).noCookie()
			add("more")(late)
			if err := late.Save(context.Background()); !errors.Is(err, session.ErrSessionEnded) {
				t.Errorf("Save: %v", err)
			}
			if s.alive() > 1 {
				t.Errorf("%d sessions are alive", s.alive())
			}
		})
	}
}

func TestReloadKeepsWhatIsLoadedDuringAnOutage(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(ses *session.Session) {
		read(ses)
		s.store.plan("load", failBefore)
		if err := ses.Reload(context.Background()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Reload: %v", err)
		}
		if cart.Get(ses) == nil || ses.Err() != nil {
			t.Errorf("the cart has %q, Err: %v", cart.Get(ses), ses.Err())
		}
	}).want(200)
}

func TestSettingsBeforeTheFirstValueSurviveASave(t *testing.T) {
	s := newSite(t, session.Options{})
	s.browser().visit(func(s *session.Session) {
		s.SetPersistent(false)
		if err := s.Save(context.Background()); err != nil {
			t.Errorf("Save: %v", err)
		}
		add("tea")(s)
	}).want(200)
	for _, r := range s.store.records() {
		if r.Persistent {
			t.Error("the session is persistent")
		}
	}
}

func TestASaveThatFailsIsKeptUntilReload(t *testing.T) {
	s, b := started(t, session.Options{})
	b.visit(func(ses *session.Session) {
		add("milk")(ses)
		s.store.plan("update", failBefore, failBefore)
		if err := ses.Save(context.Background()); !errors.Is(err, session.ErrUnavailable) || ses.Err() != err {
			t.Errorf("Save: %v, Err: %v", err, ses.Err())
		}
		add("rice")(ses)
		if err := ses.Save(context.Background()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v", err)
		}
		if err := ses.Reload(context.Background()); err != nil || ses.Err() != nil {
			t.Errorf("Reload: %v, Err: %v", err, ses.Err())
		}
		add("bread")(ses)
	}).want(200)
	b.sees("", "tea", "bread")
}

func TestReloadTellsThatAnotherRequestPoppedTheValue(t *testing.T) {
	_, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		cart.Pop(s)
		b.thief().visit(func(s *session.Session) { cart.Pop(s) }).want(200)
		if err := s.Reload(context.Background()); !errors.Is(err, session.ErrConflict) || s.Err() != err {
			t.Errorf("Reload: %v, Err: %v", err, s.Err())
		}
	}).want(409)
}

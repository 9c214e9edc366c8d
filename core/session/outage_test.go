package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// everything that a request may do to a session, which needs the store.
var uses = map[string]func(*session.Session){
	"read": read, "write": add("milk"), "pop": func(s *session.Session) { cart.Pop(s) },
	"read, then write": func(s *session.Session) { cart.Set(s, append(cart.Get(s), "milk")) },
	"flashes":          func(s *session.Session) { s.Flashes() },
	"login":            login("alice"), "renew": renew, "destroy": destroy,
	"clear": func(s *session.Session) { s.Clear() }, "times": func(s *session.Session) { s.ExpiresAt() },
	"principal": func(s *session.Session) { s.Principal() }, "settings": func(s *session.Session) { s.SetPersistent(false) },
}

func TestAnOutageIsNotASignOut(t *testing.T) {
	for does, f := range uses {
		t.Run(does, func(t *testing.T) {
			s, b := started(t, session.Options{})
			s.store.always(failBefore)
			b.visit(f).want(503)
			s.wantTold(session.ErrUnavailable)
			s.wantTold(errDown)
			s.store.always(nil)
			b.sees("", "tea")
		})
	}
}

func TestARequestThatDoesNotUseItsSessionSurvivesAnOutage(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.always(failBefore)
	b.visit(func(*session.Session) {}).want(200)
}

func TestAVisitorWithoutACookieSurvivesAnOutageUntilSomethingIsKept(t *testing.T) {
	s := newSite(t, session.Options{})
	s.store.always(failBefore)
	s.browser().visit(read).want(200)
	s.browser().visit(add("tea")).want(503)
	s.wantTold(session.ErrUnavailable)
}

func TestAReadThatFailsIsNotFollowedByAWrite(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.plan("load", failBefore) // and then the store is back
	b.visit(func(s *session.Session) {
		if items := cart.Get(s); items != nil {
			t.Errorf("the cart has %q", items)
		}
		if !errors.Is(s.Err(), session.ErrUnavailable) {
			t.Errorf("Err: %v", s.Err())
		}
		cart.Set(s, []string{"overwritten"})
		s.Login("mallory")
		if err := s.Save(context.Background()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v", err)
		}
	}).want(503)
	s.wantCalls("load")
	b.sees("", "tea")
}

func TestASaveThatFailsIsAnErrorInPlaceOfTheAnswer(t *testing.T) {
	for _, op := range []string{"create", "update"} {
		t.Run(op, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			if op == "update" {
				b.visit(add("tea")).want(200)
			}
			s.store.plan(op, failBefore, failBefore, failBefore)
			a := b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				add("milk")(s)
				w.Header().Set("X-Secret", "of the handler")
				w.WriteHeader(201)
				if n, err := w.Write([]byte("created")); n != 7 || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
			}).want(503)
			if a.header.Get("X-Secret") != "" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Retry-After") == "" {
				t.Errorf("the headers are %v", a.header)
			}
			s.store.reset()
			if op == "update" {
				b.sees("", "tea")
			}
			s.wantEvents(session.EventStoreError, 2)
		})
	}
}

func TestTheHandlersOwnFailureIsKept(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.always(failBefore)
	b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		read(s)
		http.Error(w, "mine", http.StatusBadGateway)
	}).want(502)
	if len(s.told.all) != 0 {
		t.Errorf("the error handler was told %v", s.told.all)
	}
}

func TestAHandlerThatAsksFirstMayChoose(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.always(failBefore)
	a := b.serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		err := s.Load(r.Context())
		if !errors.Is(err, session.ErrUnavailable) || s.Err() != nil {
			t.Errorf("Load: %v, Err: %v", err, s.Err())
		}
		if again := s.Load(r.Context()); again != err {
			t.Errorf("Load again: %v", again)
		}
		_, _ = w.Write([]byte("without a session"))
	}).want(200)
	if a.body != "without a session" || a.header.Get("Vary") != "Cookie" {
		t.Errorf("answered %q with %v", a.body, a.header)
	}
	s.wantCalls("load")
	b.visit(func(s *session.Session) {
		_ = s.Load(context.Background())
		read(s) // it needs the session after all
	}).want(503)
}

func TestReloadTriesAgainWhatLoadCouldNot(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.plan("load", failBefore, failBefore)
	b.visit(func(s *session.Session) {
		if s.Len() != 0 || s.Err() == nil {
			t.Error("the load succeeded")
		}
		if err := s.Reload(context.Background()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Reload: %v", err)
		}
		if err := s.Reload(context.Background()); err != nil || s.Err() != nil {
			t.Errorf("Reload: %v, Err: %v", err, s.Err())
		}
		add("milk")(s)
	}).want(200)
	b.sees("", "tea", "milk")
}

func TestPreloadAnswersWithoutCallingTheHandler(t *testing.T) {
	s, b := started(t, session.Options{Preload: true})
	b.visit(func(*session.Session) {}).want(200)
	s.wantCalls("load")
	s.store.always(failBefore)
	b.visit(func(*session.Session) { t.Error("the handler was called") }).want(503)
	s.wantTold(session.ErrUnavailable)
	s.store.always(nil)
	b.sees("", "tea")
}

func TestAStoreThatHangsIsGivenUpAfterItsTime(t *testing.T) {
	for does, f := range uses {
		synctest.Test(t, func(t *testing.T) {
			s, b := started(t, session.Options{StoreTimeout: 2 * time.Second})
			s.store.always(hang)
			began := time.Now()
			b.visit(f).want(503)
			s.wantTold(session.ErrUnavailable)
			s.wantTold(context.DeadlineExceeded)
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("%s: it took %v", does, took)
			}
			s.store.always(nil)
			b.sees("", "tea")
		})
	}
}

func TestAFullStoreIsUnavailableForNewSessionsOnly(t *testing.T) {
	s, b := started(t, session.Options{})
	s.store.plan("create", refuse(session.ErrFull))
	s.browser().visit(add("tea")).want(503)
	s.wantTold(session.ErrFull)
	s.store.plan("create", refuse(session.ErrFull))
	b.visit(renew).want(503)
	s.store.plan("update", refuse(session.ErrFull))
	b.visit(renew).want(503) // nothing is unknown: the old token stays
	b.sees("", "tea")
	if n := s.alive(); n != 1 {
		t.Errorf("%d sessions are alive", n)
	}
}

func TestADestroyThatFailsIsToldAndCanBeRepeated(t *testing.T) {
	for name, plans := range map[string][]plan{
		"the store is down":   {failBefore, failBefore},
		"and what is loaded":  {failAfter},
		"it hangs up at once": {failBefore},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			thief := b.thief()
			s.store.plan("delete", plans...)
			var err error
			a := b.visit(func(ses *session.Session) { err = ses.Destroy(context.Background()) })
			if len(plans) == 2 {
				if !errors.Is(err, session.ErrUnavailable) {
					t.Errorf("Destroy: %v", err)
				}
				a.want(503)
				b.sees("", "tea")
				b.visit(destroy).want(200).removesCookie()
			} else {
				a.want(200).removesCookie()
				if err != nil {
					t.Errorf("Destroy: %v", err)
				}
			}
			thief.seesNothing()
		})
	}
}

func TestAClientThatGoesAwayIsNoFaultOfTheStore(t *testing.T) {
	s, b := started(t, session.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	b.under(ctx).visit(func(s *session.Session) {
		add("milk")(s)
		cancel()
	}).want(503)
	s.wantEvents(session.EventStoreError, 0)
	b.sees("", "tea")
}

func TestADestroyThatIsGivenUpIsTold(t *testing.T) {
	s, b := started(t, session.Options{})
	var id session.ID
	b.visit(func(ses *session.Session) {
		id = ses.ID()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := ses.Destroy(ctx); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("Destroy: %v", err)
		}
		if err := s.m.Revoke(ctx, id); !errors.Is(err, context.Canceled) {
			t.Errorf("Revoke: %v", err)
		}
	}).want(503)
	s.wantEvents(session.EventStoreError, 0)
	b.sees("", "tea")
}

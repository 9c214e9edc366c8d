package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestAFailingResponseChangesNothing(t *testing.T) {
	changes := map[string]func(*session.Session){
		"write": add("milk"), "renew": renew, "login": login("alice"), "clear": func(s *session.Session) { s.Clear() },
		"pop": func(s *session.Session) { cart.Pop(s) }, "settings": func(s *session.Session) { s.SetLifetime(1) },
	}
	for does, f := range changes {
		for _, status := range []int{500, 501, 502, 503, 599} {
			t.Run(fmt.Sprintf("%s, %d", does, status), func(t *testing.T) {
				s, b := started(t, session.Options{})
				b.answers(status, f).want(status)
				s.wantCalls("load")
				b.sees("", "tea")
			})
		}
		t.Run(does+", panic", func(t *testing.T) {
			s, b := started(t, session.Options{})
			if a := b.visit(func(s *session.Session) { f(s); panic("mine") }).noCookie(); a.panic != "mine" {
				t.Errorf("the panic is %v", a.panic)
			}
			s.wantCalls("load")
			b.sees("", "tea")
		})
		t.Run(does+", panic that a middleware further in turns into an answer", func(t *testing.T) {
			s, b := started(t, session.Options{})
			b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				defer func() {
					_ = recover()
					w.WriteHeader(500)
				}()
				f(s)
				panic("mine")
			}).want(500)
			s.wantCalls("load")
		})
		t.Run(does+", panic that a middleware further out turns into an answer", func(t *testing.T) {
			s, b := started(t, session.Options{})
			h := s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				f(session.From(r.Context()))
				panic("mine")
			}))
			b.send(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					_ = recover()
					w.WriteHeader(200) // however it answers
				}()
				h.ServeHTTP(w, r)
			})).want(200).noCookie()
			s.wantCalls("load")
			b.sees("", "tea")
		})
	}
}

func TestResponsesBelow500Save(t *testing.T) {
	for _, status := range []int{200, 204, 301, 303, 304, 400, 404, 409, 499} {
		s, b := started(t, session.Options{})
		b.answers(status, add("milk"))
		b.sees("", "tea", "milk")
		s.wantCalls("load", "update", "load")
	}
}

func TestAFailingResponseAfterDestroyStillSignsOut(t *testing.T) {
	for name, fail := range map[string]func(w http.ResponseWriter){
		"500":   func(w http.ResponseWriter) { w.WriteHeader(500) },
		"panic": func(w http.ResponseWriter) { defer w.WriteHeader(500); defer func() { _ = recover() }(); panic("mine") },
	} {
		t.Run(name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			thief := b.thief()
			a := b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				destroy(s)
				add("milk")(s) // would begin a new session
				fail(w)
			})
			a.removesCookie()
			s.wantCalls("load", "delete")
			thief.seesNothing()
		})
	}
}

func TestWhatWasSavedBeforeAFailingResponseStays(t *testing.T) {
	save := func(s *session.Session) {
		if err := s.Save(context.Background()); err != nil {
			panic(err)
		}
	}
	t.Run("new session", func(t *testing.T) {
		b := newSite(t, session.Options{}).browser()
		b.answers(500, func(s *session.Session) { add("tea")(s); save(s); add("milk")(s) }).setsCookie()
		b.sees("", "tea")
	})
	t.Run("login", func(t *testing.T) {
		_, b := started(t, session.Options{})
		b.answers(503, func(s *session.Session) { s.Login("alice"); save(s); add("milk")(s) }).setsCookie()
		b.sees("alice", "tea")
	})
	t.Run("write", func(t *testing.T) {
		_, b := started(t, session.Options{})
		b.answers(500, func(s *session.Session) { add("milk")(s); save(s); add("rice")(s) }).noCookie()
		b.sees("", "tea", "milk")
	})
	t.Run("and then it cannot be saved", func(t *testing.T) {
		s := newSite(t, session.Options{})
		b := s.browser()
		b.visit(func(ses *session.Session) {
			add("tea")(ses)
			save(ses)
			s.store.always(failBefore)
			add("milk")(ses)
		}).setsCookie()
		s.wantTold(session.ErrUnavailable)
		s.store.always(nil)
		b.sees("", "tea")
	})
}

func TestAChangeAfterAFailingResponseIsDropped(t *testing.T) {
	s, b := started(t, session.Options{})
	b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		w.WriteHeader(500)
		add("milk")(s)
	}).want(500)
	s.wantCalls("load")
	b.sees("", "tea")
}

func TestAfterDestroyTheSessionIsEmptyAndTakesChangesForANewOne(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(func(s *session.Session) { s.Login("alice"); add("tea")(s) }).want(200)
	thief := b.thief()
	b.visit(func(ses *session.Session) {
		add("milk")(ses)
		ses.Login("bob")
		destroy(ses)
		if ses.Len() != 0 || ses.Principal() != "" || ses.ID() != "" || !ses.CreatedAt().IsZero() {
			t.Errorf("after Destroy there are %q of %q", ses.Keys(), ses.Principal())
		}
		if err := ses.Destroy(context.Background()); err != nil {
			t.Errorf("Destroy again: %v", err)
		}
		name.Set(ses, "next")
	}).want(200).setsCookie()
	thief.seesNothing()
	b.visit(func(s *session.Session) {
		if name.Get(s) != "next" || s.Len() != 1 || s.Principal() != "" {
			t.Errorf("the new session has %q of %q", s.Keys(), s.Principal())
		}
	}).want(200)
	s.wantEvents(session.EventDestroyed, 1)
}

// plainWriter can only write.
type plainWriter struct{ w http.ResponseWriter }

func (p plainWriter) Header() http.Header         { return p.w.Header() }
func (p plainWriter) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p plainWriter) WriteHeader(status int)      { p.w.WriteHeader(status) }

func TestWhatTheServerCannotDoSendsNoHeader(t *testing.T) {
	for name, try := range map[string]func(w http.ResponseWriter) error{
		"Flush":  func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"Hijack": func(w http.ResponseWriter) error { _, _, err := http.NewResponseController(w).Hijack(); return err },
	} {
		for status, sees := range map[int][]string{200: {"tea", "milk", "sugar"}, 500: {"tea"}} {
			t.Run(fmt.Sprint(name, ", then ", status), func(t *testing.T) {
				s, b := started(t, session.Options{})
				h := s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					add("milk")(session.From(r.Context()))
					if err := try(w); !errors.Is(err, http.ErrNotSupported) {
						t.Errorf("%s returned %v", name, err)
					}
					add("sugar")(session.From(r.Context()))
					session.From(r.Context()).Login("alice")
					w.WriteHeader(status)
				}))
				a := b.send(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(plainWriter{w}, r) }))
				who := ""
				if a.want(status); status == 200 {
					who = "alice"
				}
				b.sees(who, sees...)
			})
		}
	}
}

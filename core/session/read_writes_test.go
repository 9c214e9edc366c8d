package session_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// onHeader calls f when the header leaves.
type onHeader struct {
	http.ResponseWriter
	f func(status int)
}

func (w *onHeader) WriteHeader(status int) {
	if w.f(status); status >= 200 {
		w.f = func(int) {}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *onHeader) Write(b []byte) (int, error) {
	w.f(200)
	w.f = func(int) {}
	return w.ResponseWriter.Write(b)
}

func (w *onHeader) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestWhatASuccessWroteIsSeenEverywhereBeforeItsHeaderLeaves(t *testing.T) {
	for does, write := range map[string]func(w http.ResponseWriter){
		"status":         func(w http.ResponseWriter) { w.WriteHeader(303) },
		"body":           func(w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) },
		"flush":          func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"early hints":    func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(200) },
		"nothing at all": func(http.ResponseWriter) {},
	} {
		t.Run(does, func(t *testing.T) {
			s, b := started(t, session.Options{})
			other := b.at(s.another(session.Options{}))
			h := s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				add("milk")(session.From(r.Context()))
				write(w)
			}))
			seen := false
			b.send(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w = &onHeader{w, func(status int) {
					if status >= 200 {
						other.sees("", "tea", "milk")
						seen = true
					}
				}}
				h.ServeHTTP(w, r)
				if !seen {
					w.WriteHeader(200) // as net/http does
				}
			}))
			if !seen {
				t.Error("no header left")
			}
		})
	}
}

func TestWhatSaveStoredIsSeenEverywhereAtOnce(t *testing.T) {
	s, b := started(t, session.Options{})
	other := b.at(s.another(session.Options{}))
	b.visit(func(s *session.Session) {
		add("milk")(s)
		other.sees("", "tea")
		if err := s.Save(context.Background()); err != nil {
			t.Errorf("Save: %v", err)
		}
		other.sees("", "tea", "milk")
		add("rice")(s)
	}).want(200)
	other.sees("", "tea", "milk", "rice")
}

func TestARequestSeesItsOwnChanges(t *testing.T) {
	_, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		add("milk")(s)
		if got := cart.Get(s); len(got) != 2 {
			t.Errorf("the cart has %q", got)
		}
		s.Flash("info", "x")
		if got := s.Flashes(); len(got) != 1 {
			t.Errorf("there are flashes %v", got)
		}
		s.Login("alice")
		if s.Principal() != "alice" {
			t.Errorf("signed in as %q", s.Principal())
		}
		cart.Delete(s)
		if _, ok := cart.Lookup(s); ok || s.Has("cart") || s.Len() != 0 {
			t.Errorf("there are %q", s.Keys())
		}
	}).want(200)
}

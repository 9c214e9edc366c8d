package transition_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

var count = session.NewKey[int]("count")

// A process is a manager and the application around it: it counts, signs in and shows.
type process struct {
	m *session.Manager
	h http.Handler
}

func newProcess(t *testing.T, store session.Store) *process {
	t.Helper()
	m, err := session.New(session.Options{Store: store, Insecure: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		s := m.From(r.Context())
		_, _ = io.WriteString(w, s.Principal()+" "+strconv.Itoa(count.Get(s)))
	})
	mux.HandleFunc("POST /count", func(w http.ResponseWriter, r *http.Request) {
		count.Update(m.From(r.Context()), func(n int) int { return n + 1 })
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		m.From(r.Context()).Login("alice")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		_ = m.From(r.Context()).Destroy(r.Context())
		w.WriteHeader(http.StatusNoContent)
	})
	return &process{m, m.Handler(mux)}
}

// browser keeps one cookie.
type browser struct {
	*testing.T
	cookie *http.Cookie
}

func (b *browser) visit(p *process, method, path string) *httptest.ResponseRecorder {
	b.Helper()
	r := httptest.NewRequest(method, path, nil)
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return w
}

func (b *browser) sees(p *process, want string) {
	b.Helper()
	if w := b.visit(p, "GET", "/count"); w.Code != 200 || w.Body.String() != want {
		b.Fatalf("the browser sees %d %q, want %q", w.Code, w.Body, want)
	}
}

func (b *browser) posts(p *process, path string, want int) {
	b.Helper()
	if w := b.visit(p, "POST", path); w.Code != want {
		b.Fatalf("POST %s: %d, want %d", path, w.Code, want)
	}
}

func TestNobodyIsSignedOutWhileProcessesAreReplacedOneByOne(t *testing.T) {
	old, young := memory(), memory()
	before, after := newProcess(t, old), newProcess(t, young)
	first := newProcess(t, transition.New(old, young, transition.Options{Step: step1}))
	second := newProcess(t, transition.New(old, young, transition.Options{Step: step2}))
	copies := func() transition.Report {
		r, err := transition.Copy(t.Context(), old, young, transition.CopyOptions{})
		if err != nil || r.Differing > 0 {
			t.Fatalf("Copy: %+v, %v", r, err)
		}
		return r
	}
	all := []*browser{}
	signIn := func(p *process) *browser {
		b := &browser{T: t}
		b.posts(p, "/login", 204)
		all = append(all, b)
		return b
	}
	clicks := 0
	click := func(processes ...*process) {
		for _, p := range processes {
			clicks++
			for _, b := range all {
				b.posts(p, "/count", 204)
			}
		}
		for _, b := range all {
			for _, p := range processes {
				b.sees(p, "alice "+strconv.Itoa(clicks))
			}
		}
	}
	signIn(before)
	signIn(before)
	click(before, first)
	click(first)
	copies()
	click(first, second)
	copies()
	all[0].posts(first, "/login", 204) // a new token, in the process that creates in the old store
	click(second, first)
	gone := *all[1]
	all[1].posts(second, "/logout", 204)
	all = all[:1]
	copies()
	if r := copies(); !r.Done() {
		t.Fatalf("the last copy says %+v", r)
	}
	click(second, after)
	if _, err := transition.Finish(t.Context(), old, young, transition.CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	click(after, second)
	gone.sees(after, " 0")
	if n, err := after.m.RevokeAll(t.Context(), "alice"); n != 1 || err != nil {
		t.Fatalf("RevokeAll ended %d sessions, %v; want 1", n, err)
	}
}

func TestAProcessOutsideOfTheTransitionTakesAMarkForASessionThatMoved(t *testing.T) {
	old, young := memory(), memory()
	first := newProcess(t, transition.New(old, young, transition.Options{Step: step1}))
	before, after := newProcess(t, old), newProcess(t, young)
	moved, ended := &browser{T: t}, &browser{T: t}
	moved.posts(first, "/login", 204)
	ended.posts(first, "/login", 204)
	list, err := first.m.List(t.Context(), "alice")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if _, err := transition.Copy(t.Context(), old, young, transition.CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	late := *ended
	ended.posts(first, "/logout", 204)
	for _, c := range []struct {
		b  *browser
		at *process
	}{{moved, before}, {&late, before}, {&late, after}} {
		cookie := c.b.cookie
		c.b.sees(c.at, " 0")
		c.b.posts(c.at, "/count", 409)
		if c.b.cookie != cookie {
			t.Error("the browser got another cookie, or lost its own")
		}
	}
	for _, info := range list {
		if err := before.m.Revoke(t.Context(), info.ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Revoke in a process that knows the old store only: %v", err)
		}
	}
	moved.sees(first, "alice 0")
	moved.sees(after, "alice 0")
}

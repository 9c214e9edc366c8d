package adaptertest

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testErrorHandler shows that an application's own error handler answers.
func testErrorHandler(t *testing.T, fw Framework) {
	for _, c := range []struct {
		name   string
		write  func(w http.ResponseWriter)
		status int
		body   string
	}{
		{"a page", func(w http.ResponseWriter) {
			w.Header().Set("X-Page", "own")
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "our tea is cold")
		}, 502, "our tea is cold"},
		{"a redirect", func(w http.ResponseWriter) {
			w.Header().Set("X-Page", "own")
			w.Header().Set("Location", "/sorry")
			w.WriteHeader(http.StatusSeeOther)
		}, 303, ""},
		{"a body without a status", func(w http.ResponseWriter) {
			w.Header().Set("X-Page", "own")
			_, _ = io.WriteString(w, "our tea is cold")
		}, 200, "our tea is cold"},
		{"a page in parts", func(w http.ResponseWriter) {
			w.Header().Set("X-Page", "own")
			w.WriteHeader(http.StatusBadGateway)
			for _, part := range []string{"our tea ", "is cold"} {
				_, _ = io.WriteString(w, part)
				if err := http.NewResponseController(w).Flush(); err != nil {
					panic(err)
				}
			}
		}, 502, "our tea is cold"},
		{"nothing", func(w http.ResponseWriter) { w.Header().Set("X-Page", "own") }, 500, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var why error
			s := withVisits(newSite(t, fw, func(o *session.Options) {
				o.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
					why = err
					if _, ok := session.Lookup(r.Context()); !ok {
						panic("the request has no session")
					}
					c.write(w)
				}
			}))
			s.handle("/write", visited(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Handler", "set")
				w.WriteHeader(http.StatusCreated)
				for range 3 {
					if n, err := io.WriteString(w, "tea"); n != 3 || err != nil {
						panic("the handler was told of a failure")
					}
				}
				w.Header().Set(http.TrailerPrefix+"X-Handler", "set")
			}))
			b := s.start().browser()
			s.store.fail("create")
			a := b.get("/write").want(c.status, c.body).wantCookies().
				wantHeader("X-Page", "own").wantHeader("X-Handler").wantHeader(before, "kept")
			if len(a.trailer) > 0 {
				t.Fatalf("the response has the handler's trailer %v", a.trailer)
			}
			if !errors.Is(why, session.ErrUnavailable) {
				t.Fatalf("the error handler got %v, want ErrUnavailable", why)
			}
		})
	}
	t.Run("values that are too large are a 500", func(t *testing.T) {
		s := withVisits(newSite(t, fw, func(o *session.Options) { o.MaxSize = 64 }))
		s.handle("/large", visited(func(w http.ResponseWriter, r *http.Request) {
			note.Set(session.From(r.Context()), string(make([]byte, 100)))
			_, _ = io.WriteString(w, "saved")
		}))
		b := s.start().browser()
		b.get("/visit")
		b.get("/large").wantStatus(500).wantCookies()
		b.get("/show").want(200, ":1")
	})
}

// testPreload shows that Options.Preload answers before the handler runs.
func testPreload(t *testing.T, fw Framework) {
	s := withVisits(newSite(t, fw, func(o *session.Options) { o.Preload = true }))
	runs := 0
	s.handle("/run", func(w http.ResponseWriter, _ *http.Request) {
		runs++
		_, _ = io.WriteString(w, "ran")
	})
	b := s.start().browser()
	b.get("/run").want(200, "ran").wantCookies()
	s.store.wantCalls(t)
	b.get("/visit").want(200, "").wantCookies(defaultName)
	s.store.wantCalls(t, "create")
	b.get("/run").want(200, "ran").wantCookies()
	s.store.wantCalls(t, "load")
	s.store.fail("load")
	wantUnavailable(b.get("/run"), http.MethodGet)
	if runs != 2 {
		t.Fatalf("the handler ran %d times, want 2", runs)
	}
	s.store.fail()
	b.get("/show").want(200, ":1")
}

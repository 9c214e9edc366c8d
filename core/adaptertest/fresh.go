package adaptertest

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// FreshPath begins the paths of the routes that are behind the adapter's RequireFresh.
const FreshPath = "/fresh/"

// staleness is a clock that a test moves forward.
type staleness struct{ ahead atomic.Int64 }

func (c *staleness) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *staleness) advance(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *staleness) set(o *session.Options)  { o.Clock = c.now }
func freshSite(t *testing.T, fw Framework, set ...func(*session.Options)) (*site, *staleness) {
	t.Helper()
	c := &staleness{}
	s := withVisits(newSite(t, fw, append(set, c.set)...))
	s.app.Fresh = time.Hour
	s.handle("/again", func(w http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Reauthenticate()
		w.WriteHeader(http.StatusNoContent)
	})
	return s, c
}

// stale is the answer of DefaultErrorHandler to who is not fresh.
const stale = "Please sign in again to go on."

// testFresh shows that a page behind the gate is run for a fresh login only, and
// that the answer in its place is a response like any other.
func testFresh(t *testing.T, fw Framework) {
	t.Run("only a fresh login gets through", func(t *testing.T) {
		s, clock := freshSite(t, fw)
		runs := 0
		s.handle(FreshPath+"page", visited(func(w http.ResponseWriter, _ *http.Request) {
			runs++
			_, _ = io.WriteString(w, "secret")
		}))
		b := s.start().browser()
		want := func(method string, status, ran int) *answer {
			t.Helper()
			body := map[int]string{200: "secret", 403: stale}[status]
			if method == http.MethodHead {
				body = ""
			}
			a := b.do(method, FreshPath+"page").want(status, body).
				wantHeader("Vary", "Cookie").wantHeader("Cache-Control", "no-store").wantHeader(before, "kept")
			if runs != ran {
				t.Fatalf("the handler ran %d times, want %d", runs, ran)
			}
			return a
		}
		want(http.MethodGet, 403, 0).wantCookies()
		b.get("/visit")
		want(http.MethodPost, 403, 0).wantCookies()
		b.get("/login")
		want(http.MethodGet, 200, 1)
		want(http.MethodPost, 200, 2)
		clock.advance(time.Hour + time.Minute)
		want(http.MethodGet, 403, 2).wantCookies()
		want(http.MethodHead, 403, 2).wantCookies()
		b.get("/again").want(204, "").wantCookies(defaultName)
		want(http.MethodGet, 200, 3)
		b.get("/show").want(200, "alice:4")
	})
	t.Run("an unavailable store is a 503", func(t *testing.T) {
		s, _ := freshSite(t, fw)
		s.handle(FreshPath+"page", func(http.ResponseWriter, *http.Request) { panic("the handler ran") })
		b := s.start().browser()
		b.get("/login")
		s.store.fail("load")
		wantUnavailable(b.get(FreshPath+"page"), http.MethodGet)
	})
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		status int
		body   string
		kept   bool // what the error handler put into the session
	}{
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/password")
			w.WriteHeader(http.StatusSeeOther)
		}, 303, "", true},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "password?") }, 200, "password?", true},
		{"a page in parts", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			for _, part := range []string{"pass", "word?"} {
				_, _ = io.WriteString(w, part)
				if err := http.NewResponseController(w).Flush(); err != nil {
					panic(err)
				}
			}
		}, 401, "password?", true},
		{"a failure", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 502, "", false},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, 500, "", false},
	} {
		t.Run("the error handler answers with "+c.name, func(t *testing.T) {
			s, _ := freshSite(t, fw, func(o *session.Options) {
				o.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
					if !errors.Is(err, session.ErrNotFresh) {
						panic(err)
					}
					note.Set(session.From(r.Context()), r.URL.Path)
					c.answer(w, r)
				}
			})
			s.handle(FreshPath+"page", func(http.ResponseWriter, *http.Request) { panic("the handler ran") })
			s.handle("/note", func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, note.Get(session.From(r.Context())))
			})
			b := s.start().browser()
			a := b.get(FreshPath+"page").want(c.status, c.body).wantHeader("Cache-Control", "no-store")
			if c.kept {
				a.wantCookies(defaultName)
				b.get("/note").want(200, FreshPath+"page")
			} else {
				a.wantCookies()
			}
		})
	}
	t.Run("a stream goes through", func(t *testing.T) {
		s, _ := freshSite(t, fw)
		more := make(gate)
		s.handle(FreshPath+"events", visited(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first ")
			w.(http.Flusher).Flush()
			more.wait(r)
			_, _ = io.WriteString(w, "second")
		}))
		b := s.start().browser()
		b.get("/login")
		resp, v := b.open(b.request(t.Context(), http.MethodGet, FreshPath+"events", nil))
		b.get("/show").want(200, "alice:1") // the handler still runs
		close(more)
		b.read(resp, v).want(200, "first second")
	})
	t.Run("a panic behind the gate changes nothing", func(t *testing.T) {
		s, _ := freshSite(t, fw)
		s.handle(FreshPath+"panic", visited(func(http.ResponseWriter, *http.Request) { panic("meant") }))
		b := s.start().browser()
		b.get("/login")
		b.get(FreshPath + "panic").wantStatus(500)
		b.get("/show").want(200, "alice:0")
	})
}

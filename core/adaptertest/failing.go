package adaptertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// unavailable is what the default error handler says of a store that fails.
const unavailable = "Sessions are unavailable at the moment. Please try again."

// wantUnavailable checks that the response is that of the error handler, and
// nothing of the handler's.
func wantUnavailable(a *answer, method string) {
	a.t.Helper()
	if method == http.MethodHead {
		a.want(503, "")
	} else {
		a.want(503, unavailable)
	}
	a.wantCookies().wantHeader(before, "kept").wantHeader("X-Handler").wantHeader("Location").wantHeader("ETag").
		wantHeader("Cache-Control", "no-store").wantHeader("Vary", "Cookie").wantHeader("Retry-After", "1")
	if a.err != nil {
		a.t.Fatalf("the body ends with %v", a.err)
	}
}

// everyWay runs f for every way to write a response, natives included: at path,
// a handler that first counts a visit. The handler is to notice nothing.
func everyWay(t *testing.T, fw Framework, f func(t *testing.T, s *site, method, path string)) {
	t.Helper()
	for _, re := range responses(t) {
		t.Run(re.name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			var begun, ended atomic.Int32
			s.handle("/write", visited(func(w http.ResponseWriter, r *http.Request) {
				begun.Add(1)
				w.Header().Set("X-Handler", "set")
				http.SetCookie(w, &http.Cookie{Name: "handler", Value: "set"})
				re.write(w, r)
				w.Header().Set("X-Handler", "again")
				ended.Add(1)
			}))
			method := re.method
			if method == "" {
				method = http.MethodGet
			}
			f(t, s.start(), method, "/write")
			if begun.Load() == 0 || begun.Load() != ended.Load() {
				t.Fatalf("of %d handlers, %d came to their end", begun.Load(), ended.Load())
			}
		})
	}
	for _, n := range fw.Natives {
		if n.Status >= 500 {
			continue // that is the response
		}
		t.Run("native "+n.Name, func(t *testing.T) {
			f(t, withVisits(newSite(t, fw)).start(), http.MethodGet, NativePath+n.Name)
		})
	}
}

// testFailingLoads shows that a session that cannot be loaded makes the
// response a 503, and is there again when the store is.
func testFailingLoads(t *testing.T, fw Framework) {
	everyWay(t, fw, func(t *testing.T, s *site, method, path string) {
		b := s.browser()
		b.get("/visit").want(200, "")
		token := b.cookie(defaultName)
		s.store.fail("load")
		wantUnavailable(b.do(method, path), method)
		s.store.fail()
		if b.cookie(defaultName) != token {
			t.Fatal("the outage changed the cookie")
		}
		b.get("/show").want(200, ":1")
	})
	t.Run("a handler that only reads", func(t *testing.T) {
		s := withVisits(newSite(t, fw)).start()
		b := s.browser()
		b.get("/login")
		s.store.fail("load")
		wantUnavailable(b.get("/show"), http.MethodGet)
		s.store.fail()
		b.get("/show").want(200, "alice:0")
	})
	t.Run("a handler that asks first may answer itself", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/ask", func(w http.ResponseWriter, r *http.Request) {
			if err := session.From(r.Context()).Load(r.Context()); errors.Is(err, session.ErrUnavailable) {
				_, _ = w.Write([]byte("without a session"))
			}
		})
		b := s.start().browser()
		b.get("/login")
		s.store.fail("load")
		b.get("/ask").want(200, "without a session").wantCookies()
	})
	t.Run("a handler's own failure stays", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/fail", visited(func(w http.ResponseWriter, r *http.Request) {
			if session.From(r.Context()).Err() == nil {
				panic("no error")
			}
			http.Error(w, "my own words", http.StatusInternalServerError)
		}))
		b := s.start().browser()
		b.get("/visit")
		s.store.fail("load")
		b.get("/fail").want(500, "my own words").wantCookies()
	})
}

// testFailingSaves shows that a session that cannot be saved makes the response
// a 503, without anything that the handler put into it.
func testFailingSaves(t *testing.T, fw Framework) {
	everyWay(t, fw, func(t *testing.T, s *site, method, path string) {
		b := s.browser()
		s.store.fail("create", "update")
		wantUnavailable(b.do(method, path), method)
		s.store.fail()
		s.store.wantRecords(t, 0)
		b.get("/visit").want(200, "").wantCookies(defaultName)
		s.store.fail("create", "update")
		wantUnavailable(b.do(method, path), method)
		s.store.fail()
		b.get("/show").want(200, ":1")
	})
	t.Run("a login that cannot be saved leaves the old session", func(t *testing.T) {
		s := withVisits(newSite(t, fw)).start()
		b := s.browser()
		b.get("/visit")
		s.store.fail("create")
		wantUnavailable(b.get("/login"), http.MethodGet)
		s.store.fail()
		b.get("/show").want(200, ":1")
		s.store.wantRecords(t, 1)
	})
	t.Run("a stream that is replaced reaches the client", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/events", visited(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("data: tea\n\n"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}))
		b := s.start().browser()
		s.store.fail("create")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resp, _ := b.open(b.request(ctx, http.MethodGet, "/events", nil))
		defer func() { _ = resp.Body.Close() }()
		line := make([]byte, len(unavailable))
		if _, err := io.ReadFull(resp.Body, line); err != nil || resp.StatusCode != 503 || string(line) != unavailable {
			t.Fatalf("got %d %q, %v", resp.StatusCode, line, err)
		}
	})
	t.Run("a copy that fails before its first byte is no success", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/proxy", visited(func(w http.ResponseWriter, _ *http.Request) {
			if n, err := io.Copy(w, iotest.ErrReader(io.ErrUnexpectedEOF)); n != 0 || err == nil {
				panic(err)
			}
			http.Error(w, "upstream is away", http.StatusBadGateway)
		}))
		b := s.start().browser()
		b.get("/visit")
		b.get("/proxy").want(502, "upstream is away").wantCookies()
		b.get("/show").want(200, ":1")
	})
	t.Run("a session that was revoked meanwhile is a 409", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/slow", visited(func(w http.ResponseWriter, r *http.Request) {
			if err := s.m.Revoke(r.Context(), session.From(r.Context()).ID()); err != nil {
				panic(err)
			}
			_, _ = w.Write([]byte("saved"))
		}))
		b := s.start().browser()
		b.get("/visit")
		b.get("/slow").wantStatus(409).wantCookies()
		s.store.wantRecords(t, 0)
	})
}

package adaptertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// pair is a site with two managers that have stores of their own.
func pair(t *testing.T, fw Framework) (s *site, outer, inner *session.Manager, outerStore *store) {
	t.Helper()
	s = newSite(t, fw)
	outerStore = newStore()
	outer = s.manager(outerStore, named("outer"))
	inner = s.manager(s.store, named("inner"))
	s.app.Managers = []*session.Manager{outer, inner}
	s.handle("/visit", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Handler", "set")
		visits.Update(outer.From(r.Context()), func(n int) int { return n + 10 })
		visits.Update(inner.From(r.Context()), func(n int) int { return n + 1 })
		_, _ = io.WriteString(w, "done")
	})
	s.handle("/show", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%d %d", visits.Get(outer.From(r.Context())), visits.Get(inner.From(r.Context())))
	})
	return s, outer, inner, outerStore
}

// testManagers shows that managers on one path do not disturb each other.
func testManagers(t *testing.T, fw Framework) {
	t.Run("each has a cookie and a session", func(t *testing.T) {
		s, outer, inner, _ := pair(t, fw)
		s.handle("/which", func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			_, _ = fmt.Fprint(w, session.From(ctx) == inner.From(ctx), session.From(ctx) == outer.From(ctx))
		})
		b := s.start().browser()
		b.get("/which").want(200, "true false").wantCookies()
		b.get("/visit").want(200, "done").wantCookies("inner", "outer")
		b.get("/visit").want(200, "done").wantCookies()
		b.get("/show").want(200, "20 2").wantHeader("Vary", "Cookie")
		// A token of one manager is nothing to another.
		b.cookies["outer"], b.cookies["inner"] = b.cookies["inner"], b.cookies["outer"]
		b.get("/show").want(200, "0 0")
	})
	t.Run("the inner cookie survives the outer's error response", func(t *testing.T) {
		s, _, _, outerStore := pair(t, fw)
		b := s.start().browser()
		outerStore.fail("create")
		b.get("/visit").want(503, unavailable).wantCookies("inner").
			wantHeader("X-Handler").wantHeader(before, "kept").wantHeader("Cache-Control", "no-store")
		outerStore.fail()
		b.get("/show").want(200, "0 1")
	})
	t.Run("the inner's removal of a cookie survives the outer's error response", func(t *testing.T) {
		s, outer, inner, outerStore := pair(t, fw)
		s.handle("/logout", func(w http.ResponseWriter, r *http.Request) {
			visits.Set(outer.From(r.Context()), 0)
			if err := inner.From(r.Context()).Destroy(r.Context()); err != nil {
				panic(err)
			}
			w.WriteHeader(http.StatusNoContent)
		})
		b := s.start().browser()
		b.get("/visit")
		outerStore.fail("update")
		b.get("/logout").want(503, unavailable).wantCookies("inner")
		outerStore.fail()
		b.get("/show").want(200, "10 0")
	})
	t.Run("the inner's failure drops the outer's changes", func(t *testing.T) {
		s, _, _, outerStore := pair(t, fw)
		b := s.start().browser()
		s.store.fail("create")
		b.get("/visit").want(503, unavailable).wantCookies().wantHeader("X-Handler").wantHeader(before, "kept")
		outerStore.wantRecords(t, 0)
		s.store.fail()
		b.get("/visit").want(200, "done")
		s.store.fail("load")
		b.get("/visit").want(503, unavailable).wantCookies()
		s.store.fail()
		b.get("/show").want(200, "10 1")
	})
	t.Run("one that is installed twice runs once", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.app.Managers = []*session.Manager{s.m, s.m}
		s.app.Group = []*session.Manager{s.m}
		s.handle(GroupPath+"visit", visited(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }))
		b := s.start().browser()
		b.get(GroupPath+"visit").want(200, "done").wantCookies(defaultName)
		s.store.wantCalls(t, "create")
		b.get("/visit").want(200, "").wantCookies()
		s.store.wantCalls(t, "load", "update")
		b.get("/show").want(200, ":2")
	})
	t.Run("one that is installed twice around another runs once", func(t *testing.T) {
		s, outer, inner, _ := pair(t, fw)
		s.app.Managers = []*session.Manager{outer, inner, outer}
		b := s.start().browser()
		b.get("/visit").want(200, "done").wantCookies("inner", "outer")
		b.get("/visit").want(200, "done").wantCookies()
		b.get("/show").want(200, "20 2")
	})
}

// testGroups shows that a manager serves the group that it is installed for.
func testGroups(t *testing.T, fw Framework) {
	s := withVisits(newSite(t, fw))
	other := s.manager(newStore(), named("other"))
	s.app.Managers, s.app.Group = nil, []*session.Manager{s.m}
	s.handle(GroupPath+"visit", visited(nothing))
	s.handle(GroupPath+"show", showVisits)
	s.handle("/lookup", func(w http.ResponseWriter, r *http.Request) {
		_, found := session.Lookup(r.Context())
		_, here := s.m.Lookup(r.Context())
		_, _ = fmt.Fprint(w, found, here)
	})
	panics := func(from func(*http.Request) *session.Session) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			defer func() { _, _ = fmt.Fprint(w, recover()) }()
			from(r)
		}
	}
	s.handle("/from", panics(func(r *http.Request) *session.Session { return session.From(r.Context()) }))
	s.handle(GroupPath+"other", panics(func(r *http.Request) *session.Session { return other.From(r.Context()) }))
	b := s.start().browser()

	b.get(GroupPath+"visit").want(200, "").wantCookies(defaultName)
	b.get(GroupPath+"show").want(200, ":1")
	s.store.counted()
	b.get("/lookup").want(200, "false false").wantHeader("Vary")
	if a := b.get("/from").wantStatus(200); !strings.Contains(a.body, "middleware") {
		t.Fatalf("From without middleware panics with %q, which does not name the fix", a.body)
	}
	if a := b.get(GroupPath + "other").wantStatus(200); !strings.Contains(a.body, "middleware") || !strings.Contains(a.body, `"other"`) {
		t.Fatalf("From of a manager without middleware panics with %q, which does not name the fix", a.body)
	}
	s.store.wantCalls(t)
}

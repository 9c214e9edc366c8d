package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// panicOf returns what f panics with, as text.
func panicOf(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

func TestFromWithoutTheMiddlewarePanicsWithTheWayOut(t *testing.T) {
	s := newSite(t, session.Options{})
	ctx := context.Background()
	if got := panicOf(func() { session.From(ctx) }); !strings.Contains(got, "install the middleware before this handler") || !strings.Contains(got, "Manager.Handler") {
		t.Errorf("From panics with %q", got)
	}
	if got := panicOf(func() { s.m.From(ctx) }); !strings.Contains(got, "install its middleware before this handler") || !strings.Contains(got, cookieName) {
		t.Errorf("Manager.From panics with %q", got)
	}
	if ses, ok := session.Lookup(ctx); ses != nil || ok {
		t.Errorf("Lookup: %v, %v", ses, ok)
	}
	if ses, ok := s.m.Lookup(ctx); ses != nil || ok {
		t.Errorf("Manager.Lookup: %v, %v", ses, ok)
	}
}

func TestTwoManagersOnOnePathAreApart(t *testing.T) {
	shop := newSite(t, session.Options{})
	admin := newSite(t, session.Options{Cookie: session.Cookie{Name: "__Host-admin"}})
	unused := newSite(t, session.Options{})
	for _, nested := range [][2]*site{{shop, admin}, {admin, shop}} {
		outer, inner := nested[0], nested[1]
		h := outer.m.Handler(inner.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			if session.From(ctx) != inner.m.From(ctx) || inner.m.From(ctx) == outer.m.From(ctx) {
				t.Error("From is not the innermost manager's session")
			}
			if _, ok := unused.m.Lookup(ctx); ok {
				t.Error("a manager that is not on the path has a session")
			}
			name.Set(outer.m.From(ctx), "outer")
			name.Set(inner.m.From(ctx), "inner")
			inner.m.From(ctx).Login("alice")
		})))
		a := ask(t, h, httptest.NewRequest(http.MethodGet, siteURL, nil)).want(200)
		if len(a.cookies()) != 2 {
			t.Fatalf("cookies: %q", a.header["Set-Cookie"])
		}
		for _, c := range a.cookies() {
			at, want := shop, "inner"
			if c.Name == "__Host-admin" {
				at = admin
			}
			if at == outer {
				want = "outer"
			}
			r := httptest.NewRequest(http.MethodGet, siteURL, nil)
			r.AddCookie(c)
			ask(t, at.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				ses := session.From(r.Context())
				if name.Get(ses) != want || (ses.Principal() == "alice") != (at == inner) {
					t.Errorf("%s has %q of %q", c.Name, name.Get(ses), ses.Principal())
				}
			})), r).want(200)
		}
	}
}

func TestAManagerThatIsInstalledTwiceRunsOnce(t *testing.T) {
	s, b := started(t, session.Options{Preload: true})
	between := newSite(t, session.Options{Cookie: session.Cookie{Name: "__Host-other"}})
	var seen *session.Session
	inside := s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if s.m.From(r.Context()) != seen {
			t.Error("there are two sessions")
		}
		add("milk")(s.m.From(r.Context()))
	}))
	h := s.m.Handler(between.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = s.m.From(r.Context())
		inside.ServeHTTP(w, r)
	})))
	b.send(h).want(200).noCookie()
	s.wantCalls("load", "update")
	b.sees("", "tea", "milk")
}

func TestTheCookieOfAnInnerManagerSurvivesTheFailureOfAnOuterOne(t *testing.T) {
	shop, b := started(t, session.Options{})
	admin := newSite(t, session.Options{Cookie: session.Cookie{Name: "__Host-admin"}})
	h := shop.m.Handler(admin.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		add("milk")(shop.m.From(r.Context()))
		admin.m.From(r.Context()).Login("root")
		shop.store.always(failBefore)
	})))
	r := httptest.NewRequest(http.MethodGet, siteURL, nil)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: b.token()})
	a := ask(t, h, r)
	if c := a.cookies(); a.status != 503 || len(c) != 1 || c[0].Name != "__Host-admin" {
		t.Errorf("answered %d with cookies %q", a.status, a.header["Set-Cookie"])
	}
	shop.store.always(nil)
	b.sees("", "tea")
}

func TestAFailureOfAnInnerManagerChangesNothingInAnOuterOne(t *testing.T) {
	shop, b := started(t, session.Options{})
	admin := newSite(t, session.Options{Cookie: session.Cookie{Name: "__Host-admin"}})
	admin.store.always(failBefore)
	b.send(shop.m.Handler(admin.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		add("milk")(shop.m.From(r.Context()))
		add("milk")(admin.m.From(r.Context()))
	})))).want(503)
	shop.wantCalls("load")
	b.sees("", "tea")
}

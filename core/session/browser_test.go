package session_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// browser is a client with cookies of its own.
type browser struct {
	*site
	jar http.CookieJar
	ctx context.Context
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{site: s, jar: jar, ctx: context.Background()}
}

// at is the same browser, its cookies included, at another process.
func (b *browser) at(s *site) *browser { return &browser{site: s, jar: b.jar, ctx: b.ctx} }

// thief is another browser with the cookies of this one.
func (b *browser) thief() *browser {
	t := b.site.browser()
	t.jar.SetCookies(b.url(), b.jar.Cookies(b.url()))
	return t
}

// under is the same browser with the requests under ctx.
func (b *browser) under(ctx context.Context) *browser { return &browser{b.site, b.jar, ctx} }

func (b *browser) url() *url.URL {
	u, _ := url.Parse(siteURL)
	return u
}

// token is the value of the only cookie, "" if there is none.
func (b *browser) token() string {
	b.t.Helper()
	cookies := b.jar.Cookies(b.url())
	if len(cookies) > 1 {
		b.t.Fatalf("the browser has %d cookies", len(cookies))
	}
	if len(cookies) == 0 {
		return ""
	}
	return cookies[0].Value
}

// answer is a response as the browser got it.
type answer struct {
	t      *testing.T
	status int
	body   string
	header http.Header
	panic  any // of the handler
}

// visit sends a request whose handler only uses the session, and answers 200.
func (b *browser) visit(f func(s *session.Session)) answer {
	b.t.Helper()
	return b.serve(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { f(s) })
}

// answers sends a request whose handler uses the session and answers with a status.
func (b *browser) answers(status int, f func(s *session.Session)) answer {
	b.t.Helper()
	return b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		f(s)
		w.WriteHeader(status)
	})
}

// serve sends a request to the given handler behind the manager, and takes the
// cookies of the response.
func (b *browser) serve(f func(w http.ResponseWriter, r *http.Request, s *session.Session)) answer {
	b.t.Helper()
	return b.send(b.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, b.m.From(r.Context())) })))
}

// send sends a request to any handler.
func (b *browser) send(h http.Handler) (a answer) {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.ctx, http.MethodGet, siteURL, nil)
	r.Header.Set("User-Agent", "browser")
	for _, c := range b.jar.Cookies(b.url()) {
		r.AddCookie(c)
	}
	a = ask(b.t, h, r)
	for _, c := range a.cookies() {
		b.spies.add(c.Value)
	}
	b.jar.SetCookies(b.url(), a.cookies())
	return a
}

// ask sends a request as it is to a handler.
func ask(t *testing.T, h http.Handler, r *http.Request) (a answer) {
	a.t = t
	w := httptest.NewRecorder()
	defer func() {
		a.panic = recover()
		a.status, a.body, a.header = w.Code, strings.TrimSpace(w.Body.String()), w.Result().Header
	}()
	h.ServeHTTP(w, r)
	return a
}

// pending is a response that is on its way.
type pending chan answer

// begin sends a request as visit does, without waiting for the response.
func (b *browser) begin(f func(s *session.Session)) pending {
	p := make(pending, 1)
	go func() { p <- b.visit(f) }()
	return p
}

func (a answer) cookies() []*http.Cookie { return (&http.Response{Header: a.header}).Cookies() }

// want checks the status, and that a failing answer sets no cookie.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.panic != nil {
		a.t.Fatalf("the handler panicked: %v", a.panic)
	}
	if a.status != status {
		a.t.Fatalf("answered %d %q, want %d", a.status, a.body, status)
	}
	if status >= 400 {
		a.noCookie()
	}
	return a
}

func (a answer) noCookie() answer {
	a.t.Helper()
	if c := a.header["Set-Cookie"]; len(c) > 0 {
		a.t.Fatalf("answered %d with a cookie: %q", a.status, c)
	}
	return a
}

// setsCookie checks that the answer gives the browser a token.
func (a answer) setsCookie() answer {
	a.t.Helper()
	if c := a.cookies(); len(c) != 1 || c[0].Value == "" {
		a.t.Fatalf("answered %d with cookies %q, want one with a token", a.status, a.header["Set-Cookie"])
	}
	return a
}

// removesCookie checks that the answer makes the browser forget its token.
func (a answer) removesCookie() answer {
	a.t.Helper()
	if c := a.cookies(); len(c) != 1 || c[0].Value != "" || c[0].MaxAge >= 0 {
		a.t.Fatalf("answered %d with cookies %q, want one removal", a.status, a.header["Set-Cookie"])
	}
	return a
}

// sees checks what a new request of the browser finds.
func (b *browser) sees(principal string, items ...string) {
	b.t.Helper()
	b.visit(func(s *session.Session) {
		if got, p := cart.Get(s), s.Principal(); p != principal || !slices.Equal(got, items) {
			b.t.Errorf("the browser sees principal %q and cart %q, want %q and %q", p, got, principal, items)
		}
	}).want(200)
}

// seesNothing checks that the browser has no session.
func (b *browser) seesNothing() {
	b.t.Helper()
	b.visit(func(s *session.Session) {
		if s.ID() != "" || s.Len() != 0 || s.Principal() != "" {
			b.t.Errorf("the browser sees session %q of %q with %q, want none", s.ID(), s.Principal(), s.Keys())
		}
	}).want(200).noCookie()
}

// id is the ID of the browser's session.
func (b *browser) id() (id session.ID) {
	b.t.Helper()
	b.visit(func(s *session.Session) { id = s.ID() }).want(200)
	if id == "" {
		b.t.Fatal("the browser has no session")
	}
	return id
}

// add is a handler that puts an item into the cart.
func add(item string) func(*session.Session) {
	return func(s *session.Session) {
		cart.Update(s, func(c []string) []string { return append(c, item) })
	}
}

func login(principal string) func(*session.Session) {
	return func(s *session.Session) { s.Login(principal) }
}

func renew(s *session.Session) { s.Renew() }

func read(s *session.Session) { _ = s.Len() }

// destroy ends the session; what it returns is kept by the session.
func destroy(s *session.Session) { _ = s.Destroy(context.Background()) }

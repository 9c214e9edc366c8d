package session_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

var cart = session.NewKey[[]string]("cart")

// site serves handlers by path behind a manager, and keeps a browser's cookies.
type site struct {
	t      *testing.T
	m      *session.Manager
	mux    *http.ServeMux
	server *httptest.Server
	client *http.Client
}

func newSite(t *testing.T, o session.Options) *site {
	t.Helper()
	o.Insecure = true
	m, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, m: m, mux: http.NewServeMux()}
	s.server = httptest.NewServer(m.Handler(s.mux))
	t.Cleanup(s.server.Close)
	s.client = s.browser()
	return s
}

// browser is a client with cookies of its own.
func (s *site) browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) handle(path string, h func(w http.ResponseWriter, r *http.Request, s *session.Session)) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h(w, r, session.From(r.Context())) })
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (s *site) get(path string) answer { s.t.Helper(); return s.getAs(s.client, path) }

func (s *site) getAs(c *http.Client, path string) answer {
	s.t.Helper()
	resp, err := c.Get(s.server.URL + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(b), resp.Header}
}

func (s *site) cookies(c *http.Client) []*http.Cookie {
	u, _ := url.Parse(s.server.URL)
	return c.Jar.Cookies(u)
}

func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || (body != "" && strings.TrimSpace(a.body) != body) {
		t.Fatalf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

func TestASessionLivesAcrossRequests(t *testing.T) {
	s := newSite(t, session.Options{})
	s.handle("/add", func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Update(s, func(c []string) []string { return append(c, r.URL.Query().Get("item")) })
	})
	s.handle("/cart", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		_, _ = io.WriteString(w, s.Principal()+":"+strings.Join(cart.Get(s), ","))
	})
	s.handle("/login", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Login("alice") })
	s.handle("/logout", func(_ http.ResponseWriter, r *http.Request, s *session.Session) { _ = s.Destroy(r.Context()) })

	s.get("/cart").want(t, 200, ":")
	if len(s.cookies(s.client)) != 0 {
		t.Fatal("a read set a cookie")
	}
	s.get("/add?item=tea").want(t, 200, "")
	s.get("/add?item=milk").want(t, 200, "")
	s.get("/cart").want(t, 200, ":tea,milk")
	before := s.cookies(s.client)
	s.get("/login").want(t, 200, "")
	s.get("/cart").want(t, 200, "alice:tea,milk")
	after := s.cookies(s.client)
	if slices.Equal(before, after) || before[0].Value == after[0].Value {
		t.Fatal("login kept the token")
	}
	thief := s.browser()
	u, _ := url.Parse(s.server.URL)
	thief.Jar.SetCookies(u, after)
	s.getAs(thief, "/cart").want(t, 200, "alice:tea,milk")
	s.get("/logout").want(t, 200, "")
	if len(s.cookies(s.client)) != 0 {
		t.Fatal("sign-out left the cookie")
	}
	s.getAs(thief, "/cart").want(t, 200, ":")
}

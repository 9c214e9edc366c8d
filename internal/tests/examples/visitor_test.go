package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
)

// A visitor is a browser: it keeps cookies, of 127.0.0.1 whatever the port,
// and stays where a redirect was sent.
type visitor struct {
	http.Client
	t    testing.TB
	shop *examples.Process
	base string // of its URLs
}

func visit(t testing.TB, shop *examples.Process) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{
		t: t, shop: shop, base: shop.URL,
		Client: http.Client{
			Jar:           jar,
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// at is the same browser at another process.
func (v *visitor) at(shop *examples.Process) *visitor {
	other := *v
	other.shop, other.base = shop, shop.URL
	return &other
}

// do sends a request; the response has been read.
func (v *visitor) do(r *http.Request) (*http.Response, string) {
	v.t.Helper()
	res, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res, string(body)
}

func (v *visitor) request(method, path, body string) *http.Request {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// get returns the status and the body.
func (v *visitor) get(path string) (int, string) {
	v.t.Helper()
	res, body := v.do(v.request(http.MethodGet, path, ""))
	return res.StatusCode, body
}

// post returns the status of a form that is sent with one field.
func (v *visitor) post(path, field, value string) int {
	v.t.Helper()
	res, _ := v.do(v.request(http.MethodPost, path, url.Values{field: {value}}.Encode()))
	return res.StatusCode
}

// mustPost fails the test unless the form is answered with a redirect.
func (v *visitor) mustPost(path, field, value string) {
	v.t.Helper()
	if status := v.post(path, field, value); status != http.StatusSeeOther {
		v.t.Fatalf("POST %s %s=%s: %d, want 303", path, field, value, status)
	}
}

// A summary is what GET /api/session tells.
type summary struct {
	User      string   `json:"user"`
	Cart      []string `json:"cart"`
	ID        string   `json:"id"`
	CreatedAt string   `json:"created_at"`
	ExpiresAt string   `json:"expires_at"`
}

func (v *visitor) session() summary {
	v.t.Helper()
	status, body := v.get("/api/session")
	var s summary
	if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
		v.t.Fatalf("GET /api/session: %d %s (%v)", status, body, err)
	}
	return s
}

// wantSession fails the test unless that user has these items in the cart.
func (v *visitor) wantSession(user string, cart ...string) {
	v.t.Helper()
	if s := v.session(); s.User != user || strings.Join(s.Cart, ",") != strings.Join(cart, ",") {
		v.t.Fatalf("the session is of %q with %q, want %q with %q", s.User, s.Cart, user, cart)
	}
}

// cookies are those that the browser sends.
func (v *visitor) cookies() []*http.Cookie {
	v.t.Helper()
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.Jar.Cookies(u)
}

package adaptertest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// browser is a client with cookies of its own.
type browser struct {
	s *site

	mu      sync.Mutex
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{s: s, cookies: make(map[string]string)} }

// answer is a response as the client sees it.
type answer struct {
	t       *testing.T
	s       *site
	status  int
	body    string
	header  http.Header
	trailer http.Header
	visit   *visit
	err     error // of reading the body
}

// get asks for a path and fails the test if there is no answer.
func (b *browser) get(path string) *answer {
	b.s.t.Helper()
	return b.do(http.MethodGet, path)
}

func (b *browser) do(method, path string) *answer {
	b.s.t.Helper()
	resp, v := b.open(b.request(context.Background(), method, path, nil))
	return b.read(resp, v)
}

// request prepares a request with the browser's cookies.
func (b *browser) request(ctx context.Context, method, path string, body io.Reader) *http.Request {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, b.s.server.URL+path, body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value) // also what http.Cookie would refuse
	}
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	return r
}

// open sends a request and returns as soon as the header is there.
func (b *browser) open(r *http.Request) (*http.Response, *visit) {
	b.s.t.Helper()
	resp, v, err := b.try(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return resp, v
}

func (b *browser) try(r *http.Request) (*http.Response, *visit, error) {
	number, v := b.s.nextVisit()
	r.Header.Set("X-Visit", number)
	resp, err := b.s.client.Do(r)
	if err != nil {
		return nil, v, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return resp, v, nil
}

// read reads the rest of a response and waits until the handler is done with.
func (b *browser) read(resp *http.Response, v *visit) *answer {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	<-v.done
	return &answer{
		t: b.s.t, s: b.s, visit: v,
		status: resp.StatusCode, body: string(body), header: resp.Header, trailer: resp.Trailer, err: err,
	}
}

// copy returns a browser with the same cookies: a second tab, or a thief.
func (b *browser) copy() *browser {
	c := b.s.browser()
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, value := range b.cookies {
		c.cookies[name] = value
	}
	return c
}

// cookie returns the value that the browser holds, "" if none.
func (b *browser) cookie(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cookies[name]
}

// want checks status, body (but for white space around it) and what the
// framework says it sent.
func (a *answer) want(status int, body string) *answer {
	a.t.Helper()
	if a.status != status || strings.TrimSpace(a.body) != body {
		a.t.Fatalf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
	a.s.wantSent(a.visit, status)
	return a
}

// wantStatus is want for a body that does not matter.
func (a *answer) wantStatus(status int) *answer {
	a.t.Helper()
	return a.want(status, strings.TrimSpace(a.body))
}

// wantCookies checks which cookies the response sets, in order.
func (a *answer) wantCookies(names ...string) *answer {
	a.t.Helper()
	lines := a.header["Set-Cookie"]
	got := make([]string, len(lines))
	for i, line := range lines {
		got[i], _, _ = strings.Cut(line, "=")
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		a.t.Fatalf("the response sets the cookies %q, want %q", got, names)
	}
	return a
}

// wantHeader checks the values of a header. No value means that it is absent.
func (a *answer) wantHeader(name string, values ...string) *answer {
	a.t.Helper()
	if got := a.header.Values(name); strings.Join(got, "\n") != strings.Join(values, "\n") {
		a.t.Fatalf("%s is %q, want %q", name, got, values)
	}
	return a
}

package security_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

const (
	host      = "shop.example.com"
	home      = "https://" + host + "/"
	cookie    = "__Host-session"
	jobHeader = "X-Test-Job"
)

var (
	name = session.NewKey[string]("name")
	cart = session.NewKey[[]string]("cart")
)

// A site is an application in one or more processes, each a server of its own.
type site struct {
	*testing.T
	*watch
	m       []*session.Manager
	clients []*http.Client
	clock   *clock
	log     *syncBuffer

	mu     sync.Mutex
	jobs   []job
	tokens []string // that browsers were given
}

// A job is the handler of one request.
type job struct {
	f func(w http.ResponseWriter, r *http.Request, m *session.Manager)
	h *halt
}

// newSite starts the application. What the options leave out is the site's own.
func newSite(t *testing.T, e engine, o session.Options, processes int) *site {
	t.Helper()
	s := &site{T: t, watch: &watch{}, clock: &clock{now: time.Now()}, log: &syncBuffer{}}
	open := e.open(t, s.watch)
	if o.Clock == nil {
		o.Clock = s.clock.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	o.Events = both{s.watch, session.SlogEvents(o.Logger)}
	for range processes {
		o.Store = open()
		m := session.Must(session.New(o))
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handle(w, r, m) }))
		server.Config.ErrorLog = log.New(s.log, "", 0)
		server.Start()
		t.Cleanup(server.Close)
		client := server.Client()
		client.Transport = endTLS{client.Transport}
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		s.m, s.clients = append(s.m, m), append(s.clients, client)
	}
	return s
}

// endTLS is the proxy before a site that speaks https with browsers.
type endTLS struct{ inner http.RoundTripper }

func (p endTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return p.inner.RoundTrip(r)
}

type both [2]session.Events

func (to both) Event(ctx context.Context, e session.Event) {
	to[0].Event(ctx, e)
	to[1].Event(ctx, e)
}

// handle runs the job that the request names.
func (s *site) handle(w http.ResponseWriter, r *http.Request, m *session.Manager) {
	n, err := strconv.Atoi(r.Header.Get(jobHeader))
	s.mu.Lock()
	if err != nil || n < 0 || n >= len(s.jobs) {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	j := s.jobs[n]
	s.mu.Unlock()
	r.Header.Del(jobHeader)
	if j.h != nil {
		r = r.WithContext(context.WithValue(r.Context(), haltKey{}, j.h))
	}
	j.f(w, r, m)
}

func (s *site) job(f func(w http.ResponseWriter, r *http.Request, m *session.Manager), h *halt) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, job{f, h})
	return strconv.Itoa(len(s.jobs) - 1)
}

// A browser is a user agent at one process of the site.
type browser struct {
	*site
	*userAgent
	process int
	path    string
}

func (s *site) browser() *browser {
	return &browser{s, &userAgent{now: s.clock.Now}, 0, "/"}
}

// at is the same browser at another process.
func (b *browser) at(process int) *browser { return &browser{b.site, b.userAgent, process, b.path} }

// on is the same browser on another page.
func (b *browser) on(path string) *browser { return &browser{b.site, b.userAgent, b.process, path} }

// thief is another browser with the cookies of this one.
func (b *browser) thief() *browser { return &browser{b.site, b.userAgent.clone(), b.process, b.path} }

// token is the value of the session's cookie, "" if there is none.
func (b *browser) token() string {
	for _, c := range b.sent("https", host, b.path) {
		if strings.HasSuffix(c.name, "session") {
			return c.value
		}
	}
	return ""
}

// An answer is a response as it came over the network.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// visit sends a request whose handler only uses the session.
func (b *browser) visit(f func(*session.Session)) answer {
	b.Helper()
	return b.serve(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { f(s) })
}

// begin sends a request that stores a session, and returns its ID, without a
// load that would put it into a cache.
func (b *browser) begin(f func(*session.Session)) (id session.ID) {
	b.Helper()
	b.visit(func(s *session.Session) {
		f(s)
		if err := s.Save(b.Context()); err != nil {
			b.Error(err)
		}
		id = s.ID()
	}).want(200).wantCookies(1)
	return id
}

// answers is visit with a status.
func (b *browser) answers(status int, f func(*session.Session)) answer {
	b.Helper()
	return b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		f(s)
		w.WriteHeader(status)
	})
}

// serve sends a request to a handler behind the manager.
func (b *browser) serve(f func(w http.ResponseWriter, r *http.Request, s *session.Session)) answer {
	b.Helper()
	return b.send(b.request(nil, f))
}

// halted sends a request that stops at a store call, and returns when it has
// stopped or ended. The answer comes from the returned function.
func (b *browser) halted(n int, f func(*session.Session)) (stopped bool, goOn func() answer) {
	b.Helper()
	h := newHalt(n)
	r := b.request(h, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { f(s) })
	done := make(chan answer, 1)
	go func() { done <- b.send(r) }()
	select {
	case <-h.reached:
		return true, func() answer { close(h.open); return <-done }
	case a := <-done:
		return false, func() answer { return a }
	}
}

// request is one whose handler runs behind the manager.
func (b *browser) request(h *halt, f func(w http.ResponseWriter, r *http.Request, s *session.Session)) *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, strings.TrimSuffix(home, "/")+b.path, nil)
	must(b.T, err)
	r.Header.Set(jobHeader, b.job(func(w http.ResponseWriter, r *http.Request, m *session.Manager) {
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(w, r, m.From(r.Context())) })).ServeHTTP(w, r)
	}, h))
	return r
}

// send sends a request with the browser's cookies, and keeps those of the answer.
// No answer may have two of one name, or one that the browser does not keep.
func (b *browser) send(r *http.Request) answer {
	b.Helper()
	if line := b.userAgent.header("https", host, r.URL.Path); line != "" && r.Header.Get("Cookie") == "" {
		r.Header.Set("Cookie", line)
	}
	response, err := b.clients[b.process].Do(r)
	if err != nil {
		return answer{t: b.T, body: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	names := map[string]bool{}
	for _, line := range response.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil || names[c.Name] {
			b.Errorf("the cookies %q: %v", response.Header["Set-Cookie"], err)
			continue
		}
		names[c.Name] = true
		if err := b.receive("https", host, r.URL.Path, line); err != nil {
			b.Errorf("a browser refuses the cookie %q: %v", line, err)
		}
		b.given(c.Value)
	}
	return answer{b.T, response.StatusCode, response.Header, strings.TrimSpace(string(body))}
}

// given notes a token as a secret of the site.
func (s *site) given(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, token)
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("answered %d %q, want %d", a.status, a.body, status)
	}
	return a
}

func (a answer) wantCookies(n int) answer {
	a.t.Helper()
	if got := a.header["Set-Cookie"]; len(got) != n {
		a.t.Fatalf("answered %d with cookies %q, want %d", a.status, got, n)
	}
	return a
}

// sees checks what the browser finds on every process.
func (b *browser) sees(principal string, items ...string) {
	b.Helper()
	for i := range b.m {
		b.at(i).visit(func(s *session.Session) {
			if p, got := s.Principal(), cart.Get(s); p != principal || !slices.Equal(got, items) || s.ID() == "" {
				b.Errorf("process %d: session %q of %q with %q, want %q with %q", i, s.ID(), p, got, principal, items)
			}
		}).want(200).wantCookies(0)
	}
}

// opens tells what the browser's cookies open on any process: "" is nothing.
func (b *browser) opens() (what string) {
	b.Helper()
	for i := range b.m {
		b.at(i).visit(func(s *session.Session) {
			if s.ID() != "" || s.Principal() != "" || s.Len() != 0 {
				what += fmt.Sprintf("process %d: session %q of %q with %q; ", i, s.ID(), s.Principal(), s.Keys())
			}
		}).want(200).wantCookies(0)
	}
	return what
}

// seesNothing checks that the browser has no session.
func (b *browser) seesNothing() {
	b.Helper()
	if what := b.opens(); what != "" {
		b.Error(what)
	}
}

// records is everything that is stored.
func (s *site) records() map[session.ID]session.Record {
	s.Helper()
	out := make(map[session.ID]session.Record)
	scanner := s.m[0].Store().(session.Scanner)
	for after := ""; ; {
		page, next, err := scanner.Scan(s.Context(), after, 1000)
		must(s.T, err)
		for _, r := range page {
			out[r.ID] = r.Record
		}
		if after = next; after == "" {
			return out
		}
	}
}

// alive is how many stored records are sessions that have not ended.
func (s *site) alive() (n int) {
	now := s.clock.Now()
	for _, r := range s.records() {
		if r.MovedTo == "" && now.Before(r.Expires) && now.Before(r.LifetimeEnd) {
			n++
		}
	}
	return n
}

// secrets are the tokens that browsers were given, in the forms in which one
// could hide in a text.
func (s *site) secrets() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range s.tokens {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) == 0 {
			continue
		}
		decimals := strings.Trim(fmt.Sprint(raw), "[]")
		out = append(out, token, string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
			base64.RawStdEncoding.EncodeToString(raw), decimals, strings.ReplaceAll(decimals, " ", ", "))
	}
	return out
}

// wantNoSecret checks that a text holds no token.
func (s *site) wantNoSecret(where, text string) {
	s.Helper()
	for _, secret := range s.secrets() {
		if strings.Contains(text, secret) {
			s.Errorf("%s holds a token", where)
			return
		}
	}
}

// clock tells a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// What handlers of many tests do.

func read(s *session.Session) { _ = s.Len() }

func renew(s *session.Session) { s.Renew() }

func add(item string) func(*session.Session) {
	return func(s *session.Session) {
		cart.Update(s, func(c []string) []string { return append(c, item) })
	}
}

func login(principal string) func(*session.Session) {
	return func(s *session.Session) { s.Login(principal) }
}

// destroy ends the session; what it returns is kept by the session.
func destroy(s *session.Session) { _ = s.Destroy(context.Background()) }

// loginWith signs in and keeps an item.
func loginWith(principal, item string) func(*session.Session) {
	return func(s *session.Session) { s.Login(principal); add(item)(s) }
}

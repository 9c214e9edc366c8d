package hostile_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

const cookieName = "__Host-session"

var (
	cart    = session.NewKey[[]string]("cart")
	discard = slog.New(slog.DiscardHandler)
)

// A site is a manager over an engine, behind a real net/http server.
type site struct {
	t      testing.TB
	e      engine
	m      *session.Manager
	server *httptest.Server
	log    *safeBuffer // of the server: panics are there
	events *eventLog
	sent   []string // what must not be in any event
}

func open(t testing.TB, e engine) *site {
	t.Helper()
	s := &site{t: t, e: e, log: &safeBuffer{}, events: &eventLog{}}
	m, err := session.New(session.Options{Store: e.store, Events: s.events, Logger: discard})
	must(t, err)
	s.m = m
	s.server = httptest.NewUnstartedServer(m.Handler(http.HandlerFunc(serve)))
	s.server.Config.ErrorLog = log.New(s.log, "", 0)
	s.server.Start()
	t.Cleanup(func() {
		s.server.Close()
		if text := s.log.String(); strings.Contains(text, "panic") {
			t.Errorf("a handler panicked: %s", text)
		}
		told := s.events.String()
		for _, secret := range s.sent {
			if strings.Contains(told, secret) {
				t.Errorf("an event tells %q", secret)
			}
		}
	})
	return s
}

// A view is what a request finds in its session.
type view struct {
	ID        session.ID
	Principal string
	Cart      []string
}

// serve is the application: a query says what to do, the answer tells the session.
func serve(w http.ResponseWriter, r *http.Request) {
	s := session.From(r.Context())
	q := r.URL.Query()
	if q.Has("destroy") {
		_ = s.Destroy(r.Context())
	}
	if q.Has("user") {
		s.Login(q.Get("user"))
	}
	if q.Has("add") {
		cart.Update(s, func(c []string) []string { return append(c, q.Get("add")) })
	}
	_ = json.NewEncoder(w).Encode(view{s.ID(), s.Principal(), cart.Get(s)})
}

// An answer is what came back.
type answer struct {
	status  int
	cookies []string
	view    view
	body    string
}

// ask sends a request with exactly these Cookie headers.
func (s *site) ask(query string, cookies ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.server.URL+"/?"+query, http.NoBody)
	must(s.t, err)
	r.Header["Cookie"] = cookies
	res, err := s.server.Client().Do(r)
	must(s.t, err)
	return s.read(res)
}

func (s *site) read(res *http.Response) (a answer) {
	s.t.Helper()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	a.status, a.cookies, a.body = res.StatusCode, res.Header["Set-Cookie"], string(body)
	if a.status == http.StatusOK {
		must(s.t, json.Unmarshal(body, &a.view))
	}
	return a
}

// raw sends bytes over a connection of its own, and returns the answer; status
// 0 is none, where the server closed while it was still being told.
func (s *site) raw(request string) answer {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
	must(s.t, err)
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, request) }()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}
	}
	if res.StatusCode != http.StatusOK {
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		return answer{status: res.StatusCode, cookies: res.Header["Set-Cookie"], body: string(body)}
	}
	return s.read(res)
}

// A visitor has one cookie.
type visitor struct {
	*site
	token string
	id    session.ID
	who   string
}

func (v *visitor) cookie() string { return cookieName + "=" + v.token }

// signIn begins a session of a principal, with tea in its cart.
func (s *site) signIn(principal string) *visitor {
	s.t.Helper()
	v := &visitor{site: s, who: principal}
	v.take(s.ask("add=tea&user=" + url.QueryEscape(principal)))
	v.id = v.ask("", v.cookie()).view.ID
	v.wantWhole()
	return v
}

// take takes the cookie of an answer.
func (v *visitor) take(a answer) {
	v.t.Helper()
	if a.status != http.StatusOK || len(a.cookies) != 1 {
		v.t.Fatalf("answered %d with cookies %q: %s", a.status, a.cookies, a.body)
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(a.cookies[0], cookieName+"="), ";")
	if len(token) != 43 {
		v.t.Fatalf("the cookie is %q", a.cookies[0])
	}
	v.token = token
	v.sent = append(v.sent, token)
}

// wantWhole checks that the session is as it was.
func (v *visitor) wantWhole() {
	v.t.Helper()
	a := v.ask("", v.cookie())
	if a.status != http.StatusOK || a.view.ID != v.id || a.view.Principal != v.who || !slices.Equal(a.view.Cart, []string{"tea"}) || a.cookies != nil {
		v.t.Fatalf("the session of %q is answered %d %+v %q", v.who, a.status, a.view, a.cookies)
	}
}

// records returns how many there are.
func (s *site) records() (n int) {
	s.t.Helper()
	for after := ""; ; {
		page, next, err := s.e.store.(session.Scanner).Scan(s.t.Context(), after, 100)
		must(s.t, err)
		n += len(page)
		if after = next; next == "" {
			return n
		}
	}
}

// eventLog keeps every event.
type eventLog struct {
	mu  sync.Mutex
	all []session.Event
}

func (l *eventLog) Event(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

// since returns the events after the first n, and how many there are.
func (l *eventLog) since(n int) ([]session.Event, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all[n:]), len(l.all)
}

func (l *eventLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.all {
		_, _ = fmt.Fprintf(&b, "%+v %v\n", e, e.Err)
	}
	return b.String()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

package adaptertest

import (
	"context"
	"io"
	"log"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// site is an application of the framework on a real server. A test adds routes,
// starts it, and asks it as a browser.
type site struct {
	t      *testing.T
	fw     Framework
	store  *store
	events *events
	m      *session.Manager
	app    App
	server *httptest.Server
	client *http.Client
	http2  bool // to be set before start

	mu     sync.Mutex
	visits map[string]*visit
}

// visit is one request as the server sees it.
type visit struct {
	done   chan struct{} // closed once the framework has returned
	sent   int           // what the framework says it sent; 0 if it said nothing
	called int           // how often it said so
	form   *multipart.Form
}

type visitKey struct{}

// before is a header that is set outside of the framework.
const before = "X-Before"

// newSite returns a site with one manager, which serves all its routes unless
// the test changes app.
func newSite(t *testing.T, fw Framework, options ...func(*session.Options)) *site {
	t.Helper()
	s := &site{t: t, fw: fw, store: newStore(), events: &events{}, visits: make(map[string]*visit)}
	s.m = s.manager(s.store, options...)
	s.app = App{
		Routes:   make(map[string]http.HandlerFunc),
		Managers: []*session.Manager{s.m},
		Sent: func(r *http.Request, status int) {
			v := r.Context().Value(visitKey{}).(*visit)
			v.sent = status
			v.called++
		},
	}
	return s
}

// manager returns a manager that reports to the site.
func (s *site) manager(st session.Store, options ...func(*session.Options)) *session.Manager {
	s.t.Helper()
	o := session.Options{Store: st, Insecure: true, Events: s.events, Logger: slog.New(slog.DiscardHandler)}
	for _, set := range options {
		set(&o)
	}
	m, err := session.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// named gives a manager's cookie a name.
func named(name string) func(*session.Options) {
	return func(o *session.Options) { o.Cookie.Name = name }
}

func (s *site) handle(path string, h http.HandlerFunc) { s.app.Routes[path] = h }

// start builds the application and serves it until the test ends.
func (s *site) start() *site {
	s.t.Helper()
	app := s.fw.Open(s.t, s.app)
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(r.Header.Get("X-Visit"))
		defer close(v.done)
		w.Header().Set(before, "kept")
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		defer func() { v.form = r.MultipartForm }()
		app.ServeHTTP(w, r)
	}))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of panics, which are meant
	if s.http2 {
		s.server.EnableHTTP2 = true
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	s.t.Cleanup(func() {
		s.server.CloseClientConnections() // whatever a failed test has left
		s.server.Close()
	})
	s.client = s.server.Client()
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// visit returns the visit of a number, which client and server agree on.
func (s *site) visit(number string) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number == "" {
		number = strconv.Itoa(len(s.visits))
	}
	v := s.visits[number]
	if v == nil {
		v = &visit{done: make(chan struct{})}
		s.visits[number] = v
	}
	return v
}

// nextVisit numbers a request.
func (s *site) nextVisit() (string, *visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := strconv.Itoa(len(s.visits))
	v := &visit{done: make(chan struct{})}
	s.visits[number] = v
	return number, v
}

// wantSent checks that the framework knows which status it sent.
func (s *site) wantSent(v *visit, status int) {
	s.t.Helper()
	<-v.done
	if s.fw.NoStatus {
		return
	}
	if v.called != 1 || v.sent != status {
		s.t.Fatalf("the framework says %d times that it sent %d, want once %d", v.called, v.sent, status)
	}
}

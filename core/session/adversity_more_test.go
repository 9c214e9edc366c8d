package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// who adds the user to each log line, as applications do.
type who struct{ slog.Handler }

func (h who) Handle(ctx context.Context, r slog.Record) error {
	if s, ok := session.Lookup(ctx); ok {
		r.AddAttrs(slog.String("user", s.Principal()))
	}
	return h.Handler.Handle(ctx, r)
}

func TestALoggerMayAskForTheSession(t *testing.T) {
	m := session.Must(session.New(session.Options{Store: newR(), Logger: slog.New(who{slog.NewTextHandler(io.Discard, nil)})}))
	forged := []*http.Cookie{{Name: "__Host-session", Value: strings.Repeat("A", 43)}}
	rdo(m, forged, rses(func(s *session.Session) { s.Principal() })) // an unknown token is logged, while it is being loaded
}

func TestASavedRenewalReachesTheBrowserAlsoAfterAPanic(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c[0])
	func() {
		defer func() {
			if recover() != nil {
				w.WriteHeader(500) // chi's middleware.Recoverer
			}
		}()
		m.Handler(http.HandlerFunc(rses(func(s *session.Session) {
			s.Renew()
			if err := s.Save(context.Background()); err != nil {
				t.Fatal(err)
			}
			panic("later")
		}))).ServeHTTP(w, r)
	}()
	var user string
	rdo(m, c, rses(func(s *session.Session) { user = s.Principal() }))
	if len(w.Result().Cookies()) == 0 && user == "" {
		t.Errorf("status %d without the new cookie: signed out", w.Code)
	}
}

func TestAClientThatGoesAwayDuringALoginLeavesOneSession(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	ctx, cancel := context.WithCancel(context.Background())
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	r.AddCookie(c[0])
	m.Handler(http.HandlerFunc(rses(func(s *session.Session) {
		s.Login("alice")
		on(&st.update, func() error { st.update.Store(nil); cancel(); return ctx.Err() })
	}))).ServeHTTP(w, r)
	l, _ := m.List(context.Background(), "alice")
	var user string
	rdo(m, c, rses(func(s *session.Session) { user = s.Principal() }))
	if len(l) > 1 {
		t.Errorf("alice's device list has %d sessions for one browser; the old token sees %q", len(l), user)
	}
}

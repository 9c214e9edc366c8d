package adaptertest_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/adaptertest"
	"github.com/seshat-go/seshat/core/session"
)

func TestNetHTTPKeepsThePromises(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{Open: openNetHTTP, NoStatus: true})
}

func openNetHTTP(_ *testing.T, app adaptertest.App) http.Handler {
	mux := http.NewServeMux()
	for path, h := range app.Routes {
		switch {
		case strings.HasPrefix(path, adaptertest.GroupPath):
			mux.Handle(path, install(app.Group, h))
		case strings.HasPrefix(path, adaptertest.FreshPath):
			mux.Handle(path, session.RequireFresh(app.Fresh)(h))
		default:
			mux.Handle(path, h)
		}
	}
	if app.RecoverInside {
		return install(app.Managers, recovery(mux))
	}
	return recovery(install(app.Managers, mux))
}

func install(managers []*session.Manager, h http.Handler) http.Handler {
	for _, m := range slices.Backward(managers) {
		h = m.Handler(h)
	}
	return h
}

func recovery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if cause := recover(); cause == http.ErrAbortHandler {
				panic(cause)
			} else if cause != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func TestAfterARefusedHijackTheSessionCanStillGetItsCookie(t *testing.T) {
	m := session.Must(session.New(session.Options{Insecure: true, Logger: slog.New(slog.DiscardHandler)}))
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack returned %v, want ErrNotSupported", err)
		}
		session.From(r.Context()).Login("alice")
		w.WriteHeader(http.StatusNoContent)
	}))
	w := httptest.NewRecorder() // cannot be hijacked
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 204 || len(w.Result().Cookies()) != 1 {
		t.Fatalf("got %d with cookies %v, want 204 with one", w.Code, w.Result().Cookies())
	}
}

package chisession_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/seshat-go/seshat/adapters/chisession"
	"github.com/seshat-go/seshat/core/adaptertest"
	"github.com/seshat-go/seshat/core/session"
)

func TestChiKeepsThePromises(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{Open: open, Copies: true})
}

func open(_ *testing.T, app adaptertest.App) http.Handler {
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, middleware.WithLogEntry(r, silent{}))
			status := ww.Status()
			if status == 0 {
				status = http.StatusOK // which net/http sends
			}
			app.Sent(r, status)
		})
	})
	if !app.RecoverInside {
		r.Use(middleware.Recoverer)
	}
	install(r, app.Managers)
	if app.RecoverInside {
		r.Use(middleware.Recoverer)
	}
	r.Route(strings.TrimSuffix(adaptertest.GroupPath, "/"), func(group chi.Router) {
		install(group, app.Group)
		for path, h := range app.Routes {
			if in, ok := strings.CutPrefix(path, adaptertest.GroupPath); ok {
				group.HandleFunc("/"+in, h)
			}
		}
	})
	for path, h := range app.Routes {
		switch {
		case strings.HasPrefix(path, adaptertest.FreshPath):
			r.With(chisession.RequireFresh(app.Fresh)).HandleFunc(path, h)
		case !strings.HasPrefix(path, adaptertest.GroupPath):
			r.HandleFunc(path, h)
		}
	}
	return r
}

func install(r chi.Router, managers []*session.Manager) {
	for _, m := range managers {
		r.Use(chisession.New(m))
	}
}

// silent keeps the stack of a panic, which is meant, out of the tests' output.
type silent struct{}

func (silent) Write(int, int, http.Header, time.Duration, any) {}
func (silent) Panic(any, []byte)                               {}

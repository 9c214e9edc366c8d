package adaptertest_test

import (
	"net/http"
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
		if strings.HasPrefix(path, adaptertest.GroupPath) {
			mux.Handle(path, install(app.Group, h))
		} else {
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

package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testContexts shows that the request's context is still the caller's.
func testContexts(t *testing.T, fw Framework) {
	t.Run("values from outside are there", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/value", func(w http.ResponseWriter, r *http.Request) {
			_, ok := r.Context().Value(visitKey{}).(*visit)
			_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
			_, _ = fmt.Fprint(w, ok, server)
		})
		s.start().browser().get("/value").want(200, "true true")
	})
	t.Run("a client that leaves cancels it", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		running, cancelled := make(chan struct{}), make(chan error, 1)
		s.handle("/wait", func(_ http.ResponseWriter, r *http.Request) {
			session.From(r.Context()).Principal()
			close(running)
			<-r.Context().Done()
			cancelled <- context.Cause(r.Context())
		})
		b := s.start().browser()
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			<-running
			leave()
		}()
		if resp, _, err := b.try(b.request(ctx, http.MethodGet, "/wait", nil)); err == nil {
			_ = resp.Body.Close()
			t.Fatal("the request that was cancelled succeeded")
		}
		if err := <-cancelled; err == nil {
			t.Fatal("the handler's context was not cancelled")
		}
	})
	t.Run("a client that leaves does not undo what was flushed", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/stream", visited(func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			Visit(r.Context()) // saved all the same
		}))
		b := s.start().browser()
		b.get("/visit")
		ctx, leave := context.WithCancel(t.Context())
		resp, v := b.open(b.request(ctx, http.MethodGet, "/stream", nil))
		leave()
		_ = resp.Body.Close()
		<-v.done
		b.get("/show").want(200, ":3")
	})
}

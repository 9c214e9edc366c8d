package adaptertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// testParallel shows that parallel requests of one session keep each other's
// changes.
func testParallel(t *testing.T, fw Framework) {
	const parallel = 64
	t.Run("each of them counts", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		var loaded atomic.Int32
		all := make(gate) // have loaded the same version before the first one writes
		s.handle("/count", func(w http.ResponseWriter, r *http.Request) {
			visits.Get(session.From(r.Context()))
			if loaded.Add(1) == parallel {
				close(all)
			}
			all.wait(r)
			Visit(r.Context())
			_, _ = io.WriteString(w, "counted")
		})
		b := s.start().browser()
		b.get("/login")
		answers := make([]*answer, parallel)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var clients sync.WaitGroup
		for i := range answers {
			clients.Go(func() {
				resp, v, err := b.try(b.request(ctx, http.MethodGet, "/count", nil))
				if err != nil {
					t.Error(err)
					stop() // the others would wait for this one
					return
				}
				answers[i] = b.read(resp, v)
			})
		}
		clients.Wait()
		for _, a := range answers {
			if a != nil {
				a.want(200, "counted").wantCookies()
			}
		}
		b.get("/show").want(200, fmt.Sprintf("alice:%d", parallel))
	})
	t.Run("browsers do not meet", func(t *testing.T) {
		s := withVisits(newSite(t, fw)).start()
		var clients sync.WaitGroup
		for range parallel {
			clients.Go(func() {
				b := s.browser()
				for range 3 {
					resp, v, err := b.try(b.request(t.Context(), http.MethodGet, "/visit", nil))
					if err != nil {
						t.Error(err)
						return
					}
					b.read(resp, v)
				}
				resp, v, err := b.try(b.request(t.Context(), http.MethodGet, "/show", nil))
				if err != nil {
					t.Error(err)
				} else if a := b.read(resp, v); a.body != ":3" {
					t.Errorf("got %q, want %q", a.body, ":3")
				}
			})
		}
		clients.Wait()
		s.store.wantRecords(t, parallel)
	})
}

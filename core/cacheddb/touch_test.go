package cacheddb_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// hung is a database that stops answering.
type hung struct {
	*session.MemoryStore
	down    atomic.Bool
	touches atomic.Int32
}

func (h *hung) wait(ctx context.Context) error {
	if h.down.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (h *hung) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := h.wait(ctx); err != nil {
		return session.Record{}, err
	}
	return h.MemoryStore.Load(ctx, id)
}

func (h *hung) Touch(ctx context.Context, id session.ID, seen, expires time.Time, v uint64) error {
	h.touches.Add(1)
	if err := h.wait(ctx); err != nil {
		return err
	}
	return h.MemoryStore.Touch(ctx, id, seen, expires, v)
}

func TestReadsDoNotEachWaitForTheirTouchWhileTheDatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		truth := &hung{MemoryStore: session.NewMemoryStore(session.MemoryOptions{})}
		events := session.SlogEvents(slog.New(slog.DiscardHandler))
		store := cacheddb.New(session.NewMemoryStore(session.MemoryOptions{}), truth, cacheddb.Options{Events: events})
		m := session.Must(session.New(session.Options{Store: store, TouchInterval: time.Millisecond, Events: events}))
		visit := func(cookies []*http.Cookie, f func(*session.Session)) *http.Response {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(session.From(r.Context())) })).ServeHTTP(w, r)
			return w.Result()
		}
		read := func(s *session.Session) { s.Principal() }
		cookies := visit(nil, func(s *session.Session) { s.Login("alice") }).Cookies()
		visit(cookies, read)
		time.Sleep(5 * time.Millisecond) // a touch is due at each read from now on
		truth.down.Store(true)
		truth.touches.Store(0)
		for range 5 {
			if r := visit(cookies, read); r.StatusCode != http.StatusOK {
				t.Errorf("a read answers %d", r.StatusCode)
			}
		}
		if n := truth.touches.Load(); n != 1 {
			t.Errorf("%d reads waited for a touch, want 1", n)
		}
	})
}

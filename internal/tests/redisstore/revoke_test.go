package redisstore_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// pipeHook runs before once, before the next pipeline (the heads of List).
type pipeHook struct{ before atomic.Pointer[func()] }

func (h *pipeHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *pipeHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (h *pipeHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if f := h.before.Swap(nil); f != nil {
			(*f)()
		}
		return next(ctx, cmds)
	}
}

func TestRevokeAllFindsASessionThatIsRenewedWhileItIsListed(t *testing.T) {
	rdb := single(t)
	p := prefix()
	writer := redisstore.New(rdb, redisstore.Options{Prefix: p})
	other := redis.NewClient(rdb.Options())
	t.Cleanup(func() { _ = other.Close() })
	hook := &pipeHook{}
	other.AddHook(hook)
	must(t, other.Ping(t.Context()).Err()) // the first connection is made by a pipeline too
	m := session.Must(session.New(session.Options{Store: writer, Logger: slog.New(slog.DiscardHandler)}))
	admin := session.Must(session.New(session.Options{Store: redisstore.New(other, redisstore.Options{Prefix: p}), Logger: slog.New(slog.DiscardHandler)}))

	visit := func(cookie *http.Cookie, f func(*session.Session)) *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(session.From(r.Context())) })).ServeHTTP(w, r)
		return w.Result()
	}
	c := visit(nil, func(s *session.Session) { s.Login("alice") }).Cookies()[0]
	renewal := func() { c = visit(c, func(s *session.Session) { s.Renew() }).Cookies()[0] }
	hook.before.Store(&renewal)
	_, err := admin.RevokeAll(t.Context(), "alice")
	must(t, err)
	var who string
	visit(c, func(s *session.Session) { who = s.Principal() })
	if who != "" {
		t.Errorf("after RevokeAll returned, the session is alive: principal %q", who)
	}
}

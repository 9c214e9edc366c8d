package redisstore_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// ending is a hook that ends the goroutine that calls it, while it is on.
type ending struct{ on bool }

func (*ending) DialHook(next redis.DialHook) redis.DialHook { return next }

func (e *ending) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		if e.on {
			runtime.Goexit()
		}
		cmd.SetErr(errors.New("refused"))
		return cmd.Err()
	}
}

func (*ending) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestACallThatAHookEndsIsAnErrorAndNoAnswer: it is not taken for an absent session.
func TestACallThatAHookEndsIsAnErrorAndNoAnswer(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = rdb.Close() }()
	h := &ending{on: true}
	rdb.AddHook(h)
	s := redisstore.New(rdb, redisstore.Options{})
	id := session.ID(strings.Repeat("A", 43))
	for range 40 {
		if _, err := s.Load(t.Context(), id); err == nil || errors.Is(err, session.ErrUndecodable) || errors.Is(err, session.ErrNotFound) {
			t.Fatalf("Load: %v", err)
		}
	}
	if err := s.Delete(t.Context(), id, 1); err == nil {
		t.Error("Delete: nil, although nobody was asked")
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping: nil, although nobody was asked")
	}
	if _, _, err := s.List(t.Context(), "bob", "", 10); err == nil {
		t.Error("List: nothing and nil, although nobody was asked")
	}
	h.on = false
	if _, err := s.Load(t.Context(), id); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("afterwards: %v", err)
	}
}

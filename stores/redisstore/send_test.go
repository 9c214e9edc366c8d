package redisstore

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A pipelineHook is a hook of the application on pipelines.
type pipelineHook func(context.Context, []redis.Cmder) error

func (pipelineHook) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (pipelineHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (h pipelineHook) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return redis.ProcessPipelineHook(h)
}

// TestWhatAHookRefusesIsAnError: a circuit breaker, say. No command of the pipeline is taken
// for one that was answered with nothing.
func TestWhatAHookRefusesIsAnError(t *testing.T) {
	open := errors.New("the circuit breaker is open")
	for name, c := range map[string]struct {
		hook pipelineHook
		want error
	}{
		"it says why":     {func(context.Context, []redis.Cmder) error { return open }, open},
		"it says nothing": {func(context.Context, []redis.Cmder) error { return nil }, errUnsent},
		"it says of one":  {func(_ context.Context, all []redis.Cmder) error { all[0].SetErr(open); return open }, open},
	} {
		t.Run(name, func(t *testing.T) {
			rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
			defer func() { _ = rdb.Close() }()
			rdb.AddHook(c.hook)
			commands := []redis.Cmder{redis.NewStringCmd(t.Context(), "get", "a"), redis.NewIntCmd(t.Context(), "del", "a"), once{redis.NewCmd(t.Context(), "set", "a", "b")}}
			send(t.Context(), rdb, commands)
			for _, cmd := range commands {
				if err := cmd.Err(); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", cmd.Name(), err, c.want)
				}
			}
		})
	}
}

package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/batch"
)

// Lanes for batches, and the commands in one. More lanes make smaller batches.
const (
	batchLanes = 1
	batchMost  = 64
)

// settle is how long a write whose context was cancelled waits for the answer
// that is on its way. A server that is well answers far sooner, nobody is in a
// hurry, and to know what became of a write is worth it. A deadline is kept.
const settle = 500 * time.Millisecond

// newBatcher returns what sends commands through the client, those of parallel callers in one
// pipeline. On Cluster each command goes alone: one to a node that does not answer must
// not keep those to other nodes waiting.
func newBatcher(rdb redis.UniversalClient, limit time.Duration) *batch.Batcher[redis.Cmder] {
	o := batch.Options[redis.Cmder]{Limit: limit, Most: batchMost}
	if c, ok := rdb.(*redis.Client); ok {
		o.Lanes, o.Direct = batchLanes, c.Options().ContextTimeoutEnabled
	}
	o.Send = func(ctx context.Context, commands []redis.Cmder) { send(ctx, rdb, commands) }
	return batch.New(o)
}

// send sends commands in one go. Each has its own error then.
func send(ctx context.Context, rdb redis.UniversalClient, commands []redis.Cmder) {
	if len(commands) == 1 {
		_ = rdb.Process(ctx, commands[0])
		return
	}
	pipe := rdb.Pipeline()
	for _, c := range commands {
		c.SetErr(errUnsent) // until the driver says otherwise
		_ = pipe.Process(ctx, c)
	}
	_, err := pipe.Exec(ctx)
	for _, c := range commands {
		if err != nil && errors.Is(c.Err(), errUnsent) { // a hook refused them all
			c.SetErr(err)
		}
	}
}

// errUnsent is the error of a command of which a hook of the client says nothing.
var errUnsent = errors.New("a hook of the client kept the command back")

// once is a command that the driver sends once, whatever its MaxRetries says: a
// write whose answer is lost may have taken effect, and the engine finds out.
type once struct{ *redis.Cmd }

var _ redis.Cmder = once{}

// NoRetry is what go-redis asks.
func (once) NoRetry() bool { return true }

// Clone keeps the copy such a command too.
func (c once) Clone() redis.Cmder {
	inner, _ := c.Cmd.Clone().(*redis.Cmd)
	return once{inner}
}

// run runs a script in one command, or two where the server does not know it.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...any) (string, error) {
	reply, err := s.eval(ctx, "evalsha", sc.hash, keys, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		return s.eval(ctx, "eval", sc.text, keys, args)
	}
	return reply, err
}

func (s *Store) eval(ctx context.Context, name, script string, keys []string, args []any) (string, error) {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, name, script, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	return s.send(ctx, 3, append(all, args...)...)
}

// send sends a write once. firstKey is the position of its first key.
func (s *Store) send(ctx context.Context, firstKey int8, args ...any) (string, error) {
	cmd := once{redis.NewCmd(ctx, args...)}
	route(cmd, firstKey)
	if err := s.once.Do(ctx, cmd, settle); err != nil {
		return "", err
	}
	return cmd.Text()
}

// repeat sends a command that the driver may repeat.
func (s *Store) repeat(ctx context.Context, cmd redis.Cmder, patience time.Duration) error {
	route(cmd, 1)
	if err := s.repeatable.Do(ctx, cmd, patience); err != nil {
		return err
	}
	return cmd.Err()
}

// route tells a Cluster client what it would otherwise ask a server for, with a
// time limit of its own.
func route(cmd redis.Cmder, firstKey int8) {
	cmd.SetFirstKeyPos(firstKey)
	cmd.SetStepCount(1)
}

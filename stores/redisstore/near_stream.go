package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/redis/go-redis/v9/push"
)

// The stream is the connection on which Redis tells of changes. What it tells
// and the answers to pings come in one order: Redis writes what it has to tell of
// a write into the buffer of the stream before it answers that write. So when a
// ping is answered, all has been heard of every write that was answered before
// the ping was sent.

const (
	leastPause = 20 * time.Millisecond // before the stream is tried again
	mostPause  = time.Second

	mostSilence = 200 * time.Millisecond // between pings
)

// start starts the stream, once.
func (n *near) start() {
	if n.started.Load() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.started.Load() {
		return
	}
	ctx, end := context.WithCancel(context.Background())
	n.end, n.ended = end, make(chan struct{})
	go func() {
		defer close(n.ended)
		n.run(ctx)
	}()
	n.started.Store(true)
}

func (n *near) close() {
	n.mu.Lock()
	n.closed = true
	end, ended := n.end, n.ended
	n.mu.Unlock()
	if end != nil {
		end()
		<-ended
	}
}

// run keeps a stream until ctx ends.
func (n *near) run(ctx context.Context) {
	pause := leastPause
	for ctx.Err() == nil {
		before := n.until.Load()
		err := n.follow(ctx)
		served := n.until.Load() != before
		n.until.Store(never)
		n.forgetAll()
		if ctx.Err() != nil {
			return
		}
		closed := errors.Is(err, redis.ErrClosed)
		err = fmt.Errorf("redisstore: near cache: %w", clean(err))
		n.err.Store(&err)
		if closed { // the application's client, so nobody will load any more
			return
		}
		if served {
			pause = leastPause
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
		}
		pause = min(2*pause, mostPause)
	}
}

// follow is one stream. It returns why it is over.
func (n *near) follow(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	st := &stream{near: n, end: end}
	client := redis.NewClient(st.options(n.store.rdb.(*redis.Client).Options()))
	st.pubsub = client.Subscribe(ctx) // to nothing yet, so it does not connect
	var beside sync.WaitGroup
	defer func() {
		end(nil)
		_ = st.pubsub.Close()
		_ = client.Close()
		beside.Wait()
	}()
	if err := client.RegisterPushNotificationHandler("invalidate", st, true); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = st.pubsub.Close() })()
	if err := st.ping(ctx); err != nil {
		return st.because(ctx, err)
	}
	beside.Go(func() { st.pings(ctx) })
	go st.compares(ctx) // it may hang with the application's client
	// Answers that come late are as good as any; here it is asked whether the
	// other end is there at all.
	patience := max(2*n.o.MaxStale, n.store.options.Timeout)
	for {
		message, err := st.pubsub.ReceiveTimeout(ctx, patience)
		if err != nil {
			return st.because(ctx, err)
		}
		pong, _ := message.(*redis.Pong)
		if pong == nil {
			return errStrange
		}
		var sent, wall int64
		if _, err := fmt.Sscanf(pong.Payload, pingFormat, &sent, &wall); err != nil {
			return errStrange
		}
		n.untilWall.Store(wall + int64(n.o.MaxStale))
		n.until.Store(sent + int64(n.o.MaxStale))
	}
}

var errStrange = errors.New("the server sent what it was not asked for")

// stream is one connection.
type stream struct {
	near   *near
	pubsub *redis.PubSub
	end    context.CancelCauseFunc

	connected bool
	server    string // the run of the server; "" if it does not tell
}

var _ push.NotificationHandler = (*stream)(nil)

// because is why ctx was ended, or else err.
func (st *stream) because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// options are those of the application's client for one connection of its own.
func (st *stream) options(of *redis.Options) *redis.Options {
	o := *of
	limit := st.near.store.options.Timeout
	o.Protocol = 3
	o.PushNotificationProcessor = nil // that of the application is not to hear this
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.ContextTimeoutEnabled = true
	o.ReadTimeout, o.WriteTimeout = limit, limit
	o.MaxRetries, o.DialerRetries = -1, 1
	o.PoolSize, o.PipelinePoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 1, -1, 0, 0, 0
	o.AutoPipelineOptions = nil
	o.OnConnect = func(ctx context.Context, c *redis.Conn) error {
		if of.OnConnect != nil {
			if err := of.OnConnect(ctx, c); err != nil {
				return err
			}
		}
		return st.connect(ctx, c)
	}
	return &o
}

// connect has Redis tell of changes, on one connection only: another one, which
// go-redis makes by itself when the first is bad, has missed some.
func (st *stream) connect(ctx context.Context, c *redis.Conn) error {
	if st.connected {
		return errors.New("the connection was lost")
	}
	st.connected = true
	if err := c.Do(ctx, "hello", 3).Err(); err != nil { // with 2 it would tell nothing, and not say so
		return err
	}
	server, err := runID(ctx, c)
	if err != nil {
		return err
	}
	st.server = server
	return c.Do(ctx, "client", "tracking", "on", "bcast", "prefix", st.near.store.prefix).Err()
}

// pingFormat has the time at which a ping is sent, by both clocks. It comes back.
const pingFormat = "%d %d"

func (st *stream) ping(ctx context.Context) error {
	now := time.Now()
	return st.pubsub.Ping(ctx, fmt.Sprintf(pingFormat, int64(now.Sub(st.near.base)), now.UnixNano()))
}

func (st *stream) pings(ctx context.Context) {
	tick := time.NewTicker(min(st.near.o.MaxStale/4, mostSilence))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := st.ping(ctx); err != nil {
				st.end(err)
				return
			}
		}
	}
}

// compares ends the stream when the application's client asks another server: it
// follows a failover by itself, and the old server may live on. A client that
// gets no answer tells nothing.
func (st *stream) compares(ctx context.Context) {
	tick := time.NewTicker(st.near.o.MaxStale / 2)
	defer tick.Stop()
	for {
		server, err := st.asked(ctx)
		switch {
		case errors.Is(err, redis.ErrClosed):
			st.end(err)
			return
		case err == nil && server != "" && st.server != "" && server != st.server:
			st.end(errors.New("the client asks another server now"))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// asked is the server that the application's client asks; "" if it does not tell.
func (st *stream) asked(ctx context.Context) (server string, err error) {
	defer func() {
		if r := recover(); r != nil { // in a hook of the application, whose own calls meet it too
			err = fmt.Errorf("a hook panicked: %v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, st.near.store.options.Timeout)
	defer cancel()
	return runID(ctx, st.near.store.rdb.(*redis.Client))
}

// HandlePushNotification hears of changed keys; without keys, of all.
func (st *stream) HandlePushNotification(_ context.Context, _ push.NotificationHandlerContext, told []any) error {
	if len(told) == 2 {
		if keys, ok := told[1].([]any); ok {
			for _, key := range keys {
				if text, ok := key.(string); !ok {
					st.near.forgetAll()
				} else if k, ok := st.near.keyOf(text); ok {
					st.near.forget(k)
				}
			}
			return nil
		}
	}
	st.near.forgetAll()
	return nil
}

package redisstore_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// A barrier is a hook that stops commands on their way to the server until it is
// opened, and notes how many went together.
type barrier struct {
	mu    sync.Mutex
	sizes []int
	open  chan struct{}
}

func (b *barrier) stop(n int) {
	b.mu.Lock()
	b.sizes = append(b.sizes, n)
	b.mu.Unlock()
	<-b.open
}

func (b *barrier) reached() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sizes
}

func (b *barrier) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (b *barrier) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" || cmd.Name() == "evalsha" {
			b.stop(1)
		}
		return next(ctx, cmd)
	}
}

func (b *barrier) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "get" || cmds[0].Name() == "evalsha" {
			b.stop(len(cmds))
		}
		return next(ctx, cmds)
	}
}

// behindABarrier returns a store whose commands stop, and sessions in it.
func behindABarrier(t *testing.T, sessions int) (*redisstore.Store, *barrier, []session.ID, session.Record) {
	t.Helper()
	rdb := connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr})
	s := openWith(t, rdb, redisstore.Options{})
	rec := storetest.NewRecord("bob")
	ids := make([]session.ID, sessions)
	for i := range ids {
		ids[i] = storetest.NewID()
		must(t, s.Create(t.Context(), ids[i], rec))
	}
	must(t, s.Update(t.Context(), ids[0], next(rec), 1)) // the server knows the script
	b := &barrier{open: make(chan struct{})}
	rdb.AddHook(b)
	return s, b, ids, rec
}

// TestCommandsOfParallelRequestsGoTogether: those that find both lanes in use go in one
// pipeline, and each caller gets its own answer.
func TestCommandsOfParallelRequestsGoTogether(t *testing.T) {
	s, b, ids, rec := behindABarrier(t, 21)
	var loads sync.WaitGroup
	for i, id := range ids[1:] {
		loads.Go(func() {
			if got, err := s.Load(t.Context(), id); err != nil || got.Version != 1 {
				t.Errorf("load %d: version %d, %v", i, got.Version, err)
			}
		})
	}
	var updates sync.WaitGroup
	for _, version := range []uint64{1, 1, 2, 1, 3, 1, 1, 1, 1, 1} {
		updates.Go(func() {
			changed := next(rec)
			changed.Version = version + 1
			if err := s.Update(t.Context(), ids[0], changed, version); err != nil && !errors.Is(err, session.ErrConflict) {
				t.Errorf("update: %v", err)
			}
		})
	}
	stacks := make([]byte, 1<<20)
	for end := time.Now().Add(20 * time.Second); strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "batch.(*Batcher[...]).Do(") < 30; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not all callers wait")
		}
	}
	close(b.open)
	loads.Wait()
	updates.Wait()
	all := 0
	for _, n := range b.reached() {
		all += n
	}
	if all != 30 || len(b.reached()) > 20 {
		t.Errorf("%d commands went in groups of %v", all, b.reached())
	}
	if got, err := s.Load(t.Context(), ids[0]); err != nil || got.Version < 2 {
		t.Errorf("version %d, %v", got.Version, err)
	}
}

// TestOfCallersInOnePipelineEachKeepsItsOwnDeadline on a server that stands still, where go-redis'
// own pipelines keep all of them.
func TestOfCallersInOnePipelineEachKeepsItsOwnDeadline(t *testing.T) {
	for _, enabled := range []bool{false, true} {
		server := servers.Redis(t)
		rdb := connect(t, &redis.Options{Addr: server.Addr, ReadTimeout: tooLong, WriteTimeout: tooLong, ContextTimeoutEnabled: enabled})
		s := openWith(t, rdb, redisstore.Options{Timeout: tooLong})
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		server.Stop(t)
		var patient, hurried sync.WaitGroup
		for range 10 {
			patient.Go(func() {
				if got, err := s.Load(t.Context(), id); err != nil || got.Version != 1 {
					t.Errorf("a patient load: version %d, %v", got.Version, err)
				}
			})
			hurried.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if _, err := s.Load(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a load with a deadline: %v", err)
				}
			})
		}
		hurried.Wait() // while nothing is answered
		server.Cont(t)
		patient.Wait()
	}
}

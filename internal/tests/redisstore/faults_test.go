package redisstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// calls are all the methods that ask the server.
func calls(s *redisstore.Store, id session.ID) map[string]func(context.Context) error {
	rec := storetest.NewRecord("bob")
	entry := session.Cached{Record: rec}
	return map[string]func(context.Context) error{
		"Load":       func(ctx context.Context) error { _, err := s.Load(ctx, id); return err },
		"Create":     func(ctx context.Context) error { return s.Create(ctx, id, rec) },
		"Update":     func(ctx context.Context) error { return s.Update(ctx, id, next(rec), 1) },
		"Touch":      func(ctx context.Context) error { return s.Touch(ctx, id, rec.LastSeen, rec.Expires, 1) },
		"Delete":     func(ctx context.Context) error { return s.Delete(ctx, id, 1) },
		"List":       func(ctx context.Context) error { _, _, err := s.List(ctx, "bob", "", 1); return err },
		"Scan":       func(ctx context.Context) error { _, _, err := s.Scan(ctx, "", 1); return err },
		"Purge":      func(ctx context.Context) error { _, err := s.Purge(ctx, time.Now(), 1); return err },
		"Ping":       s.Ping,
		"Get":        func(ctx context.Context) error { _, err := s.Get(ctx, id); return err },
		"AddLease":   func(ctx context.Context) error { _, err := s.AddLease(ctx, id, session.Lease{}, time.Hour); return err },
		"Fill":       func(ctx context.Context) error { return s.Fill(ctx, id, session.Lease{}, entry) },
		"Replace":    func(ctx context.Context) error { return s.Replace(ctx, id, entry) },
		"RaiseTimes": func(ctx context.Context) error { return s.RaiseTimes(ctx, id, rec.LastSeen, rec.Expires, 1) },
		"Refresh":    func(ctx context.Context) error { return s.Refresh(ctx, id, entry, entry) },
		"Remove":     func(ctx context.Context) error { return s.Remove(ctx, id) },
	}
}

// The clients in the tests below wait for an hour: a call that returns at all
// was ended by its context or by the store's own time limit.
const tooLong = time.Hour

func TestACallToAFrozenServerEndsWithItsDeadline(t *testing.T) {
	server := servers.Redis(t)
	for _, enabled := range []bool{false, true} {
		rdb := connect(t, &redis.Options{Addr: server.Addr, ReadTimeout: tooLong, WriteTimeout: tooLong, ContextTimeoutEnabled: enabled})
		s := openWith(t, rdb, redisstore.Options{Timeout: tooLong})
		must(t, s.Ping(t.Context()))
		server.Stop(t)
		for name, call := range calls(s, storetest.NewID()) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, ContextTimeoutEnabled %v: got %v", name, enabled, err)
			}
			cancel()
		}
		server.Cont(t)
		must(t, s.Ping(t.Context()))
	}
}

func TestACallToAFrozenServerEndsWithTheTimeLimit(t *testing.T) {
	server := servers.Redis(t)
	for _, enabled := range []bool{false, true} {
		rdb := connect(t, &redis.Options{Addr: server.Addr, ReadTimeout: tooLong, WriteTimeout: tooLong, ContextTimeoutEnabled: enabled})
		s := openWith(t, rdb, redisstore.Options{Timeout: 5 * time.Millisecond})
		server.Stop(t)
		for name, call := range calls(s, storetest.NewID()) {
			if err := call(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, ContextTimeoutEnabled %v: got %v", name, enabled, err)
			}
		}
		server.Cont(t)
	}
}

func TestACallToAFrozenNodeOfAClusterEndsWithItsDeadline(t *testing.T) {
	server := servers.Redis(t)
	for _, enabled := range []bool{false, true} {
		rdb := clusterOf(t, redis.ClusterOptions{ReadTimeout: tooLong, WriteTimeout: tooLong, ContextTimeoutEnabled: enabled}, server.Addr)
		s := openWith(t, rdb, redisstore.Options{Timeout: tooLong})
		server.Stop(t)
		for name, call := range calls(s, storetest.NewID()) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, ContextTimeoutEnabled %v: got %v", name, enabled, err)
			}
			cancel()
		}
		server.Cont(t)
	}
}

// clusterOf returns a Cluster client of one node that need not know that it is one.
func clusterOf(t *testing.T, o redis.ClusterOptions, addr string) *redis.ClusterClient {
	o.ClusterSlots = func(context.Context) ([]redis.ClusterSlot, error) {
		return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: addr}}}}, nil
	}
	c := redis.NewClusterClient(&o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestACancelledCallDoesNotWaitForAFrozenServer(t *testing.T) {
	server := servers.Redis(t)
	rdb := connect(t, &redis.Options{Addr: server.Addr, ReadTimeout: tooLong, WriteTimeout: tooLong})
	s := openWith(t, rdb, redisstore.Options{Timeout: tooLong})
	must(t, s.Ping(t.Context()))
	server.Stop(t)
	defer server.Cont(t)
	for _, name := range []string{"Load", "List", "Get", "Update"} { // the last waits a little
		ctx, cancel := context.WithCancel(t.Context())
		rdb.AddHook(before(cancel))
		if err := calls(s, storetest.NewID())[name](ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
	}
}

// before is a hook that calls a function before each command.
type before func()

func (f before) DialHook(next redis.DialHook) redis.DialHook { return next }
func (f before) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		f()
		return next(context.WithoutCancel(ctx), cmd) // as if it were on its way
	}
}

func (f before) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestAServerThatIsDownIsAnErrorUntilItIsBack(t *testing.T) {
	server := servers.Redis(t)
	rdb := connect(t, &redis.Options{Addr: server.Addr, DialerRetries: 1, MaxRetries: -1})
	s := openWith(t, rdb, redisstore.Options{})
	id := storetest.NewID()
	for name, call := range calls(s, id) {
		// They come in any order, so a delete may meet the version of an update.
		err := call(t.Context())
		if err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrExists) && !errors.Is(err, session.ErrConflict) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	server.Kill(t)
	for name, call := range calls(s, id) {
		err := call(t.Context())
		if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || !strings.HasPrefix(err.Error(), "redisstore: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	server.Restart(t)
	rec := storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	_, err := s.Load(t.Context(), id)
	must(t, err)
}

func TestAFullServerRefusesWritesAndLetsSessionsEnd(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t, "--maxmemory-policy", "noeviction").Addr})
	s := openWith(t, rdb, redisstore.Options{})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	rec.Payload = []byte("secret")
	must(t, s.Create(t.Context(), id, rec))
	must(t, rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())

	for what, err := range map[string]error{
		"create": s.Create(t.Context(), storetest.NewID(), rec),
		"update": s.Update(t.Context(), id, next(rec), 1),
		"touch":  s.Touch(t.Context(), id, rec.LastSeen.Add(time.Second), rec.Expires.Add(time.Second), 1),
	} {
		if !errors.Is(err, session.ErrFull) || !strings.HasPrefix(err.Error(), "redisstore: "+what) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := s.Load(t.Context(), id); err != nil || got.Version != 1 || got.Expires != rec.Expires {
		t.Errorf("Load: version %d, %v", got.Version, err)
	}
	if got := listed(t, s, "bob"); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	must(t, s.Remove(t.Context(), id))
	must(t, s.Delete(t.Context(), id, 1))
	if _, err := s.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

func TestAServerThatHasNoScriptsIsAnErrorWithoutTheValue(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t, "--rename-command", "EVALSHA", "").Addr})
	s := openWith(t, rdb, redisstore.Options{Prefix: "s:"})
	rec := storetest.NewRecord("")
	rec.Device, rec.Payload = session.Device{}, []byte("secret")
	err := s.Create(t.Context(), storetest.NewID(), rec)
	if err == nil || strings.Contains(err.Error(), "args") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestAUserOfRedisNeedsNoMoreThanIsDocumented(t *testing.T) {
	addr := servers.Redis(t).Addr
	admin := connect(t, &redis.Options{Addr: addr})
	rules := "on >pass ~s:* +get +getrange +set +setrange +del +exists +type +pttl +pexpire +zadd +zrem +zrange +zrangebyscore +eval +evalsha +scan +ping +info"
	must(t, admin.ACLSetUser(t.Context(), "app", strings.Fields(rules)...).Err())
	s := openWith(t, connect(t, &redis.Options{Addr: addr, Username: "app", Password: "pass"}), redisstore.Options{Prefix: "s:"})
	must(t, s.Ping(t.Context()))
	warm(t, s)
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	if len(listed(t, s, "bob")) != 1 || len(scanAll(t, s)) != 1 {
		t.Error("the session is not listed or not scanned")
	}
	if n, err := s.Purge(t.Context(), rec.Expires.Add(time.Hour), 10); n != 1 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
}

func TestAReplicaTakesNoWrites(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t).Addr, MaxRetries: -1})
	s := openWith(t, rdb, redisstore.Options{})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	must(t, rdb.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	for what, err := range map[string]error{
		"create": s.Create(t.Context(), storetest.NewID(), rec),
		"update": s.Update(t.Context(), id, next(rec), 1),
		"delete": s.Delete(t.Context(), id, 1),
	} {
		if err == nil || !strings.Contains(err.Error(), "READONLY") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A deafProxy passes commands on. Told to be deaf, it waits for the next answer
// and cuts the connection instead of passing it back, once.
type deafProxy struct {
	addr string
	deaf atomic.Bool
}

func startDeafProxy(t *testing.T, server string) *deafProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p := &deafProxy{addr: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(up, client); _ = up.Close() }()
			go func() {
				defer client.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := up.Read(buf)
					if err != nil || p.deaf.CompareAndSwap(true, false) {
						return
					}
					_, _ = client.Write(buf[:n])
				}
			}()
		}
	}()
	return p
}

// ran is how often the server ran a command from outside of scripts.
func ran(t *testing.T, rdb *redis.Client, command string) int {
	t.Helper()
	info, err := rdb.Info(t.Context(), "commandstats").Result()
	must(t, err)
	_, stats, _ := strings.Cut(info, "cmdstat_"+command+":calls=")
	number, _, _ := strings.Cut(stats, ",")
	n, _ := strconv.Atoi(number)
	return n
}

func TestTheDriverNeverRepeatsAWrite(t *testing.T) {
	server := servers.Redis(t)
	direct := connect(t, &redis.Options{Addr: server.Addr})
	proxy := startDeafProxy(t, server.Addr)
	// Retries are as many as an application may have set, on a plain and on a
	// Cluster client.
	plain := connect(t, &redis.Options{Addr: proxy.addr, MaxRetries: 5, MinRetryBackoff: -1})
	nodes := clusterOf(t, redis.ClusterOptions{MaxRedirects: 5, MaxRetries: 5, MinRetryBackoff: -1}, proxy.addr)
	for name, rdb := range map[string]redis.UniversalClient{"plain": plain, "cluster": nodes} {
		t.Run(name, func(t *testing.T) {
			s := open(t, rdb)
			warm(t, s)
			lost := func(command string, f func() error) (int, error) {
				t.Helper()
				must(t, rdb.Ping(t.Context()).Err()) // so that a connection stands
				before := ran(t, direct, command)
				proxy.deaf.Store(true)
				err := f()
				proxy.deaf.Store(false)
				return ran(t, direct, command) - before, err
			}
			once := func(what, command string, f func() error) {
				t.Helper()
				n, err := lost(command, f)
				if n != 1 {
					t.Errorf("%s: the server ran it %d times", what, n)
				}
				if err == nil || errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrConflict) {
					t.Errorf("%s: the outcome is unknown, but the answer is %v", what, err)
				}
			}
			id, rec := storetest.NewID(), storetest.NewRecord("")
			once("create", "evalsha", func() error { return s.Create(t.Context(), id, rec) })
			once("touch", "evalsha", func() error { return s.Touch(t.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires, 1) })
			once("update", "evalsha", func() error { return s.Update(t.Context(), id, next(rec), 1) })
			got, err := s.Load(t.Context(), id)
			if err != nil || got.Version != 2 || got.LastSeen != rec.LastSeen.Add(time.Minute) {
				t.Errorf("stored is version %d, %v", got.Version, err)
			}
			once("delete", "evalsha", func() error { return s.Delete(t.Context(), id, 2) })
			if _, err := s.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after Delete: %v", err)
			}
			once("login", "evalsha", func() error { return s.Create(t.Context(), id, storetest.NewRecord("bob")) })
			once("lease", "set", func() error { _, err := s.AddLease(t.Context(), id, session.Lease{}, time.Hour); return err })
			if n, err := lost("get", func() error { _, err := s.Load(t.Context(), storetest.NewID()); return err }); n != 2 || !errors.Is(err, session.ErrNotFound) {
				t.Errorf("a read ran %d times (%v): this test shows nothing", n, err)
			}
		})
	}
}

func TestAWalkEndsWhereItsServerWasReplaced(t *testing.T) {
	server := servers.Redis(t)
	rdb := connect(t, &redis.Options{Addr: server.Addr})
	s := openWith(t, rdb, redisstore.Options{})
	for range 100 {
		must(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("")))
	}
	_, after, err := s.Scan(t.Context(), "", 10)
	must(t, err)
	if after == "" {
		t.Fatal("the walk is over after a page of 10")
	}
	server.Kill(t)
	server.Restart(t)
	if _, _, err := s.Scan(t.Context(), after, 10); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

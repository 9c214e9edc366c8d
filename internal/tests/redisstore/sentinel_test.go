package redisstore_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestAStoreFollowsSentinelToTheNextMaster(t *testing.T) {
	master, replica := servers.Redis(t), servers.Redis(t)
	direct := connect(t, &redis.Options{Addr: replica.Addr})
	host, port, err := net.SplitHostPort(master.Addr)
	must(t, err)
	must(t, direct.ReplicaOf(t.Context(), host, port).Err())
	sentinel, addr := startSentinel(t, host, port)
	until(t, func() bool {
		replicas, err := sentinel.Replicas(t.Context(), "main").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	})

	rdb := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: []string{addr}})
	t.Cleanup(func() { _ = rdb.Close() })
	s := openWith(t, rdb, redisstore.Options{})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	must(t, s.Update(t.Context(), id, next(rec), 1))
	must(t, rdb.Wait(t.Context(), 1, 0).Err())

	until(t, func() bool { return sentinel.Failover(t.Context(), "main").Err() == nil })
	until(t, func() bool { return direct.Do(t.Context(), "role").Val().([]any)[0] == "master" })
	master.Kill(t)
	var loaded error
	until(t, func() bool { _, loaded = s.Load(t.Context(), id); return loaded == nil })
	must(t, s.Update(t.Context(), id, next(next(rec)), 2))
	if got := listed(t, s, "bob"); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	must(t, s.Delete(t.Context(), id, 3))
}

// until asks again and again; the time limit of the test run is its own.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		must(t, t.Context().Err())
	}
}

// startSentinel starts a Sentinel that watches a master under the name "main". It
// ends when this process does, whatever ends it: then its shell reads no more.
func startSentinel(t *testing.T, host, port string) (c *redis.SentinelClient, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr = l.Addr().String()
	must(t, l.Close())
	_, own, err := net.SplitHostPort(addr)
	must(t, err)
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\nsentinel monitor main %s %s 1\n", own, host, port), 0o600))
	cmd := exec.Command("sh", "-c", `redis-server "$0" --sentinel >/dev/null & pid=$!; read -r _; kill "$pid"; wait "$pid"`, config)
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	c = redis.NewSentinelClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	until(t, func() bool { return c.Ping(t.Context()).Err() == nil })
	return c, addr
}

package faults

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Redis lists what goes wrong with a Redis server, and on the way to it. What
// is lost depends on whether the server is persistent.
func Redis(r *servers.RedisServer, through ...*servers.Proxy) []Fault {
	killed := Records
	if r.Persistent() {
		killed = Nothing
	}
	list := processes("Redis", r, killed)
	list = append(list, redisData(r)...)
	list = append(list, redisClients(r.Addr)...)
	list = append(list, redisRefusals(r)...)
	return append(list, Network("Redis", through...)...)
}

// redisData lists what happens to the data.
func redisData(r *servers.RedisServer) []Fault {
	var limits map[string]string
	list := []Fault{
		asks("Redis is flushed", r.Addr, Records, flush, nil),
		asks("Redis is full and refuses writes", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			set(t, c, "maxmemory-policy", "noeviction")
			set(t, c, "maxmemory", "1")
		}, func(t testing.TB, c *redis.Client) { set(t, c, "maxmemory", "0") }),
		asks("Redis is full and evicts what was used least recently", r.Addr, Records, func(t testing.TB, c *redis.Client) {
			limits = values(t, c, "maxmemory*")
			evict(t, c)
		}, func(t testing.TB, c *redis.Client) {
			set(t, c, "maxmemory", limits["maxmemory"])
			set(t, c, "maxmemory-policy", limits["maxmemory-policy"])
		}),
		state("Redis is restarted from an older snapshot", Recent, func(t testing.TB) {
			snapshot(t, r.Addr)
			r.Kill(t)
		}, func(t testing.TB) {
			r.Remove(t, servers.Log)
			r.RestartWith(t, "--appendonly", "no")
			r.Remove(t, servers.Snapshot)
			if r.Persistent() {
				goOnLogging(t, r.Addr)
			}
		}),
		asks("Redis forks to save what it has", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			check(t, c.BgSave(context.Background()).Err())
			if r.Persistent() {
				check(t, c.BgRewriteAOF(context.Background()).Err())
			}
		}, func(t testing.TB, c *redis.Client) {
			saved(t, c)
			r.Remove(t, servers.Snapshot)
		}),
	}
	if r.Persistent() {
		list = append(list, state("Redis is restarted empty", Records, func(t testing.TB) {
			r.Kill(t)
			r.Remove(t, servers.Log)
			r.Restart(t)
		}, nil))
	}
	return list
}

func flush(t testing.TB, c *redis.Client) {
	t.Helper()
	check(t, c.FlushAll(context.Background()).Err())
}

// evict takes away half of the room of the data, by the size of some records,
// and returns when some are gone.
func evict(t testing.TB, c *redis.Client) {
	t.Helper()
	const samples = 10
	var sampled int64
	for range samples {
		sampled += c.MemoryUsage(context.Background(), c.RandomKey(context.Background()).Val()).Val()
	}
	data := sampled / samples * c.DBSize(context.Background()).Val()
	before := number(t, c, "stats", "evicted_keys")
	set(t, c, "maxmemory-policy", "allkeys-lru")
	set(t, c, "maxmemory", decimal(number(t, c, "memory", "used_memory")-data/2))
	until(t, "Redis evicts", func() bool {
		return number(t, c, "stats", "evicted_keys") > before || c.DBSize(context.Background()).Val() == 0
	})
}

// snapshot saves what there is and returns when it is older than the data, or
// after a moment if nobody writes.
func snapshot(t testing.TB, addr string) {
	t.Helper()
	c := connect(addr)
	defer closed(c)
	check(t, c.Save(context.Background()).Err())
	for end := time.Now().Add(brief); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if number(t, c, "persistence", "rdb_changes_since_last_save") >= 10 {
			return
		}
	}
}

// goOnLogging makes a server keep what it acknowledges from now on.
func goOnLogging(t testing.TB, addr string) {
	t.Helper()
	c := connect(addr)
	defer closed(c)
	set(t, c, "appendonly", "yes")
	saved(t, c)
}

// saved returns when no child of Redis writes files any more.
func saved(t testing.TB, c *redis.Client) {
	t.Helper()
	until(t, "Redis saves", func() bool {
		for _, name := range []string{"rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"} {
			if number(t, c, "persistence", name) != 0 {
				return false
			}
		}
		return true
	})
}

// redisClients lists what happens to connections.
func redisClients(addr string) []Fault {
	var stop func()
	return []Fault{
		asks("Redis drops all connections", addr, Nothing, drop, nil),
		asks("Redis drops all connections again and again", addr, Nothing, func(t testing.TB, c *redis.Client) {
			drop(t, c)
			stop = repeat(20*time.Millisecond, func() { _ = c.Do(context.Background(), dropAll...).Err() })
		}, func(testing.TB, *redis.Client) { stop() }),
		asks("Redis drops idle connections", addr, Nothing, func(t testing.TB, c *redis.Client) { set(t, c, "timeout", "1") },
			func(t testing.TB, c *redis.Client) { set(t, c, "timeout", "0") }),
		asks("Redis takes no more clients", addr, Nothing, func(t testing.TB, c *redis.Client) {
			set(t, c, "maxclients", "1")
			drop(t, c)
		}, func(t testing.TB, c *redis.Client) { set(t, c, "maxclients", "10000") }),
		asks("Redis asks for a password", addr, Nothing, func(t testing.TB, c *redis.Client) {
			set(t, c, "requirepass", "tea")
			drop(t, c)
		}, func(t testing.TB, c *redis.Client) { set(t, c, "requirepass", "") }),
		asks("Redis lets all commands wait", addr, Nothing, func(t testing.TB, c *redis.Client) {
			check(t, c.Do(context.Background(), "client", "pause", long.Milliseconds(), "all").Err())
		}, func(t testing.TB, c *redis.Client) {
			check(t, c.Ping(context.Background()).Err()) // waits as long
		}),
		asks("Redis lets all writes wait", addr, Nothing, func(t testing.TB, c *redis.Client) {
			check(t, c.Do(context.Background(), "client", "pause", limit.Milliseconds(), "write").Err())
		}, func(t testing.TB, c *redis.Client) {
			check(t, c.Do(context.Background(), "client", "unpause").Err())
		}),
	}
}

var dropAll = []any{"client", "kill", "type", "normal"}

// drop closes all connections but its own.
func drop(t testing.TB, c *redis.Client) {
	t.Helper()
	check(t, c.Do(context.Background(), dropAll...).Err())
}

// redisRefusals lists what Redis says no to.
func redisRefusals(r *servers.RedisServer) []Fault {
	var hung func()
	replica := func(stale string) func(testing.TB, *redis.Client) {
		return func(t testing.TB, c *redis.Client) {
			set(t, c, "replica-serve-stale-data", stale)
			check(t, c.ReplicaOf(context.Background(), "127.0.0.1", "1").Err()) // nobody there
		}
	}
	master := func(t testing.TB, c *redis.Client) {
		check(t, c.ReplicaOf(context.Background(), "no", "one").Err())
		set(t, c, "replica-serve-stale-data", "yes")
	}
	return []Fault{
		asks("Redis is a replica for a while and takes no writes", r.Addr, Nothing, replica("yes"), master),
		asks("Redis is a replica for a while and serves nothing", r.Addr, Nothing, replica("no"), master),
		asks("Redis is busy with a script", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			set(t, c, "lua-time-limit", "10")
			hung = endless(t, r.Addr)
			until(t, "Redis is busy", func() bool {
				err := c.Ping(context.Background()).Err()
				return err != nil && strings.HasPrefix(err.Error(), "BUSY")
			})
		}, func(t testing.TB, c *redis.Client) {
			check(t, c.ScriptKill(context.Background()).Err())
			hung()
			set(t, c, "lua-time-limit", "5000")
		}),
		asks("Redis forgets its scripts", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			check(t, c.ScriptFlush(context.Background()).Err())
		}, nil),
		asks("Redis permits no writes", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			check(t, c.ACLSetUser(context.Background(), "default", "-@write", "-@scripting").Err())
		}, func(t testing.TB, c *redis.Client) {
			check(t, c.ACLSetUser(context.Background(), "default", "+@all").Err())
		}),
		asks("Redis cannot save and refuses writes", r.Addr, Nothing, func(t testing.TB, c *redis.Client) {
			r.Seal(t)
			set(t, c, "save", "3600 100000")
			check(t, c.BgSave(context.Background()).Err())
			until(t, "Redis fails to save", func() bool {
				return strings.Contains(c.Info(context.Background(), "persistence").Val(), "rdb_last_bgsave_status:err")
			})
		}, func(t testing.TB, c *redis.Client) {
			r.Unseal(t)
			set(t, c, "save", "")
		}),
	}
}

// endless runs a script that does not end, and returns what waits for its end.
func endless(t testing.TB, addr string) (wait func()) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, ReadTimeout: -1})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Eval(context.Background(), "while true do end", nil).Err()
	}()
	return func() {
		<-done
		closed(c)
	}
}

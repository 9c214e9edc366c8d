package faults

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Sentinel lists what goes wrong with a Redis master, its replica and its
// Sentinel. Where the replica becomes the master, it need not know the last
// writes.
func Sentinel(s *servers.RedisSentinel) []Fault {
	var paused time.Time
	replaced := func(t testing.TB, old int) {
		t.Helper()
		until(t, "the replica becomes the master", func() bool { return s.Master(t) != old })
	}
	// master is a fault of the server that is the master when it begins. The
	// other one is the master when it is mended, and the old one its replica.
	master := func(name string, inject, mend func(testing.TB, int)) Fault {
		var old int
		return state(name, Recent, func(t testing.TB) {
			old = s.Master(t)
			inject(t, old)
		}, func(t testing.TB) {
			replaced(t, old)
			mend(t, old)
			s.Rejoin(t)
		})
	}
	replica := func(name string, inject, mend func(testing.TB, int)) Fault {
		var other int
		return state(name, Nothing, func(t testing.TB) {
			other = 1 - s.Master(t)
			inject(t, other)
		}, func(t testing.TB) {
			mend(t, other)
			s.Rejoin(t)
		})
	}
	kill := func(t testing.TB, n int) { s.Nodes[n].Kill(t) }
	restart := func(t testing.TB, n int) { s.Nodes[n].Restart(t) }
	stop := func(t testing.TB, n int) { s.Nodes[n].Stop(t) }
	cont := func(t testing.TB, n int) { s.Nodes[n].Cont(t) }
	nothing := func(testing.TB, int) {}
	list := []Fault{
		master("the master is killed", kill, restart),
		master("the master is paused until it is replaced", stop, cont),
		master("the master cannot be reached until it is replaced",
			func(_ testing.TB, n int) { s.Lines[n].Refuse() },
			func(t testing.TB, n int) { s.Lines[n].Heal(t) }),
		master("the master is silent until it is replaced",
			func(_ testing.TB, n int) {
				s.Lines[n].Set(servers.Line{Requests: servers.Lane{Hold: true}, Replies: servers.Lane{Hold: true}})
			},
			func(t testing.TB, n int) { s.Lines[n].Cut(); s.Lines[n].Heal(t) }),
		master("an administrator makes the replica the master", func(t testing.TB, old int) {
			c := redis.NewSentinelClient(&redis.Options{Addr: s.Addr})
			defer func() { _ = c.Close() }()
			until(t, "the Sentinel does as told", func() bool {
				return c.Failover(context.Background(), servers.SentinelMaster).Err() == nil
			})
			replaced(t, old)
		}, nothing),
		replica("all connections to the master are cut",
			func(_ testing.TB, n int) { s.Lines[1-n].Cut() }, nothing),
		replica("the master is flushed", func(t testing.TB, n int) {
			c := connect(s.Nodes[1-n].Addr)
			defer closed(c)
			flush(t, c)
		}, nothing).losing(Records),
		replica("the replica is killed", kill, restart),
		replica("the replica is paused", func(t testing.TB, n int) { stop(t, n); paused = time.Now() }, func(t testing.TB, n int) {
			time.Sleep(time.Until(paused.Add(long))) // the fault itself
			cont(t, n)
		}),
		state("all are killed", Records, func(t testing.TB) {
			s.Watch.Kill(t)
			kill(t, 0)
			kill(t, 1)
		}, func(t testing.TB) {
			restart(t, 0)
			restart(t, 1)
			s.Watch.Restart(t)
			s.Rejoin(t)
		}),
	}
	list = append(list, bad("the servers are far away", servers.Line{
		Requests: servers.Lane{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond},
		Replies:  servers.Lane{Delay: 20 * time.Millisecond, Jitter: 60 * time.Millisecond},
	}, s.Lines[:]...))
	return append(list, processes("the Sentinel", s.Watch, Nothing)...)
}

// losing is f with another loss.
func (f Fault) losing(what Loss) Fault {
	f.Loss = what
	return f
}

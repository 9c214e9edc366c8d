package faults

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Cluster lists what goes wrong with a Redis Cluster. Where a replica takes a
// master's place, it need not know the last writes.
func Cluster(c *servers.ReplicatedCluster) []Fault {
	list := clusterMasters(c)
	list = append(list, clusterReplicas(c)...)
	list = append(list, clusterSlots(c)...)
	list = append(list, clusterLines(c)...)
	return append(list, network("the Cluster", c.Lines)...)
}

// clusterMasters lists what befalls a master. It is replaced by its replica
// before the fault is mended, unless the fault says otherwise.
func clusterMasters(c *servers.ReplicatedCluster) []Fault {
	replaced := func(name string, inject, mend func(testing.TB, int)) Fault {
		var old int
		return state(name, Recent, func(t testing.TB) {
			old = firstMaster(t, c)
			inject(t, old)
		}, func(t testing.TB) {
			until(t, "a replica takes the master's place", func() bool {
				masters := c.Masters(t)
				_, still := masters[old]
				return !still && len(masters) == len(c.Nodes)/2
			})
			mend(t, old)
			c.Settle(t)
		})
	}
	var old []int
	return []Fault{
		replaced("a master is killed and replaced",
			func(t testing.TB, n int) { c.Nodes[n].Kill(t) }, func(t testing.TB, n int) { c.Nodes[n].Restart(t) }),
		replaced("a master is paused and replaced",
			func(t testing.TB, n int) { c.Nodes[n].Stop(t) }, func(t testing.TB, n int) { c.Nodes[n].Cont(t) }),
		state("a master is paused for a moment", Nothing, func(t testing.TB) {
			n := firstMaster(t, c)
			c.Nodes[n].Stop(t)
			time.Sleep(brief) // the fault itself
			c.Nodes[n].Cont(t)
		}, c.Settle),
		state("most masters are paused", Recent, func(t testing.TB) {
			old = old[:0]
			for n := range c.Masters(t) {
				if len(old) < 2 {
					old = append(old, n)
					c.Nodes[n].Stop(t)
				}
			}
		}, func(t testing.TB) {
			for _, n := range old {
				c.Nodes[n].Cont(t)
			}
			c.Settle(t)
		}),
		state("a replica takes its master's place in agreement", Nothing, takeOver(c, ""), c.Settle),
		state("a replica takes its master's place by force", Recent, takeOver(c, "force"), c.Settle),
		state("a master is flushed", Records, func(t testing.TB) {
			r := connect(c.Nodes[firstMaster(t, c)].Addr)
			defer closed(r)
			flush(t, r)
		}, nil),
		full(c),
	}
}

// firstMaster is the first of the nodes that are masters.
func firstMaster(t testing.TB, c *servers.ReplicatedCluster) int {
	t.Helper()
	masters := c.Masters(t)
	for n := range c.Nodes {
		if replica, ok := masters[n]; ok && replica >= 0 {
			return n
		}
	}
	t.Fatal("faults: no master has a replica")
	return 0
}

func takeOver(c *servers.ReplicatedCluster, how string) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		n := firstMaster(t, c)
		r := connect(c.Nodes[c.Masters(t)[n]].Addr)
		defer closed(r)
		order := []any{"cluster", "failover"}
		if how != "" {
			order = append(order, how)
		}
		check(t, r.Do(context.Background(), order...).Err())
		until(t, "the replica is the master", func() bool {
			_, still := c.Masters(t)[n]
			return !still
		})
	}
}

func full(c *servers.ReplicatedCluster) Fault {
	var r *redis.Client
	return state("a master is full and refuses writes", Nothing, func(t testing.TB) {
		r = connect(c.Nodes[firstMaster(t, c)].Addr)
		set(t, r, "maxmemory", "1")
	}, func(t testing.TB) {
		set(t, r, "maxmemory", "0")
		closed(r)
	})
}

// clusterReplicas lists what befalls a replica.
func clusterReplicas(c *servers.ReplicatedCluster) []Fault {
	var n int
	choose := func(t testing.TB) *servers.RedisServer {
		n = c.Masters(t)[firstMaster(t, c)]
		return c.Nodes[n]
	}
	return []Fault{
		state("a replica is killed", Nothing, func(t testing.TB) { choose(t).Kill(t) }, func(t testing.TB) {
			c.Nodes[n].Restart(t)
			c.Settle(t)
		}),
		state("a replica is paused", Nothing, func(t testing.TB) { choose(t).Stop(t) }, func(t testing.TB) {
			c.Nodes[n].Cont(t)
			c.Settle(t)
		}),
	}
}

// clusterLines lists what happens on the way to one master. The other nodes hear
// it all the same, so it is not replaced.
func clusterLines(c *servers.ReplicatedCluster) []Fault {
	line := func(name string, line servers.Line, cut func(*servers.Proxy)) Fault {
		var p *servers.Proxy
		return state(name, Nothing, func(t testing.TB) {
			p = c.Lines[firstMaster(t, c)]
			p.Set(line)
			cut(p)
		}, func(t testing.TB) {
			p.Cut()
			p.Heal(t)
			c.Settle(t)
		})
	}
	none := func(*servers.Proxy) {}
	return []Fault{
		line("a master refuses connections", servers.Line{}, (*servers.Proxy).Refuse),
		line("connections to a master are cut", servers.Line{}, (*servers.Proxy).Cut),
		line("requests to a master are lost in silence", servers.Line{Requests: servers.Lane{Hold: true}}, none),
		line("replies of a master are lost in silence", servers.Line{Replies: servers.Lane{Hold: true}}, none),
	}
}

// clusterSlots lists what happens when slots move.
func clusterSlots(c *servers.ReplicatedCluster) []Fault {
	var m *move
	return []Fault{
		state("slots are on their way between two masters", Nothing, func(t testing.TB) {
			m = beginMove(t, c)
			m.keys(t, 2)
		}, func(t testing.TB) { m.end(t) }),
		state("slots have moved to another master", Nothing, func(t testing.TB) {
			beginMove(t, c).end(t)
		}, nil),
	}
}

// A move is slots on their way from one master to another.
type move struct {
	from, to     *redis.Client
	fromID, toID string
	host, port   string
	slots        []int
}

// movedSlots is how many slots with keys are moved.
const movedSlots = 20

// beginMove marks slots of a master as on their way: both masters send clients
// to and fro for what they do not have.
func beginMove(t testing.TB, c *servers.ReplicatedCluster) *move {
	t.Helper()
	var masters []int
	for n := range c.Masters(t) {
		masters = append(masters, n)
	}
	slices.Sort(masters)
	from, to := masters[0], masters[1]
	host, port := c.Nodes[to].HostPort()
	m := &move{
		from: connect(c.Nodes[from].Addr), to: connect(c.Nodes[to].Addr),
		fromID: c.IDs[from], toID: c.IDs[to], host: host, port: port,
	}
	for range 10 * movedSlots {
		key := m.from.RandomKey(context.Background()).Val()
		slot := int(m.from.ClusterKeySlot(context.Background(), key).Val())
		if key != "" && len(m.slots) < movedSlots && !slices.Contains(m.slots, slot) {
			m.slots = append(m.slots, slot)
		}
	}
	for _, slot := range m.slots {
		check(t, m.to.Do(context.Background(), "cluster", "setslot", slot, "importing", m.fromID).Err())
		check(t, m.from.Do(context.Background(), "cluster", "setslot", slot, "migrating", m.toID).Err())
	}
	return m
}

// keys moves the keys of one in every so many slots.
func (m *move) keys(t testing.TB, every int) {
	t.Helper()
	for i := 0; i < len(m.slots); i += every {
		for {
			keys, err := m.from.ClusterGetKeysInSlot(context.Background(), m.slots[i], 100).Result()
			check(t, err)
			if len(keys) == 0 {
				break
			}
			for _, key := range keys {
				check(t, m.from.Migrate(context.Background(), m.host, m.port, key, 0, 10*time.Second).Err())
			}
		}
	}
}

// end moves what is left and tells all masters.
func (m *move) end(t testing.TB) {
	t.Helper()
	defer closed(m.from)
	defer closed(m.to)
	m.keys(t, 1)
	for _, slot := range m.slots {
		for _, c := range []*redis.Client{m.to, m.from} {
			check(t, c.Do(context.Background(), "cluster", "setslot", slot, "node", m.toID).Err())
		}
	}
}

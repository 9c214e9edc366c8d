package faults

import "github.com/seshat-go/seshat/internal/tests/servers"

// Redis lists what goes wrong with a Redis server, and on the way to it.
func Redis(r *servers.RedisServer, through ...*servers.Proxy) []Fault {
	kept := Records
	if r.Persistent() {
		kept = Nothing
	}
	return append(processes("Redis", r, kept), Network("Redis", through...)...)
}

// Sentinel lists what goes wrong with a Redis master, its replica and its
// Sentinel.
func Sentinel(s *servers.RedisSentinel) []Fault {
	return processes("Sentinel", s.Watch, Nothing)
}

// Cluster lists what goes wrong with a Redis Cluster.
func Cluster(c *servers.ReplicatedCluster) []Fault {
	return Network("a node", c.Lines[0])
}

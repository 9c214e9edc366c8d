package servers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A ReplicatedCluster is a Redis Cluster of three masters, each with a replica
// that takes its place if the others do not hear from it for two seconds.
// Clients and replicas reach each node through a proxy; what the nodes say to
// each other about the cluster does not pass there.
type ReplicatedCluster struct {
	// URL is what redis.ParseClusterURL takes.
	URL string
	// Nodes are the six servers; who is what now, Masters tells.
	Nodes []*RedisServer
	// Lines are the proxies before them, in the same order.
	Lines []*Proxy
	// IDs are the names of the nodes in the cluster, in the same order.
	IDs []string
}

// RedisReplicatedCluster starts a ReplicatedCluster that ends with the test,
// and returns when all slots are served and all replicas follow.
func RedisReplicatedCluster(t testing.TB) *ReplicatedCluster {
	t.Helper()
	return private(t, startReplicatedCluster)
}

func startReplicatedCluster() (_ *ReplicatedCluster, err error) {
	c := &ReplicatedCluster{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.stop())
		}
	}()
	var addrs, names []string
	for range 2 * clusterNodes {
		p, r, err := startBehindProxy("--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
			"--cluster-replica-validity-factor", "0", "--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port")
		if err != nil {
			return nil, err
		}
		c.Lines, c.Nodes = append(c.Lines, p), append(c.Nodes, r)
		addrs, names = append(addrs, r.Addr), append(names, p.Addr)
	}
	if err := join(addrs, names, clusterNodes); err != nil {
		return nil, err
	}
	for i, addr := range addrs {
		id, err := ask(addr, "CLUSTER MYID")
		if err != nil {
			return nil, err
		}
		c.IDs = append(c.IDs, id)
		if i < clusterNodes {
			continue
		}
		if _, err := ask(addr, "CLUSTER REPLICATE "+c.IDs[i-clusterNodes]); err != nil {
			return nil, err
		}
	}
	c.URL = "redis://" + names[0] + "?addr=" + strings.Join(names[1:], "&addr=")
	return c, c.settled()
}

func (c *ReplicatedCluster) stop() error {
	var errs []error
	for i, node := range c.Nodes {
		errs = append(errs, node.stop())
		c.Lines[i].close()
	}
	return errors.Join(errs...)
}

// Masters are the numbers, in Nodes, of the servers that serve slots, each with
// that of its replica, or -1.
func (c *ReplicatedCluster) Masters(t testing.TB) map[int]int {
	t.Helper()
	masters, err := c.masters()
	if err != nil {
		t.Fatal(err)
	}
	return masters
}

// masters asks the first node that answers.
func (c *ReplicatedCluster) masters() (map[int]int, error) {
	var text string
	err := errors.New("servers: no node runs")
	for i := 0; i < len(c.Nodes) && err != nil; i++ {
		if c.Nodes[i].alive() {
			text, err = ask(c.Nodes[i].Addr, "CLUSTER NODES")
		}
	}
	if err != nil {
		return nil, err
	}
	number := make(map[string]int)
	for i, id := range c.IDs {
		number[id] = i
	}
	masters, replicas := make(map[int]int), make(map[int]int)
	for line := range strings.Lines(text) {
		// id address flags master ping pong epoch link slots
		switch f := strings.Fields(line); {
		case len(f) < 8 || strings.Contains(f[2], "fail"):
		case strings.Contains(f[2], "slave"):
			replicas[number[f[3]]] = number[f[0]]
		case len(f) > 8:
			masters[number[f[0]]] = -1
		}
	}
	for master := range masters {
		if replica, ok := replicas[master]; ok {
			masters[master] = replica
		}
	}
	return masters, nil
}

// Settle returns when every node runs, serves or follows, and all nodes agree.
func (c *ReplicatedCluster) Settle(t testing.TB) {
	t.Helper()
	if err := c.settled(); err != nil {
		t.Fatal(err)
	}
}

func (c *ReplicatedCluster) settled() error {
	return await("the Redis Cluster does not settle", func() (bool, string) {
		for _, node := range c.Nodes {
			info, err1 := ask(node.Addr, "CLUSTER INFO")
			nodes, err2 := ask(node.Addr, "CLUSTER NODES")
			role, err3 := ask(node.Addr, "INFO replication")
			if err := errors.Join(err1, err2, err3); err != nil {
				return false, err.Error()
			}
			masters, replicas := strings.Count(nodes, "master -"), strings.Count(nodes, "slave ")
			if !strings.Contains(info, "cluster_state:ok") || masters != clusterNodes || replicas != clusterNodes || strings.Contains(nodes, "fail") ||
				strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up") ||
				strings.Contains(role, "role:master") && !strings.Contains(role, "state=online") {
				return false, fmt.Sprint(info, nodes, role)
			}
		}
		return true, ""
	})
}

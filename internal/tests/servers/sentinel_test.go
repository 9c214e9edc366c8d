package servers

import (
	"testing"
)

func TestASentinelMakesTheReplicaTheMaster(t *testing.T) {
	s := Sentinel(t)
	s.Nodes[0].Kill(t)
	if err := await("no failover", func() (bool, string) { n, err := s.master(); return n == 1 && err == nil, "" }); err != nil {
		t.Fatal(err)
	}
	s.Nodes[0].Restart(t)
	s.Rejoin(t)
	if n := s.Master(t); n != 1 {
		t.Errorf("the master is %d", n)
	}
}

func TestAReplicatedClusterReplacesAMaster(t *testing.T) {
	c := RedisReplicatedCluster(t)
	c.Nodes[0].Kill(t)
	if err := await("no failover", func() (bool, string) {
		m, err := c.masters()
		_, ok := m[3]
		return ok && err == nil, ""
	}); err != nil {
		t.Fatal(err)
	}
	c.Nodes[0].Restart(t)
	c.Settle(t)
	if replica, ok := c.Masters(t)[3]; !ok || replica != 0 {
		t.Errorf("the replica of 3 is %d", replica)
	}
}

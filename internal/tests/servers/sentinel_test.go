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
	if _, err := ask(s.Nodes[0].Addr, "REPLICAOF 127.0.0.1 "+s.Lines[1].port()); err != nil {
		t.Fatal(err)
	}
	s.Settle(t, 1)
}

func TestAReplicatedClusterReplacesAMaster(t *testing.T) {
	c := RedisReplicatedCluster(t)
	t.Log(c.URL, c.Masters(t))
	c.Nodes[0].Kill(t)
	if err := await("no failover", func() (bool, string) {
		m, err := c.masters()
		_, ok := m[3]
		return ok && err == nil, ""
	}); err != nil {
		t.Log(c.masters())
		t.Fatal(err)
	}
	c.Nodes[0].Restart(t)
	c.Settle(t)
	t.Log(c.Masters(t))
}

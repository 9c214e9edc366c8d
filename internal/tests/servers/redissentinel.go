package servers

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// SentinelMaster is the name under which a RedisSentinel knows its master.
const SentinelMaster = "main"

// A RedisSentinel is a Redis master with one replica, and a Sentinel that makes
// the replica the master if it does not hear from it for a second. They and
// their clients reach each of the two through a proxy, so that one can be cut
// off from all of them.
type RedisSentinel struct {
	// URL is what redis.ParseFailoverURL takes.
	URL string
	// Addr is the address of the Sentinel.
	Addr string
	// Nodes are the two servers, the first master first; who is what now, Roles
	// tells.
	Nodes [2]*RedisServer
	// Lines are the proxies before them, in the same order.
	Lines [2]*Proxy
	// Watch is the Sentinel's process.
	Watch Killable
}

// Killable is what a server offers to those who own it; its methods are
// described at Redis.
type Killable interface {
	Kill(t testing.TB)
	Stop(t testing.TB)
	Cont(t testing.TB)
	Restart(t testing.TB)
}

// Sentinel starts a RedisSentinel that ends with the test, and returns when the
// replica follows and the Sentinel knows it.
func Sentinel(t testing.TB) *RedisSentinel {
	t.Helper()
	return private(t, startSentinel)
}

func startSentinel() (_ *RedisSentinel, err error) {
	s := &RedisSentinel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	for i := range s.Nodes {
		if s.Lines[i], s.Nodes[i], err = startBehindProxy("--replica-announce-ip", "127.0.0.1", "--replica-announce-port"); err != nil {
			return nil, err
		}
	}
	if _, err := ask(s.Nodes[1].Addr, "REPLICAOF 127.0.0.1 "+s.Lines[0].port()); err != nil {
		return nil, err
	}
	var unwritten error
	watch, err := launchRedis("+monitor master", func(h home, port int) []string {
		unwritten = h.write("sentinel.conf", strings.Join([]string{
			"port " + strconv.Itoa(port), "bind 127.0.0.1", "dir " + h.Dir,
			"sentinel monitor main 127.0.0.1 " + s.Lines[0].port() + " 1",
			"sentinel down-after-milliseconds main 1000", "sentinel failover-timeout main 4000", "",
		}, "\n"))
		return []string{h.Dir + "/sentinel.conf", "--sentinel"}
	})
	if err := errors.Join(unwritten, err); err != nil {
		return nil, err
	}
	s.Watch, s.Addr = watch, address(watch.port)
	s.URL = "redis://" + s.Addr + "?" + url.Values{"master_name": {SentinelMaster}}.Encode()
	return s, s.settled(0)
}

// startBehindProxy starts a Redis whose last argument is the port of a proxy
// before it, where others shall find it.
func startBehindProxy(args ...string) (*Proxy, *RedisServer, error) {
	p, err := startProxy("")
	if err != nil {
		return nil, nil, err
	}
	offsets := []int(nil)
	if strings.HasPrefix(args[0], "--cluster") {
		offsets = []int{busOffset}
	}
	r, err := startRedis(append(args, p.port(), "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
		"--rdb-del-sync-files", "yes"), offsets...) // a restarted one is empty
	if err != nil {
		p.close()
		return nil, nil, err
	}
	p.lead(r.Addr)
	return p, r, nil
}

func (s *RedisSentinel) stop() error {
	var errs []error
	if watch, ok := s.Watch.(*server); ok {
		errs = append(errs, watch.stop())
	}
	for i, node := range s.Nodes {
		if node != nil {
			errs = append(errs, node.stop())
			s.Lines[i].close()
		}
	}
	return errors.Join(errs...)
}

// Master is the number, in Nodes and Lines, of the server that the Sentinel
// sends clients to; the other one is the replica.
func (s *RedisSentinel) Master(t testing.TB) int {
	t.Helper()
	n, err := s.master()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (s *RedisSentinel) master() (int, error) {
	info, err := ask(s.Addr, "INFO sentinel")
	if err != nil {
		return 0, err
	}
	for i, line := range s.Lines {
		if strings.Contains(info, "address="+line.Addr+",") {
			return i, nil
		}
	}
	return 0, fmt.Errorf("servers: the Sentinel knows another master: %s", info)
}

// Rejoin returns when the server that the Sentinel sends clients to is the
// master, and the other one follows it, which it is told to do: a restarted
// server does not know, and the Sentinel takes its time to tell.
func (s *RedisSentinel) Rejoin(t testing.TB) {
	t.Helper()
	var master int
	err := await("the Sentinel knows no master", func() (bool, string) {
		var err error
		if master, err = s.master(); err != nil {
			return false, err.Error()
		}
		for n, node := range s.Nodes {
			order := "REPLICAOF NO ONE"
			if n != master {
				order = "REPLICAOF 127.0.0.1 " + s.Lines[master].port()
			}
			info, err := ask(node.Addr, "INFO replication")
			if err == nil && strings.Contains(info, "role:master") != (n == master) {
				_, err = ask(node.Addr, order)
			}
			if err != nil {
				return false, err.Error()
			}
		}
		return s.so(master)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *RedisSentinel) settled(master int) error {
	return await("the Sentinel's servers do not settle", func() (bool, string) { return s.so(master) })
}

// so tells whether the given server is the master, the other one follows it,
// and the Sentinel knows.
func (s *RedisSentinel) so(master int) (bool, string) {
	n, err := s.master()
	if err != nil {
		return false, err.Error()
	}
	watch, err1 := ask(s.Addr, "INFO sentinel")
	leader, err2 := ask(s.Nodes[master].Addr, "INFO replication")
	follower, err3 := ask(s.Nodes[1-master].Addr, "INFO replication")
	return n == master && strings.Contains(watch, "status=ok") && strings.Contains(watch, "slaves=1") &&
		strings.Contains(leader, "role:master") && strings.Contains(leader, "state=online") && strings.Contains(follower, "role:slave") &&
		strings.Contains(follower, "master_link_status:up"), fmt.Sprint(watch, leader, follower, err1, err2, err3)
}

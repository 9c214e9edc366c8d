package servers

import (
	"os"
	"slices"
	"strconv"
	"testing"
)

// A RedisServer is a running redis-server. Without "--appendonly", "yes" it
// keeps nothing: a restarted one is empty. With it, what it acknowledged
// survives Kill and Restart, but not a crash of the machine: for speed, nothing
// is synced to disk.
type RedisServer struct {
	Addr string // host:port
	*server
}

// Redis starts a Redis server that ends with the test. Further arguments are
// for redis-server: "--maxmemory", "4mb".
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	return private(t, func() (*RedisServer, error) { return startRedis(args) })
}

// URL is what redis.ParseURL takes.
func (s *RedisServer) URL() string { return "redis://" + s.Addr }

// Through is the URL of the server behind a proxy.
func (s *RedisServer) Through(p *Proxy) string { return "redis://" + p.Addr }

// Persistent tells whether the server keeps what it acknowledged.
func (s *RedisServer) Persistent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := false
	for i, arg := range s.run.Args[1:] {
		if s.run.Args[i] == "--appendonly" {
			kept = arg == "yes"
		}
	}
	return kept
}

// RestartWith is Restart with further arguments, for this time.
func (s *RedisServer) RestartWith(t testing.TB, args ...string) {
	t.Helper()
	s.mu.Lock()
	usual := s.run
	s.run.Args = slices.Concat(usual.Args, args)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.run = usual
	}()
	s.Restart(t)
}

// What a server writes into its folder, for Remove.
const (
	Snapshot = "dump.rdb"
	Log      = "appendonlydir"
)

// Remove removes a Snapshot or a Log, so that the server does not start from it.
func (s *RedisServer) Remove(t testing.TB, name string) {
	t.Helper()
	if err := os.RemoveAll(s.home.Dir + "/" + name); err != nil {
		t.Fatal(err)
	}
}

// Seal makes the folder one in which the server can make no more files; Unseal
// ends that.
func (s *RedisServer) Seal(t testing.TB) { s.chmod(t, 0o500) }

// Unseal ends what Seal began.
func (s *RedisServer) Unseal(t testing.TB) { s.chmod(t, 0o700) }

func (s *RedisServer) chmod(t testing.TB, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(s.home.Dir, mode); err != nil {
		t.Fatal(err)
	}
}

func startRedis(args []string, portOffsets ...int) (*RedisServer, error) {
	s, err := launchRedis("Ready to accept connections", func(h home, port int) []string {
		return append([]string{
			"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", h.Dir,
			"--save", "", "--appendonly", "no", "--appendfsync", "no", "--daemonize", "no", "--loglevel", "notice",
		}, args...)
	}, portOffsets...)
	if err != nil {
		return nil, err
	}
	return &RedisServer{Addr: address(s.port), server: s}, nil
}

// launchRedis starts redis-server with the arguments that build makes for a
// folder and a port.
func launchRedis(ready string, build func(home, int) []string, portOffsets ...int) (*server, error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	h, err := newHome("redis", "redis")
	if err != nil {
		return nil, err
	}
	s, err := launch(h, func() (int, error) { return freePort(portOffsets...) }, func(port int) command {
		return command{Path: program, Args: build(h, port), Home: h, Ready: ready}
	})
	if err != nil {
		h.remove()
	}
	return s, err
}

package servers

import (
	"strconv"
	"testing"
)

// A RedisServer is a running redis-server without persistence: a restarted one
// is empty.
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

func startRedis(args []string, portOffsets ...int) (*RedisServer, error) {
	program, err := find("redis-server", "redis-server")
	if err != nil {
		return nil, err
	}
	h, err := newHome("redis", "redis")
	if err != nil {
		return nil, err
	}
	s, err := launch(h, func() (int, error) { return freePort(portOffsets...) }, func(port int) command {
		return command{
			Path: program,
			Args: append([]string{
				"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", h.Dir,
				"--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "notice",
			}, args...),
			Home:  h,
			Ready: "Ready to accept connections",
		}
	})
	if err != nil {
		h.remove()
		return nil, err
	}
	return &RedisServer{Addr: address(s.port), server: s}, nil
}

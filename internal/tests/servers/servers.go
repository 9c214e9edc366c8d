// Package servers starts private real servers for this repository's tests:
// PostgreSQL, MariaDB, Redis and a Redis Cluster of three nodes, each in a
// temporary folder, on a free port of 127.0.0.1.
//
//	func TestMain(m *testing.M) { servers.Main(m) }
//
//	func TestStore(t *testing.T) {
//		db := servers.SharedPostgres(t) // one per test process; leave it running
//		...
//	}
//
//	func TestStoreIsKilled(t *testing.T) {
//		db := servers.Postgres(t) // this test's own: kill it, stop it, restart it
//		db.Kill(t)
//		...
//	}
//
// Servers are started only if the environment says so (see [Wanted]); without
// it, asking for one skips the test. They never outlive the test process,
// however that ends.
package servers

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Variable is the environment variable that asks for real servers.
const Variable = "SESHAT_TEST_SERVERS"

// Wanted tells whether tests shall run on real servers: SESHAT_TEST_SERVERS is
// 1, as make test sets it.
func Wanted() bool { return os.Getenv(Variable) == "1" }

// NotRun is what a test says that leaves real servers out.
const NotRun = "needs real servers: run make test"

// need skips the test unless real servers are wanted.
func need(t testing.TB) {
	t.Helper()
	if !Wanted() {
		t.Skip(NotRun)
	}
}

// Main runs the tests, stops the shared servers and exits. Each package that
// uses servers calls it from TestMain.
func Main(m *testing.M) {
	if !Wanted() {
		fmt.Println("PostgreSQL, MariaDB and Redis are not tested:", NotRun)
	}
	code := m.Run()
	if err := stopShared(); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = max(code, 1)
	}
	os.Exit(code)
}

// SharedRedis is a Redis server for all tests of the process. Use keys of your
// own and do not disturb it.
func SharedRedis(t testing.TB) *RedisServer { return sharedRedis.get(t) }

// SharedRedisCluster is a Redis Cluster for all tests of the process: the
// addresses of its nodes.
func SharedRedisCluster(t testing.TB) []string {
	t.Helper()
	return sharedCluster.get(t).addrs
}

// SharedPostgres is a PostgreSQL server for all tests of the process. Use
// tables of your own and do not disturb it.
func SharedPostgres(t testing.TB) *SQLServer { return sharedPostgres.get(t) }

// SharedMariaDB is a MariaDB server for all tests of the process. Use tables of
// your own and do not disturb it.
func SharedMariaDB(t testing.TB) *SQLServer { return sharedMariaDB.get(t) }

var (
	sharedRedis    = shared[*RedisServer]{start: func() (*RedisServer, error) { return startRedis(nil) }}
	sharedCluster  = shared[*cluster]{start: startCluster}
	sharedPostgres = shared[*SQLServer]{start: startPostgres}
	sharedMariaDB  = shared[*SQLServer]{start: func() (*SQLServer, error) { return startMariaDB() }}
)

func stopShared() error {
	return errors.Join(sharedRedis.stop(), sharedCluster.stop(), sharedPostgres.stop(), sharedMariaDB.stop())
}

type stopper interface{ stop() error }

// shared starts a server at its first use, once. A failure to start is every
// later user's failure too.
type shared[S stopper] struct {
	start func() (S, error)

	mu      sync.Mutex
	started bool
	server  S
	err     error
}

func (s *shared[S]) get(t testing.TB) S {
	t.Helper()
	need(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.server, s.err = s.start()
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

func (s *shared[S]) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || s.err != nil {
		return nil
	}
	s.started = false
	return s.server.stop()
}

// private starts a server that ends with the test.
func private[S stopper](t testing.TB, start func() (S, error)) S {
	t.Helper()
	need(t)
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

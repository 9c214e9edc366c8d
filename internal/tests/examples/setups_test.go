package examples_test

import (
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// A setup is what a shop runs on.
type setup struct {
	name   string
	keeps  bool // sessions survive the process
	real   bool // needs real servers
	shared bool // right for several processes
	env    func(t testing.TB) []string
}

var setups = []setup{
	{"cached_db on SQLite and memory", true, false, false, engine("cached_db")}, // the default
	{"db on SQLite", true, false, false, engine("db")},
	{"cache in memory", false, false, false, engine("cache")},
	{"memory", false, false, false, engine("memory")},
	{"cached_db on PostgreSQL and Redis", true, true, true, engine("cached_db", postgres, redis)},
	{"cached_db on MariaDB and Redis", true, true, true, engine("cached_db", mariaDB, redis)},
	{"db on PostgreSQL", true, true, true, engine("db", postgres)},
	{"db on MariaDB", true, true, true, engine("db", mariaDB)},
	{"cache in Redis", true, true, true, engine("cache", redis)},
	{"cache in a Redis Cluster", true, true, true, engine("cache", redisCluster)},
}

func engine(name string, on ...func(testing.TB) string) func(testing.TB) []string {
	return func(t testing.TB) []string {
		t.Helper()
		env := []string{"SESSION_ENGINE=" + name}
		for _, server := range on {
			env = append(env, server(t))
		}
		return env
	}
}

func postgres(t testing.TB) string { return "DATABASE_URL=" + servers.SharedPostgres(t).URL }
func mariaDB(t testing.TB) string  { return "DATABASE_URL=" + servers.SharedMariaDB(t).URL }
func redis(t testing.TB) string    { return "REDIS_URL=redis://" + servers.SharedRedis(t).Addr + "/0" }

func redisCluster(t testing.TB) string {
	nodes := servers.SharedRedisCluster(t)
	return "REDIS_URL=redis://" + nodes[0] + "?addr=" + strings.Join(nodes[1:], "&addr=")
}

// needServers leaves out what real servers are needed for.
func needServers(t *testing.T) {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
}

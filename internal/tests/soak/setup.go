package soak

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// idleTimeout makes the shops store the time of use every nine seconds, and
// lets sessions that nobody uses expire while a test runs.
const idleTimeout = 90 * time.Second

// A setup is what the shops keep their sessions in.
type setup struct {
	name   string
	engine string
	tiers  []func(testing.TB, *site)
}

var setups = []setup{
	{"db on PostgreSQL", "db", tiers(onPostgres)},
	{"db on MariaDB", "db", tiers(onMariaDB)},
	{"db on SQLite", "db", tiers(onSQLite)},
	{"cache in Redis", "cache", tiers(inRedis)},
	{"cache in Redis with Sentinel", "cache", tiers(inSentinel)},
	{"cache in Redis Cluster", "cache", tiers(inCluster)},
	{"cached_db on PostgreSQL and Redis", "cached_db", tiers(onPostgres, inRedis)},
	{"cached_db on MariaDB and Redis", "cached_db", tiers(onMariaDB, inRedis)},
}

func tiers(t ...func(testing.TB, *site)) []func(testing.TB, *site) { return t }

// A site is a setup that runs: servers, shops, and the faults that they can have.
type site struct {
	setup
	fleet  *fleet
	op     *operator
	faults []fault

	env      [][]string // of each place
	dsn      string
	redisURL string
	masters  func(testing.TB) string                // who is master, where that can change
	checks   []func() (open, most int, what string) // connections at the servers
}

// A fault is one of the catalogue, and where it strikes.
type fault struct {
	faults.Fault
	Tier  Tier
	ready func(testing.TB) // waits until it can happen; nil if it always can
}

func (s setup) start(t testing.TB, apps []examples.App) *site {
	t.Helper()
	at := &site{setup: s, fleet: &fleet{apps: apps}, env: make([][]string, len(apps))}
	at.have(Shops, at.fleet.faults()...) // first: the processes meet all the others
	for place := range apps {
		at.env[place] = []string{"SESSION_ENGINE=" + s.engine, "SESSION_IDLE_TIMEOUT=" + idleTimeout.String()}
	}
	for _, tier := range s.tiers {
		tier(t, at)
	}
	at.fleet.begin(t, at.env)
	at.op = newOperator(t, s.engine, at.dsn, at.redisURL, idleTimeout)
	return at
}

// have adds faults to those of the site.
func (s *site) have(tier Tier, list ...faults.Fault) {
	for _, f := range list {
		s.faults = append(s.faults, fault{Fault: f, Tier: tier})
	}
}

// set gives the shop at each place a variable of its own.
func (s *site) set(variable string, value func(place int) string) {
	for place := range s.env {
		s.env[place] = append(s.env[place], variable+"="+value(place))
	}
}

// proxies are one for each place.
func (s *site) proxies(t testing.TB, upstream string) []*servers.Proxy {
	t.Helper()
	all := make([]*servers.Proxy, len(s.env))
	for place := range all {
		all[place] = servers.NewProxy(t, upstream)
	}
	return all
}

func onPostgres(t testing.TB, s *site) {
	t.Helper()
	db := servers.Postgres(t)
	through := s.proxies(t, db.Addr)
	s.set("DATABASE_URL", func(place int) string { return db.Through(through[place]) })
	s.dsn = db.DSN
	s.have(Database, faults.Postgres(db, through...)...)
	s.count("connections to PostgreSQL", perShopSQL, through)
}

func onMariaDB(t testing.TB, s *site) {
	t.Helper()
	db := servers.MariaDB(t)
	through := s.proxies(t, db.Addr)
	s.set("DATABASE_URL", func(place int) string { return db.Through(through[place]) })
	s.dsn = db.DSN
	s.have(Database, faults.MariaDB(db, through...)...)
	s.count("connections to MariaDB", perShopSQL, through)
}

func onSQLite(t testing.TB, s *site) {
	t.Helper()
	s.dsn = filepath.Join(t.TempDir(), "shop.db")
	s.set("DATABASE_URL", func(int) string { return "sqlite:" + s.dsn })
	s.have(Database, faults.SQLite(s.dsn)...)
}

func inRedis(t testing.TB, s *site) {
	t.Helper()
	r := servers.Redis(t, "--appendonly", "yes")
	through := s.proxies(t, r.Addr)
	s.redisURL = "redis://" + r.Addr
	s.set("REDIS_URL", func(place int) string { return "redis://" + through[place].Addr })
	s.have(Cache, faults.Redis(r, through...)...)
	s.count("connections to Redis", 10*runtime.GOMAXPROCS(0)+spare, through)
}

func inSentinel(t testing.TB, s *site) {
	t.Helper()
	r := servers.Sentinel(t)
	s.redisURL = r.URL
	s.set("REDIS_URL", func(int) string { return r.URL })
	s.have(Cache, faults.Sentinel(r)...)
	s.masters = func(t testing.TB) string { return fmt.Sprint(r.Master(t)) }
	for i := range s.faults {
		if s.faults[i].Tier == Cache {
			s.faults[i].ready = func(t testing.TB) { awake(t, r.Addr) }
		}
	}
}

// awake waits until a Sentinel acts. For half a minute after it was paused it
// only looks on (TILT), and a replica that has lost its master for so long is
// not chosen afterwards.
func awake(t testing.TB, addr string) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		info, err := c.Info(context.Background(), "sentinel").Result()
		if err == nil && strings.Contains(info, "sentinel_tilt:0") {
			return
		}
	}
	t.Fatal("the Sentinel does not act")
}

func inCluster(t testing.TB, s *site) {
	t.Helper()
	c := servers.RedisReplicatedCluster(t)
	s.redisURL = c.URL
	s.set("REDIS_URL", func(int) string { return c.URL })
	s.have(Cache, faults.Cluster(c)...)
	s.masters = func(t testing.TB) string { return fmt.Sprint(slices.Sorted(maps.Keys(c.Masters(t)))) }
}

// The sizes of the pools: of the shops' database, and of go-redis with some
// connections to spare for one that is being made.
const (
	perShopSQL = 20
	spare      = 5
)

// count has the connections of each place looked at in the end.
func (s *site) count(what string, most int, through []*servers.Proxy) {
	for place, p := range through {
		s.checks = append(s.checks, func() (int, int, string) {
			return p.Connections(), most, fmt.Sprintf("%s of place %d", what, place)
		})
	}
}

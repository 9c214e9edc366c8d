package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

type finding struct{ Check, Severity, Where, Found, Means, Do string }

type diagnosis struct {
	Checked           []string
	Findings, Ignored []finding
	failing
}

// careful are settings with which the policy leaves nothing to say.
var careful = []string{"SESSION_EXPIRE_AT_BROWSER_CLOSE=True", "SESSION_IDLE_TIMEOUT=1h"}

// examine returns the findings, each by its name, and fails the test unless the
// exit status fits them.
func (b tool) examine(t *testing.T, env []string, args ...string) map[string]finding {
	t.Helper()
	var d diagnosis
	status := b.json(t, &d, slices.Concat(careful, env), append([]string{"doctor"}, args...)...)
	found, want := map[string]finding{}, 0
	for _, f := range d.Findings {
		found[f.Check] = f
		if f.Severity != "note" {
			want = 3
		}
		if f.Where == "" || f.Found == "" || f.Means == "" || f.Do == "" {
			t.Errorf("a finding does not say all: %+v", f)
		}
	}
	if status != want || (d.Error != nil) != (want == 3) {
		t.Errorf("status %d with %+v", status, d)
	}
	return found
}

// finds makes sure that a mistake is found, alone or among others that come of it.
func (b tool) finds(t *testing.T, check, severity string, env []string, args ...string) {
	t.Helper()
	found := b.examine(t, env, args...)
	if found[check].Severity != severity {
		t.Errorf("%s is not found as a %s, but %v", check, severity, found)
	}
}

// clean fails the test if there is any finding.
func (b tool) clean(t *testing.T, env []string, args ...string) {
	t.Helper()
	if found := b.examine(t, env, args...); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

// unsynced is left out on the PostgreSQL of these tests, which is not synced, for
// speed; that it is found, doctorPostgres tells.
var unsynced = []string{"--ignore", "postgres.fsync"}

// goodRedis is one that may keep sessions alone.
func goodRedis(t *testing.T, args ...string) *servers.RedisServer {
	return servers.Redis(t, append([]string{"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory", "100mb"}, args...)...)
}

func doctorClean(t *testing.T, seshat tool) {
	env := sqliteEnv(t)
	seshat.ok(t, env, "migrate")
	seshat.clean(t, env)
	if text := seshat.ok(t, append(env, careful...), "doctor"); !strings.Contains(text, "Nothing to complain of") {
		t.Errorf("it says\n%s", text)
	}
	needServers(t)
	for engine, env := range engines(t) {
		env = append(env, "REDIS_URL="+goodRedis(t).URL())
		seshat.ok(t, env, "migrate")
		_, cookie := openSite(t, env...).visit("alice")
		if cookie == "" {
			t.Fatal("nobody visits")
		}
		if engine == "db" {
			env = append(env, "REDIS_URL=")
		}
		seshat.clean(t, env, unsynced...)
	}
}

func doctorSettings(t *testing.T, seshat tool) {
	t.Parallel() // it mostly waits
	db := sqliteEnv(t)
	seshat.ok(t, db, "migrate")
	for _, c := range []struct{ check, severity, env string }{
		{"settings.unknown", "warning", "SESSION_COKIE_SECURE=True"},
		{"settings.invalid", "problem", "SESSION_ENGINE=redis"},
		{"settings.invalid", "problem", "SESSION_COOKIE_AGE=soon"},
		{"settings.invalid", "problem", "REDIS_URL=redis://redis.invalid/shop"},
		{"engine.memory", "problem", "SESSION_ENGINE=memory"},
		{"engine.memory", "problem", "SESSION_ENGINE=cache"},
		{"engine.cache", "warning", "SESSION_ENGINE=cached_db"},
		{"engine.unused", "note", "REDIS_URL=redis://127.0.0.1:1"},
		{"cookie.insecure", "problem", "SESSION_COOKIE_SECURE=False"},
		{"cookie.scripts", "problem", "SESSION_COOKIE_HTTPONLY=False"},
		{"cookie.samesite", "warning", "SESSION_COOKIE_SAMESITE=None"},
		{"cookie.domain", "warning", "SESSION_COOKIE_DOMAIN=shop.example"},
		{"cookie.persistent", "note", "SESSION_EXPIRE_AT_BROWSER_CLOSE=False"},
		{"redis.password", "warning", "SESSION_ENGINE=cache REDIS_URL=redis://redis.invalid"},
		{"network.plain", "note", "SESSION_ENGINE=cache REDIS_URL=redis://redis.invalid"},
	} {
		seshat.finds(t, c.check, c.severity, slices.Concat(db, strings.Fields(c.env)))
	}
	insecure := append(db, "SESSION_COOKIE_DOMAIN=shop.example")
	if found := seshat.examine(t, insecure, "--ignore", "cookie.domain", "--ignore", "cookie.prefix"); len(found) > 0 {
		t.Errorf("what is ignored is found: %v", found)
	}
	if a := seshat.run(t, append(insecure, careful...), "doctor", "--fail-on", "problem"); a.status != 0 || !strings.Contains(a.stdout, "cookie.domain") {
		t.Errorf("--fail-on problem: status %d\n%s", a.status, a.stdout)
	}
	path := filepath.Join(t.TempDir(), "open.db")
	env := []string{"DATABASE_URL=sqlite:" + path}
	seshat.ok(t, env, "migrate")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	seshat.finds(t, "sqlite.readable", "warning", env)
}

func doctorUnreachable(t *testing.T, seshat tool) {
	t.Parallel() // it mostly waits
	const nobody = "127.0.0.1:1"
	seshat.finds(t, "database.unreachable", "problem", []string{"DATABASE_URL=postgres://u@" + nobody + "/db"})
	seshat.finds(t, "database.unreachable", "problem", []string{"DATABASE_URL=sqlite:none.db"})
	seshat.finds(t, "redis.unreachable", "problem", []string{"SESSION_ENGINE=cache", "REDIS_URL=redis://" + nobody})
	both := seshat.examine(t, []string{"SESSION_ENGINE=cached_db", "DATABASE_URL=mysql://u@" + nobody + "/db", "REDIS_URL=redis://" + nobody})
	if len(both) != 2 {
		t.Errorf("of two that cannot be reached it finds %v", both)
	}
}

func doctorRedis(t *testing.T, seshat tool) {
	needServers(t)
	server := goodRedis(t)
	env := []string{"SESSION_ENGINE=cache", "REDIS_URL=" + server.URL()}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer rdb.Close()
	set := func(name, value string) {
		t.Helper()
		if err := rdb.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	seshat.clean(t, env)
	for _, c := range []struct{ check, severity, name, wrong, right string }{
		{"redis.eviction", "problem", "maxmemory-policy", "allkeys-lru", "noeviction"},
		{"redis.eviction", "problem", "maxmemory-policy", "volatile-ttl", "noeviction"},
		{"redis.maxmemory", "warning", "maxmemory", "0", "100mb"},
		{"redis.persistence", "problem", "appendonly", "no", "yes"},
		{"redis.fsync", "warning", "appendfsync", "no", "everysec"},
	} {
		set(c.name, c.wrong)
		seshat.finds(t, c.check, c.severity, env)
		set(c.name, c.right)
	}
	set("appendonly", "no")
	set("save", "3600 1")
	seshat.finds(t, "redis.persistence", "warning", env)
	set("appendonly", "yes")

	used, err := rdb.InfoMap(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	if _, err := fmt.Sscan(used["Memory"]["used_memory"], &bytes); err != nil {
		t.Fatal(err)
	}
	set("maxmemory", fmt.Sprint(bytes+bytes/20))
	seshat.finds(t, "redis.full", "warning", env)
	set("maxmemory", "100mb")

	_, cookie := openSite(t, env...).visit("alice")
	keys := rdb.Keys(t.Context(), "sessions:*").Val()
	if cookie == "" || len(keys) == 0 {
		t.Fatal("nobody visits")
	}
	seshat.clean(t, env)
	rdb.Persist(t.Context(), keys[0])
	seshat.finds(t, "redis.ttl", "warning", env)
	doctorRestricted(t, seshat, rdb)
	rdb.FlushAll(t.Context())

	// Under cached_db, where Redis is only a cache, most of that is no mistake.
	cached := append(sqliteEnv(t), "SESSION_ENGINE=cached_db", "REDIS_URL="+server.URL())
	seshat.ok(t, cached, "migrate")
	set("maxmemory-policy", "allkeys-lru")
	set("appendonly", "no")
	seshat.clean(t, cached)

	doctorReplica(t, seshat, rdb, env)
}

// doctorRestricted: who may not ask for INFO and CONFIG still asks the rest.
func doctorRestricted(t *testing.T, seshat tool, rdb *redis.Client) {
	if err := rdb.Do(t.Context(), "ACL", "SETUSER", "shop", "on", ">p", "~sessions:*", "+@all", "-@dangerous").Err(); err != nil {
		t.Fatal(err)
	}
	env := append(sqliteEnv(t), "REDIS_URL=redis://shop:p@"+rdb.Options().Addr)
	seshat.ok(t, env, "migrate")
	for engine, severity := range map[string]string{"cache": "warning", "cached_db": "note"} {
		found := seshat.examine(t, append(env, "SESSION_ENGINE="+engine))
		if len(found) != 3 || found["redis.info"].Severity != severity || found["redis.config"].Severity != "note" || found["redis.ttl"].Severity != "warning" {
			t.Errorf("as a restricted user under %s, found %v", engine, found)
		}
	}
}

func onCluster(t *testing.T, seshat tool) {
	needServers(t)
	addrs := servers.SharedRedisCluster(t)
	env := append(apart(), "SESSION_ENGINE=cache", "REDIS_URL=redis://"+addrs[0]+"?addr="+addrs[1])
	s := openSite(t, env...)
	for range 12 { // on every server
		s.visit("alice")
	}
	var st stats
	if seshat.json(t, &st, env, "stats"); st.Live != 12 || st.Tiers[0].Records != 12 {
		t.Errorf("counted %+v", st)
	}
	var d diagnosis
	seshat.json(t, &d, env, "doctor")
	where := map[string]bool{}
	for _, f := range d.Findings {
		if f.Check == "redis.maxmemory" { // as these are started
			where[f.Where] = true
		}
	}
	if len(where) != len(addrs) {
		t.Errorf("found on %v, want on each of %v", where, addrs)
	}
	var r revoked
	if seshat.json(t, &r, env, "revoke", "--all", "--yes"); r.Ended != 12 {
		t.Errorf("ended %+v", r)
	}
}

func doctorReplica(t *testing.T, seshat tool, rdb *redis.Client, env []string) {
	if err := rdb.ConfigSet(t.Context(), "appendonly", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(rdb.Options().Addr, ":")
	replica := goodRedis(t, "--replicaof", host+" "+port)
	for !strings.Contains(rdb.Info(t.Context(), "replication").Val(), "state=online") {
		if t.Context().Err() != nil {
			t.Fatal("the replica does not come")
		}
	}
	found := seshat.examine(t, env)
	if len(found) != 1 || found["redis.min-replicas"].Severity != "note" {
		t.Errorf("with a replica, found %v", found)
	}
	seshat.finds(t, "redis.replica", "problem", []string{"SESSION_ENGINE=cache", "REDIS_URL=" + replica.URL()})
	replica.Stop(t)
	if err := rdb.Set(t.Context(), "load", strings.Repeat("x", 2<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	seshat.finds(t, "redis.lag", "warning", env)
	replica.Cont(t)
}

package doctor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// checks are the names and severities of what was found.
func checks(r *Report) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.Check+" "+string(f.Severity))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// healthy is what a Redis says that may keep sessions alone.
const healthy = "redis_version:7.2.4\r\nrole:master\r\nmaxmemory:1000\r\nused_memory:100\r\nmaxmemory_policy:noeviction\r\n" +
	"evicted_keys:0\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\nconnected_slaves:0\r\nmaster_repl_offset:5000000\r\n"

func TestRedisIsJudgedByWhatItSays(t *testing.T) {
	config := map[string]string{"save": "", "appendfsync": "everysec", "min-replicas-to-write": "0", "stop-writes-on-bgsave-error": "yes"}
	for _, c := range []struct {
		says   string // in place of a healthy one's lines
		config string
		only   bool
		want   string
	}{
		{"", "", true, ""},
		{"redis_version:6.0.16", "", true, "redis.version problem"},
		{"redis_version:6.2.0", "", true, ""},
		{"redis_version:10.0.0", "", true, ""},
		{"maxmemory_policy:allkeys-lfu", "", true, "redis.eviction problem"},
		{"maxmemory_policy:allkeys-lfu", "", false, ""},
		{"evicted_keys:7", "", true, "redis.evicted warning"},
		{"evicted_keys:7", "", false, ""},
		{"maxmemory:0", "", false, "redis.maxmemory warning"},
		{"used_memory:899", "", true, ""},
		{"used_memory:900", "", true, "redis.full warning"},
		{"used_memory:900", "", false, "redis.full warning"}, // entries are refused
		{"used_memory:900 maxmemory_policy:allkeys-lru", "", false, ""},
		{"aof_enabled:0", "", true, "redis.persistence problem"},
		{"aof_enabled:0", "", false, ""},
		{"aof_enabled:0", "save=60 1", true, "redis.persistence warning"},
		{"", "appendfsync=no", true, "redis.fsync warning"},
		{"aof_last_write_status:err", "", true, "redis.aof problem"},
		{"rdb_last_bgsave_status:err", "", false, "redis.snapshot problem"},
		{"rdb_last_bgsave_status:err", "stop-writes-on-bgsave-error=no", true, ""},
		{"role:slave master_host:h master_link_status:up", "", true, "redis.replica problem"},
		{"role:slave master_host:h master_link_status:down", "", true, "redis.link problem, redis.replica problem"},
		{"connected_slaves:1 slave0:ip=1.1.1.1,port=1,state=online,offset=5000000,lag=0", "min-replicas-to-write=1", true, ""},
		{"connected_slaves:1 slave0:ip=1.1.1.1,port=1,state=online,offset=5000000,lag=0", "", true, "redis.min-replicas note"},
		{"connected_slaves:1 slave0:ip=1.1.1.1,port=1,state=wait_bgsave,offset=0,lag=0", "", false, "redis.lag warning"},
		{"connected_slaves:1 slave0:ip=1.1.1.1,port=1,state=online,offset=3000000,lag=0", "", false, "redis.lag warning"},
		{"connected_slaves:1 slave0:ip=1.1.1.1,port=1,state=online,offset=5000000,lag=11", "", false, "redis.lag warning"},
	} {
		n := node{info: parseInfo(healthy + strings.Join(strings.Fields(c.says), "\r\n")), config: maps.Clone(config), only: c.only}
		if name, value, ok := strings.Cut(c.config, "="); ok {
			n.config[name] = value
		}
		r := &Report{}
		r.at("redis").judge(n)
		if got := checks(r); got != c.want {
			t.Errorf("%s %s, only store %v: found %q, want %q", c.says, c.config, c.only, got, c.want)
		}
	}
}

func TestSnapshotsThatCouldNotBeAskedForAreNotClaimed(t *testing.T) {
	for want, config := range map[string]map[string]string{
		"neither an append-only file nor snapshots":                        {"save": ""},
		"snapshots only, no append-only file":                              {"save": "60 1"},
		"no append-only file; whether snapshots are on could not be asked": nil,
	} {
		r := &Report{}
		r.at("redis").persistence(node{info: map[string]string{"aof_enabled": "0"}, config: config, only: true})
		if len(r.Findings) != 1 || r.Findings[0].Found != want {
			t.Errorf("with %v, found %v, want %q", config, r.Findings, want)
		}
	}
}

func TestARedisThatSaysNothingIsNotPassedWhereItIsTheOnlyPlace(t *testing.T) {
	for only, want := range map[bool]string{true: "redis.info warning", false: "redis.info note"} {
		r := &Report{}
		r.at("redis").silent(node{only: only}, errors.New("NOPERM"))
		if got := checks(r); got != want {
			t.Errorf("only store %v: found %q, want %q", only, got, want)
		}
	}
}

func TestPostgresIsJudgedByWhatItSays(t *testing.T) {
	for want, change := range map[string]func(*pgFacts){
		"":                                    func(*pgFacts) {},
		"postgres.version warning":            func(f *pgFacts) { f.version = 110022 },
		"database.readonly problem":           func(f *pgFacts) { f.recovery = true },
		"postgres.fsync problem":              func(f *pgFacts) { f.fsync = "off" },
		"postgres.synchronous_commit warning": func(f *pgFacts) { f.syncCommit = "off" },
		"postgres.autovacuum warning":         func(f *pgFacts) { f.autovacuum = "off" },
		"postgres.connections warning":        func(f *pgFacts) { f.connections = 90 },
	} {
		f := pgFacts{version: 150018, connections: 89, most: 100, readOnly: "off", syncCommit: "on", fsync: "on", autovacuum: "on"}
		change(&f)
		r := &Report{}
		r.at("postgres").judgePostgres(f)
		if got := checks(r); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

func TestWhatATableLacksIsToldInTheWordsOfTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		step, none string
		err        error
		want       string
		says, not  string
	}{
		{"", "", nil, "", "", ""},
		{"CREATE INDEX i ON t (a)", "", nil, "database.schema warning", "seshat migrate", "schema first"},
		{"ALTER TABLE t ADD COLUMN a", "", nil, "database.schema problem", "ALTER TABLE", "schema first"},
		{"CREATE TABLE t", "", nil, "database.schema problem", "seshat migrate", "schema first"},
		{"CREATE TABLE s.t", `the schema "s" does not exist`, nil, "database.schema problem", "Make the schema first", "next is"},
		{"", "", errors.New("not Seshat's; choose another Options.Table"), "database.schema problem", "choose another SESSION_TABLE", "Options"},
	} {
		r := &Report{}
		r.at("server").judgeSchema(c.step, c.none, c.err)
		if got, text := checks(r), fmt.Sprint(r.Findings); got != c.want || !strings.Contains(text, c.says) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("next %q, %q, %v: found %s", c.step, c.none, c.err, text)
		}
	}
}

func TestRightsThatTheUserLacksAreNamed(t *testing.T) {
	r := &Report{}
	r.at("server").judgeRights("sessions", nil)
	if len(r.Findings) > 0 {
		t.Errorf("found %v", r.Findings)
	}
	r.at("server").judgeRights("sessions", []string{"INSERT", "DELETE"})
	if checks(r) != "database.rights problem" || !strings.Contains(r.Findings[0].Do, "GRANT INSERT, DELETE ON sessions") {
		t.Errorf("found %v", r.Findings)
	}
}

func TestTheTimeThatTheQuestionTookIsNoDifferenceOfClocks(t *testing.T) {
	asked := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		took, server time.Duration
		want         string
	}{
		{0, 0, ""},
		{0, 1900 * time.Millisecond, ""},
		{0, 2 * time.Second, "clock warning"},
		{0, -2 * time.Second, "clock warning"},
		{0, -time.Minute, "clock problem"},
		{10 * time.Second, 9 * time.Second, ""},
		{10 * time.Second, 12 * time.Second, "clock warning"},
	} {
		r := &Report{}
		r.at("server").clock(reading{asked, asked.Add(c.server), asked.Add(c.took)})
		if got := checks(r); got != c.want {
			t.Errorf("a server %v off, asked for %v: found %q, want %q", c.server, c.took, got, c.want)
		}
	}
}

func TestOnlyWhatLeavesTheMachineNeedsPasswordAndTLS(t *testing.T) {
	for url, want := range map[fromenv.URL]string{
		"redis://127.0.0.1:6379":           "",
		"redis://localhost":                "",
		"redis://[::1]:6379":               "",
		"unix:///run/redis.sock":           "",
		"redis://cache:6379":               "network.plain note, redis.password warning",
		"redis://:secret@cache:6379":       "network.plain note",
		"rediss://cache:6379":              "redis.password warning",
		"rediss://u:secret@10.0.0.1":       "",
		"postgres://u:secret@127.0.0.1/db": "",
		"postgres://u@db/db":               "network.plain note", // the password may be in a file
		"postgres:///db?host=/run/pg":      "",
	} {
		r := &Report{}
		a := addressOf(url)
		r.at("server").network(a, a.scheme == "rediss")
		if got := checks(r); got != want {
			t.Errorf("%s: found %q, want %q", string(url), got, want)
		}
	}
}

func TestWorstIsAtLeastTheGivenSeverity(t *testing.T) {
	r := &Report{}
	r.at("x").add(Warning, "c", "f", "m", "d")
	if !r.Worst(Note) || !r.Worst(Warning) || r.Worst(Problem) {
		t.Error("a warning is taken for something else")
	}
}

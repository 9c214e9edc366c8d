package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// A node is what one Redis server says of itself.
type node struct {
	info, config map[string]string
	only         bool // sessions are here and nowhere else
}

func examineRedis(ctx context.Context, r *Report, s fromenv.Settings) {
	p := r.at(s.RedisURL.String())
	a := addressOf(s.RedisURL)
	p.network(a, a.scheme == "rediss")
	single := s
	single.Engine = "cache"
	sessions, err := single.Open(ctx)
	if err != nil {
		p.add(Problem, "redis.unreachable", err.Error(), map[bool]string{
			true:  "Every request with a session is answered with 503.",
			false: "Every request asks the database; it works, and is slower.",
		}[s.Engine == "cache"], "Start the server, or correct REDIS_URL; see that this machine may reach it.")
		return
	}
	defer sessions.Close()
	each := func(ctx context.Context, c *redis.Client) error {
		q := p
		if _, cluster := sessions.Redis.(*redis.ClusterClient); cluster {
			q.where += " node " + c.Options().Addr
		}
		q.examineNode(ctx, c, s)
		return nil
	}
	switch c := sessions.Redis.(type) {
	case *redis.ClusterClient:
		// One after the other: they write into one report.
		var nodes []*redis.Client
		found := make(chan *redis.Client)
		go func() {
			_ = c.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error { found <- c; return nil })
			close(found)
		}()
		for n := range found {
			nodes = append(nodes, n)
		}
		for _, n := range nodes {
			_ = each(ctx, n)
		}
	case *redis.Client:
		_ = each(ctx, c)
	}
}

func (p place) examineNode(ctx context.Context, c *redis.Client, s fromenv.Settings) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	n := node{only: s.Engine == "cache"}
	var err error
	if n.config, err = configOf(ctx, c); err != nil {
		p.unasked("redis.config", err)
	}
	before := time.Now()
	if now, err := c.Time(ctx).Result(); err != nil {
		p.unasked("clock", err)
	} else {
		p.clock(reading{before, now, time.Now()})
	}
	if text, err := c.Info(ctx).Result(); err != nil {
		p.silent(n, err)
	} else {
		n.info = parseInfo(text)
		p.judge(n)
	}
	p.lasting(ctx, c, s)
}

// silent is said of a server that may not be asked for INFO.
func (p place) silent(n node, err error) {
	if !n.only {
		p.unasked("redis.info", err)
		return
	}
	p.add(Warning, "redis.info", fmt.Sprintf("eviction and persistence could not be asked: %v", err), "If it may drop keys, or keeps them in memory only, people are signed out without a reason, and nothing here tells.",
		"Let the user of the connection ask (ACL SETUSER with +info +config|get), or see by hand that maxmemory-policy is noeviction and appendonly is yes, and add --ignore redis.info.")
}

// longest is how long all questions to one server may take.
const longest = 20 * time.Second

func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// configOf returns what INFO does not tell.
func configOf(ctx context.Context, c *redis.Client) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range []string{"save", "appendfsync", "min-replicas-to-write", "stop-writes-on-bgsave-error"} {
		some, err := c.ConfigGet(ctx, name).Result()
		if err != nil {
			return nil, err
		}
		for k, v := range some {
			all[k] = v
		}
	}
	return all, nil
}

func (n node) number(name string) int64 {
	v, _ := strconv.ParseInt(n.info[name], 10, 64)
	return v
}

func (p place) judge(n node) {
	p.redisVersion(n)
	p.memory(n)
	if n.only {
		p.persistence(n)
	}
	p.writable(n)
	p.replicas(n)
}

func (p place) redisVersion(n node) {
	if v := n.info["redis_version"]; n.info["valkey_version"] == "" && older(v, 6, 2) {
		p.add(Problem, "redis.version", "Redis "+v, "The store uses commands of Redis 6.2.", "Upgrade to a version that is still maintained, or to Valkey.")
	}
}

// older tells whether a version such as 6.0.16 is below major.minor.
func older(version string, major, minor int) bool {
	a, rest, _ := strings.Cut(version, ".")
	b, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return err == nil && (x < major || x == major && y < minor)
}

const nearlyFull = 0.9

func (p place) memory(n node) {
	policy, most, used := n.info["maxmemory_policy"], n.number("maxmemory"), n.number("used_memory")
	if n.only && policy != "" && policy != "noeviction" {
		p.add(Problem, "redis.eviction", "maxmemory-policy is "+policy, "When memory is short Redis drops live sessions, and the lists of a user's sessions: people are signed out without a reason, and revoke --user misses some.",
			"CONFIG SET maxmemory-policy noeviction, and the same in redis.conf. Under SESSION_ENGINE=cached_db any policy serves.")
	}
	if evicted := n.number("evicted_keys"); n.only && evicted > 0 {
		p.add(Warning, "redis.evicted", fmt.Sprintf("%d keys were evicted since it started", evicted), "Sessions were among them, if they were there.", "Give it more memory and noeviction; CONFIG RESETSTAT forgets the number.")
	}
	switch {
	case n.info["maxmemory"] == "0":
		p.add(Warning, "redis.maxmemory", "maxmemory has no limit", "It grows until the machine has no memory left, and the kernel ends it.",
			"CONFIG SET maxmemory to about 3/4 of the machine's memory, and the same in redis.conf.")
	case most > 0 && float64(used) >= nearlyFull*float64(most) && (n.only || policy == "noeviction"):
		p.add(Warning, "redis.full", fmt.Sprintf("%d%% of maxmemory is used (%d of %d bytes)", 100*used/most, used, most),
			map[bool]string{
				true:  "When it is full, new sessions and changes are answered with 503.",
				false: "When it is full, entries are not filled any more, and the database serves those reads.",
			}[n.only], "Raise maxmemory; \"seshat stats\" tells what the sessions take.")
	}
}

func (p place) persistence(n node) {
	aof, save, known := n.info["aof_enabled"] == "1", n.config["save"], n.config != nil
	switch {
	case !aof && known && save == "":
		p.add(Problem, "redis.persistence", "neither an append-only file nor snapshots", "A restart of Redis signs everybody out.", "CONFIG SET appendonly yes, and the same in redis.conf.")
	case !aof && !known:
		p.add(Warning, "redis.persistence", "no append-only file; whether snapshots are on could not be asked", "Without them a restart of Redis signs everybody out; with them a crash takes back what came after the last one.", "CONFIG SET appendonly yes, and the same in redis.conf.")
	case !aof:
		p.add(Warning, "redis.persistence", "snapshots only, no append-only file", "A crash of Redis takes back what came after the last snapshot: sign-ins are lost, and sign-outs come back.", "CONFIG SET appendonly yes, and the same in redis.conf.")
	case n.config["appendfsync"] == "no":
		p.add(Warning, "redis.fsync", "appendfsync is no", "A crash of the machine takes back what the kernel had not written yet, some 30 seconds: sign-ins are lost, and sign-outs come back.", "CONFIG SET appendfsync everysec, or always.")
	}
	if n.info["aof_last_write_status"] == "err" {
		p.add(Problem, "redis.aof", "the append-only file cannot be written", "Redis refuses writes, or loses them with the next crash.", "Look for a full disk or wrong rights, in Redis's log.")
	}
}

func (p place) writable(n node) {
	if n.info["role"] == "slave" {
		p.add(Problem, "redis.replica", "this server is a replica of "+n.info["master_host"], "It refuses every write: nobody can sign in.", "Name the master in REDIS_URL, or Sentinel with master_name=.")
		if n.info["master_link_status"] != "up" {
			p.add(Problem, "redis.link", "it does not reach its master", "What it has is old.", "See that the master runs, and that this replica may reach it.")
		}
	}
	if n.info["rdb_last_bgsave_status"] == "err" && n.config["stop-writes-on-bgsave-error"] == "yes" {
		p.add(Problem, "redis.snapshot", "the last snapshot failed, and stop-writes-on-bgsave-error is yes", "Redis refuses writes until a snapshot succeeds.", "Look for a full disk or wrong rights, in Redis's log.")
	}
}

const (
	lagBytes   = 1 << 20
	lagSeconds = 10
)

func (p place) replicas(n node) {
	followers := n.number("connected_slaves")
	for i := range followers {
		state := map[string]string{}
		for field := range strings.SplitSeq(n.info[fmt.Sprintf("slave%d", i)], ",") {
			name, value, _ := strings.Cut(field, "=")
			state[name] = value
		}
		name := state["ip"] + ":" + state["port"]
		offset, _ := strconv.ParseInt(state["offset"], 10, 64)
		lag, _ := strconv.Atoi(state["lag"])
		behind := n.number("master_repl_offset") - offset
		switch {
		case state["state"] != "online":
			p.add(Warning, "redis.lag", fmt.Sprintf("the replica %s is in state %s", name, state["state"]), "A failover to it would lose sessions.", "Look into its log.")
		case behind > lagBytes || lag > lagSeconds:
			p.add(Warning, "redis.lag", fmt.Sprintf("the replica %s is %d bytes behind, and was last heard of %d seconds ago", name, behind, lag),
				"A failover to it takes that back: sign-ins are lost, and sign-outs come back.", "Look at the network between them and at the replica's load.")
		}
	}
	if n.only && followers > 0 && n.config["min-replicas-to-write"] == "0" {
		p.add(Note, "redis.min-replicas", "min-replicas-to-write is 0", "A master that is cut off from its replicas goes on taking writes, which the failover then takes back.", "CONFIG SET min-replicas-to-write 1.")
	}
}

package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// What a client without retries sees of a fault of several servers.
const (
	fails   = true  // calls fail until it is mended, or until a replica serves
	unheard = false // calls may succeed throughout; who asks each server all the time feels it
)

var sentinelSights = map[string]bool{
	"the master is killed":                                  fails,
	"the master is paused until it is replaced":             fails,
	"the master cannot be reached until it is replaced":     fails,
	"the master is silent until it is replaced":             fails,
	"an administrator makes the replica the master":         unheard,
	"all connections to the master are cut":                 unheard,
	"the master is flushed":                                 unheard,
	"the replica is killed":                                 unheard,
	"the replica is paused":                                 unheard,
	"all are killed":                                        fails,
	"the servers are far away":                              unheard,
	"the Sentinel is killed":                                unheard,
	"the Sentinel is killed and restarted at once":          unheard,
	"the Sentinel is paused for a moment":                   unheard,
	"the Sentinel is paused for longer than the time limit": unheard,
}

func TestEachFaultOfSentinelHappensAndEnds(t *testing.T) {
	t.Parallel()
	s := servers.Sentinel(t)
	options, err := redis.ParseFailoverURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.DialTimeout, options.ReadTimeout, options.ContextTimeoutEnabled = -1, patience, patience, true
	list := faults.Sentinel(s)
	described(t, list, sentinelSights)
	for _, f := range list {
		t.Run(f.Name, func(t *testing.T) {
			own := *options // a client fills in what is missing
			rdb := redis.NewFailoverClient(&own)
			defer func() { _ = rdb.Close() }()
			before := s.Master(t)
			addrs := []string{s.Addr, s.Lines[0].Addr, s.Lines[1].Addr}
			replicatedFault(t, rdb, f, sentinelSights[f.Name], addrs, s.Nodes[:])
			if after := s.Master(t); (after != before) != (f.Loss == faults.Recent) {
				t.Errorf("the master was %d and is %d", before, after)
			}
		})
	}
}

var clusterSights = map[string]bool{
	"a master is killed and replaced":                 fails,
	"a master is paused and replaced":                 fails,
	"a master is paused for a moment":                 unheard,
	"most masters are paused":                         fails,
	"a replica takes its master's place in agreement": unheard,
	"a replica takes its master's place by force":     unheard,
	"a master is flushed":                             unheard,
	"a master is full and refuses writes":             fails,
	"a replica is killed":                             unheard,
	"a replica is paused":                             unheard,
	"slots are on their way between two masters":      unheard,
	"slots have moved to another master":              unheard,
	"a master refuses connections":                    fails,
	"connections to a master are cut":                 unheard,
	"requests to a master are lost in silence":        fails,
	"replies of a master are lost in silence":         fails,
}

func TestEachFaultOfAClusterHappensAndEnds(t *testing.T) {
	t.Parallel()
	c := servers.RedisReplicatedCluster(t)
	options, err := redis.ParseClusterURL(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.DialTimeout, options.ReadTimeout, options.ContextTimeoutEnabled = -1, patience, patience, true
	for _, f := range faults.Cluster(c) {
		sight, ok := clusterSights[f.Name]
		if !ok {
			continue // of the network
		}
		t.Run(f.Name, func(t *testing.T) {
			own := *options
			rdb := redis.NewClusterClient(&own)
			defer func() { _ = rdb.Close() }()
			var addrs []string
			for _, line := range c.Lines {
				addrs = append(addrs, line.Addr)
			}
			replicatedFault(t, rdb, f, sight, addrs, c.Nodes)
			c.Settle(t)
		})
	}
}

const spread = 100 // keys, over all masters

// replicatedFault needs the addresses by which each server is reached.
func replicatedFault(t *testing.T, rdb redis.UniversalClient, f faults.Fault, failing bool, addrs []string, nodes []*servers.RedisServer) {
	f.Mend(t) // has no effect
	all := func(do func(context.Context, string) error) (failed int, last error) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
		defer cancel()
		for n := range spread {
			if err := do(ctx, fmt.Sprintf("tea:%d", n)); err != nil {
				failed, last = failed+1, err
			}
		}
		return failed, last
	}
	write := func(ctx context.Context, key string) error { return rdb.Set(ctx, "now "+key, "v", 0).Err() }
	keep := func(ctx context.Context, key string) error { return rdb.Set(ctx, key, "v", 0).Err() }
	kept := func(ctx context.Context, key string) error { return rdb.Get(ctx, key).Err() }
	works := func() {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; {
			failed, err := all(write)
			if failed == 0 {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d of %d writes fail: %v", failed, spread, err)
			}
		}
	}
	works()
	if _, err := all(keep); err != nil {
		t.Fatal(err)
	}
	if f.Loss == faults.Recent { // so much a replica knows
		if c, ok := rdb.(*redis.ClusterClient); !ok {
			known(t, rdb)
		} else if err := c.ForEachMaster(t.Context(), func(_ context.Context, c *redis.Client) error { known(t, c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	before := serving(t, nodes)
	var watches []func() bool
	for _, addr := range addrs {
		c := &redisUser{addr: addr}
		watches = append(watches, watch(t, c, func(ctx context.Context) error {
			_, err := c.do(ctx, "PING")
			return err
		}))
	}
	t.Cleanup(func() { f.Mend(t) })
	f.Inject(t)
	failed, err := all(write)
	happened := f.Loss == faults.Records || serving(t, nodes) != before // what is lost is counted below
	for _, felt := range watches {
		happened = felt() || happened
	}
	if failing && failed == 0 || !failing && !happened {
		t.Errorf("nothing fails, and nobody feels it: %v", err)
	}
	f.Mend(t)
	f.Mend(t)
	var gone int
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		var err error
		if gone, err = all(kept); err == nil || strings.Contains(err.Error(), "nil") {
			break
		}
	}
	if (gone > 0) != (f.Loss == faults.Records) {
		t.Errorf("%d of %d keys are gone", gone, spread)
	}
	works()
}

// serving is who is master, and in a cluster of which slots.
func serving(t *testing.T, nodes []*servers.RedisServer) string {
	t.Helper()
	var all strings.Builder
	for _, node := range nodes {
		r := redis.NewClient(&redis.Options{Addr: node.Addr, MaxRetries: -1, DialTimeout: patience, ReadTimeout: patience})
		role, _ := r.Do(t.Context(), "ROLE").Slice()
		own, _ := r.ClusterNodes(t.Context()).Result()
		_ = r.Close()
		_, own, _ = strings.Cut(own, "myself,")
		own, _, _ = strings.Cut(own, "\n")
		_, slots, _ := strings.Cut(own, " connected")
		fmt.Fprintln(&all, append(role, "nobody")[0], slots)
	}
	return all.String()
}

// known waits until the replica knows what the server knows.
func known(t *testing.T, c redis.Cmdable) {
	t.Helper()
	for {
		info, err := c.Info(t.Context(), "replication").Result()
		if err != nil {
			t.Error(err)
			return
		}
		_, rest, _ := strings.Cut(info, "master_repl_offset:")
		offset, _, _ := strings.Cut(rest, "\r")
		if strings.Contains(info, ",offset="+offset+",") {
			return
		}
	}
}

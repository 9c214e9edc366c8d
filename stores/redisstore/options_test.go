package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// noServer is an address on which nothing answers: the tests here must not ask.
const noServer = "127.0.0.1:1"

func client(t *testing.T, o redis.Options) *redis.Client {
	o.Addr = noServer
	c := redis.NewClient(&o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func cluster(t *testing.T, o redis.ClusterOptions) *redis.ClusterClient {
	o.Addrs = []string{noServer}
	c := redis.NewClusterClient(&o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestOptionsThatCannotServeAreRefused(t *testing.T) {
	plain := client(t, redis.Options{})
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": noServer}})
	defer ring.Close()
	pipeliner, err := plain.AutoPipeline()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		rdb  redis.UniversalClient
		o    redisstore.Options
		says string
	}{
		"no client":                     {nil, redisstore.Options{}, "nil"},
		"nil client":                    {(*redis.Client)(nil), redisstore.Options{}, "nil"},
		"nil cluster client":            {(*redis.ClusterClient)(nil), redisstore.Options{}, "nil"},
		"reads from replicas":           {cluster(t, redis.ClusterOptions{ReadOnly: true}), redisstore.Options{}, "replicas"},
		"reads by latency":              {cluster(t, redis.ClusterOptions{RouteByLatency: true}), redisstore.Options{}, "replicas"},
		"reads at random":               {cluster(t, redis.ClusterOptions{RouteRandomly: true}), redisstore.Options{}, "replicas"},
		"a ring":                        {ring, redisstore.Options{}, "Ring"},
		"ignores contexts":              {pipeliner, redisstore.Options{}, "AutoPipeliner"},
		"client-side cache":             {client(t, redis.Options{ClientSideCacheConfig: &redis.ClientSideCacheConfig{}}), redisstore.Options{}, "client-side"},
		"braces in the prefix":          {plain, redisstore.Options{Prefix: "{a}:"}, "braces"},
		"brace in the prefix":           {plain, redisstore.Options{Prefix: "a}:"}, "braces"},
		"prefix of a cache":             {plain, redisstore.Options{Prefix: "sessions:c:"}, "c:"},
		"prefix of an index":            {plain, redisstore.Options{Prefix: "p:"}, "p:"},
		"a very long prefix":            {plain, redisstore.Options{Prefix: strings.Repeat("a", 129)}, "Prefix"},
		"a near cache on a cluster":     {cluster(t, redis.ClusterOptions{}), redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20}}, "Cluster"},
		"a near cache by protocol 2":    {client(t, redis.Options{Protocol: 2}), redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20}}, "protocol 3"},
		"a tiny near cache":             {plain, redisstore.Options{Near: redisstore.NearOptions{Bytes: 1<<20 - 1}}, "Near.Bytes"},
		"a negative near cache":         {plain, redisstore.Options{Near: redisstore.NearOptions{Bytes: -1}}, "Near.Bytes"},
		"a near cache that is no older": {plain, redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20, MaxStale: time.Millisecond}}, "MaxStale"},
		"a near cache that is very old": {plain, redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20, MaxStale: time.Hour}}, "MaxStale"},
		"a negative time limit":         {plain, redisstore.Options{Timeout: -time.Second}, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := redisstore.New(c.rdb, c.o)
			err := s.Validate()
			if !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "redisstore: ") {
				t.Fatalf("got %v", err)
			}
			if _, got := s.Load(context.Background(), session.ID(strings.Repeat("A", 43))); got == nil || got.Error() != err.Error() {
				t.Errorf("Load says %v", got)
			}
			if got := s.Ping(context.Background()); got == nil || got.Error() != err.Error() {
				t.Errorf("Ping says %v", got)
			}
		})
	}
}

func TestOptionsThatServeAreAccepted(t *testing.T) {
	universal := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{noServer}})
	defer universal.Close()
	failover := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{noServer}})
	defer failover.Close()
	for name, s := range map[string]*redisstore.Store{
		"defaults":      redisstore.New(client(t, redis.Options{}), redisstore.Options{}),
		"cluster":       redisstore.New(cluster(t, redis.ClusterOptions{}), redisstore.Options{}),
		"universal":     redisstore.New(universal, redisstore.Options{}),
		"sentinel":      redisstore.New(failover, redisstore.Options{}),
		"near":          redisstore.New(client(t, redis.Options{}), redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20}}),
		"near failover": redisstore.New(failover, redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 30, MaxStale: time.Minute}}),
		"near is off":   redisstore.New(cluster(t, redis.ClusterOptions{}), redisstore.Options{Near: redisstore.NearOptions{MaxStale: time.Hour}}),
		"own options":   redisstore.New(client(t, redis.Options{}), redisstore.Options{Prefix: "abc:", Timeout: time.Second}),
	} {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMalformedIDNeverReachesTheServer(t *testing.T) {
	s := redisstore.New(client(t, redis.Options{}), redisstore.Options{})
	ctx := context.Background()
	for _, id := range []session.ID{"", "short", session.ID(strings.Repeat("A", 42) + "\n"), session.ID(strings.Repeat("A", 44)), session.ID(strings.Repeat("*", 43))} {
		if _, err := s.Load(ctx, id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: Load: %v", id, err)
		}
		if err := s.Create(ctx, id, session.Record{}); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: Create: %v", id, err)
		}
		if err := s.Update(ctx, id, session.Record{}, 1); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: Update: %v", id, err)
		}
		if err := s.Touch(ctx, id, time.Now(), time.Now(), 1); err != nil {
			t.Errorf("%q: Touch: %v", id, err)
		}
		if err := s.Delete(ctx, id, 1); err != nil {
			t.Errorf("%q: Delete: %v", id, err)
		}
		if _, err := s.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: Get: %v", id, err)
		}
		if ok, err := s.AddLease(ctx, id, session.Lease{}, time.Second); ok || err != nil {
			t.Errorf("%q: AddLease: %v, %v", id, ok, err)
		}
		if err := s.Fill(ctx, id, session.Lease{}, session.Cached{}); err != nil {
			t.Errorf("%q: Fill: %v", id, err)
		}
		if err := s.Remove(ctx, id); err != nil {
			t.Errorf("%q: Remove: %v", id, err)
		}
	}
}

func TestAPageHasAPositiveLimit(t *testing.T) {
	s := redisstore.New(client(t, redis.Options{}), redisstore.Options{})
	for _, limit := range []int{0, -1} {
		if _, _, err := s.List(context.Background(), "bob", "", limit); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("List: %v", err)
		}
		if _, _, err := s.Scan(context.Background(), "", limit); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("Scan: %v", err)
		}
	}
	if _, _, err := s.List(context.Background(), "bob", "junk", 1); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("List: %v", err)
	}
	if _, _, err := s.Scan(context.Background(), "junk", 1); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("Scan: %v", err)
	}
}

func TestOnlyAStoreWithANearCacheSaysThatItHasOne(t *testing.T) {
	off := redisstore.New(client(t, redis.Options{}), redisstore.Options{})
	on := redisstore.New(client(t, redis.Options{}), redisstore.Options{Near: redisstore.NearOptions{Bytes: 1 << 20}})
	if off.Caches() || !on.Caches() || off.NearState() != (redisstore.NearState{}) || on.NearState().Serving {
		t.Errorf("off: %v %+v; on: %v %+v", off.Caches(), off.NearState(), on.Caches(), on.NearState())
	}
	for _, s := range []*redisstore.Store{off, on} {
		if err := s.Close(); err != nil { // it has not begun
			t.Error(err)
		}
	}
}

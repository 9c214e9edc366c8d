package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

const nearBytes = 8 << 20

// near returns a store with a near cache, which serves.
func near(t *testing.T, rdb *redis.Client, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Prefix == "" {
		o.Prefix = prefix()
	}
	if o.Near.Bytes == 0 {
		o.Near.Bytes = nearBytes
	}
	s := openWith(t, rdb, o)
	t.Cleanup(func() { must(t, s.Close()) })
	serves(t, s)
	return s
}

// serves waits until the near cache serves; it starts with the first load.
func serves(t *testing.T, s *redisstore.Store) {
	t.Helper()
	_, _ = s.Load(t.Context(), storetest.NewID())
	await(t, func() bool { return s.NearState().Serving }, func() any { return s.NearState() })
}

// await waits until something holds.
func await(t *testing.T, holds func() bool, state func() any) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come: %+v", state())
		}
	}
}

func TestAStoreWithANearCacheKeepsTheContract(t *testing.T) {
	rdb := single(t)
	storetest.Run(t, func(t *testing.T) session.Store { return near(t, rdb, redisstore.Options{}) })
}

func TestACacheWithANearCacheKeepsTheContract(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
	storetest.RunCache(t, func(t *testing.T) cacheddb.Cache { return near(t, rdb, redisstore.Options{}) })
}

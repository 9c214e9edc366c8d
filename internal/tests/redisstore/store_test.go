package redisstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestMain(m *testing.M) { servers.Main(m) }

var _ cacheddb.Cache = (*redisstore.Store)(nil)

// single returns a client of a server that all tests share.
func single(t *testing.T) *redis.Client {
	return connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr})
}

func connect(t *testing.T, o *redis.Options) *redis.Client {
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cluster returns a client of three nodes that all tests share.
func cluster(t *testing.T) *redis.ClusterClient {
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: servers.SharedRedisCluster(t)})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

var prefixes atomic.Uint64

// prefix returns one that no other test has.
func prefix() string { return fmt.Sprintf("t%d:", prefixes.Add(1)) }

func open(t *testing.T, rdb redis.UniversalClient) *redisstore.Store {
	t.Helper()
	return openWith(t, rdb, redisstore.Options{Prefix: prefix()})
}

func openWith(t *testing.T, rdb redis.UniversalClient, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s := redisstore.New(rdb, o)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAStoreOnOneServerKeepsTheContract(t *testing.T) {
	rdb := single(t)
	storetest.Run(t, func(t *testing.T) session.Store { return open(t, rdb) })
}

func TestAStoreOnAClusterKeepsTheContract(t *testing.T) {
	rdb := cluster(t)
	storetest.Run(t, func(t *testing.T) session.Store { return open(t, rdb) })
}

func TestACacheOnOneServerKeepsTheContract(t *testing.T) {
	rdb := single(t)
	storetest.RunCache(t, func(t *testing.T) cacheddb.Cache { return open(t, rdb) })
}

func TestACacheOnAClusterKeepsTheContract(t *testing.T) {
	rdb := cluster(t)
	storetest.RunCache(t, func(t *testing.T) cacheddb.Cache { return open(t, rdb) })
}

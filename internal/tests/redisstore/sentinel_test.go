package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestAStoreFollowsSentinelToTheNextMaster(t *testing.T) {
	sentinel := servers.Sentinel(t)
	options, err := redis.ParseFailoverURL(sentinel.URL)
	must(t, err)
	rdb := redis.NewFailoverClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	s := openWith(t, rdb, redisstore.Options{})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	conn := rdb.Conn() // WAIT is for what its own connection wrote
	defer func() { _ = conn.Close() }()
	must(t, conn.Set(t.Context(), "last", "", 0).Err())
	must(t, conn.Wait(t.Context(), 1, 0).Err())

	sentinel.Nodes[0].Kill(t)
	until(t, func() bool { return sentinel.Master(t) == 1 })
	var loaded error
	until(t, func() bool { _, loaded = s.Load(t.Context(), id); return loaded == nil })
	must(t, s.Update(t.Context(), id, next(rec), 1))
	if got := listed(t, s, "bob"); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	must(t, s.Delete(t.Context(), id, 2))
}

// until asks again and again; the time limit of the test run is its own.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		must(t, t.Context().Err())
	}
}

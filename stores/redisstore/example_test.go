package redisstore_test

import (
	"log"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// Sessions in Redis alone.
func Example() {
	rdb := redis.NewClient(&redis.Options{
		Addr:                  "localhost:6379",
		ContextTimeoutEnabled: true, // see the package documentation
	})
	sessions, err := session.New(session.Options{Store: redisstore.New(rdb, redisstore.Options{})})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // sessions.Handler wraps the application's handler
}

// Redis as the cache in front of a database.
func Example_cache() {
	var database session.Store // gormstore.New(...)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"node1:6379", "node2:6379", "node3:6379"}})
	sessions, err := session.New(session.Options{
		Store: cacheddb.New(redisstore.New(rdb, redisstore.Options{Prefix: "shop:"}), database, cacheddb.Options{}),
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions
}

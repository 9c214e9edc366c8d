package cacheddb_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A cache in front of a database. Two memory stores stand for both here; in an
// application they are redisstore.New and gormstore.New.
func ExampleNew() {
	store := cacheddb.New(
		session.NewMemoryStore(session.MemoryOptions{}),
		session.NewMemoryStore(session.MemoryOptions{}),
		cacheddb.Options{})
	defer func() {
		// What could not be removed from the cache until now, others stop
		// serving by themselves after Options.RecheckAge.
		if err := store.Close(context.Background()); err != nil {
			log.Print(err)
		}
	}()
	sessions, err := session.New(session.Options{Store: store})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sessions.Revoke(context.Background(), "no such session") == nil)
	// What the database store cannot do, the pair cannot do: memory has no schema.
	fmt.Println(errors.Is(store.Migrate(context.Background()), errors.ErrUnsupported))
	// Output:
	// false
	// true
}

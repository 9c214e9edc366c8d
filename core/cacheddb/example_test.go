package cacheddb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

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
	handler := sessions.Handler(http.NotFoundHandler())
	fmt.Println(handler != nil)
	// What the database store cannot do, the pair cannot do: memory has no schema.
	fmt.Println(errors.Is(store.Migrate(context.Background()), errors.ErrUnsupported))
	// Output:
	// true
	// true
}

package otelsession_test

import (
	"fmt"

	"github.com/seshat-go/seshat/adapters/otelsession"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// The providers are the global ones, which the application sets with its SDK.
func Example() {
	events := otelsession.New(otelsession.Options{})
	store := cacheddb.New(
		session.NewMemoryStore(session.MemoryOptions{}), // a redisstore in production,
		session.NewMemoryStore(session.MemoryOptions{}), // and a gormstore
		cacheddb.Options{Events: events})
	_, err := session.New(session.Options{Store: store, Events: events})
	fmt.Println(err)
	// Output: <nil>
}

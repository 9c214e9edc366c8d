package cacheddb_test

import (
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestStoreKeepsTheContractOfStores(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store {
		return cacheddb.New(
			session.NewMemoryStore(session.MemoryOptions{}),
			session.NewMemoryStore(session.MemoryOptions{}),
			cacheddb.Options{})
	})
}

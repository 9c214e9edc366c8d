package storetest_test

import (
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestMemoryStoreKeepsTheContractOfStores(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store {
		return session.NewMemoryStore(session.MemoryOptions{})
	})
}

func TestMemoryStoreKeepsTheContractOfCaches(t *testing.T) {
	storetest.RunCache(t, func(*testing.T) cacheddb.Cache {
		return session.NewMemoryStore(session.MemoryOptions{})
	})
}

package cacheddb_test

import (
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestPairingsKeepTheContractOfStores(t *testing.T) {
	each(t, func(t *testing.T, cache func() cacheddb.Cache, db database) {
		g, _ := db.open(t)
		storetest.Run(t, func(t *testing.T) session.Store {
			return process(t, cache(), store(t, g), patient())
		})
	})
}

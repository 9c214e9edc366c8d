package gormstore_test

import (
	"testing"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestStore(t *testing.T) {
	each(t, conforms)
}

func TestStoreWithClientFoundRows(t *testing.T) {
	needServers(t)
	conforms(t, mariaDB.with("clientFoundRows", params("clientFoundRows=true")))
}

// conforms gives each store a table of its own in the same database.
func conforms(t *testing.T, db database) {
	g := db.open(t, db.pool(t, ""), gorm.Config{})
	storetest.Run(t, func(t *testing.T) session.Store { return migrated(t, g, newTable()) })
}

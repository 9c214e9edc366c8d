// Package gormstore_test runs the store against real PostgreSQL, MariaDB and
// SQLite. Without servers (see package servers) it runs against SQLite alone.
package gormstore_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // it tells of each connection that a test cuts
	servers.Main(m)
}

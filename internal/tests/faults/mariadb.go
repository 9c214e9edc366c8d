package faults

import "github.com/seshat-go/seshat/internal/tests/servers"

// MariaDB lists what goes wrong with a MariaDB server, and on the way to it.
func MariaDB(db *servers.SQLServer, through ...*servers.Proxy) []Fault {
	return append(processes("MariaDB", db, Nothing), Network("MariaDB", through...)...)
}

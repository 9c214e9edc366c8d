package faults

import "github.com/seshat-go/seshat/internal/tests/servers"

// Postgres lists what goes wrong with a PostgreSQL server, and on the way to it.
func Postgres(db *servers.SQLServer, through ...*servers.Proxy) []Fault {
	return append(processes("PostgreSQL", db, Nothing), Network("PostgreSQL", through...)...)
}

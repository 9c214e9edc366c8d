package cli_test

import (
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

// TestSeshat is all tests of the tool, so that it is built once.
func TestSeshat(t *testing.T) {
	bin := build(t)
	for name, f := range map[string]func(*testing.T, tool){
		"what it is not told is a usage error":                         usageErrors,
		"help, completion and version need no server":                  helps,
		"SQLite alone serves all commands":                             sqliteAlone,
		"no password is ever printed":                                  noPassword,
		"each command works on each engine":                            commandsOnEngines,
		"ending a session in cached_db is seen through a filled cache": endsInCache,
		"copies between engines are verified and finished":             copies,
		"each server of a Cluster is looked at":                        onCluster,
		"interrupted, it says what it did":                             interrupted,
		"doctor has nothing to say of a clean setup":                   doctorClean,
		"doctor finds what is wrong with settings":                     doctorSettings,
		"doctor finds what is wrong with Redis":                        doctorRedis,
		"doctor finds what is wrong with PostgreSQL":                   doctorPostgres,
		"doctor finds what is wrong with MariaDB":                      doctorMariaDB,
		"doctor finds servers that cannot be reached":                  doctorUnreachable,
		"what a user calls themselves cannot move a terminal's cursor": hostileNames,
	} {
		t.Run(name, func(t *testing.T) { f(t, bin) })
	}
}

package faults_test

import (
	"testing"

	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

const gone = "invalid connection|EOF|reset|bad connection|broken pipe"

var mariaSights = map[string]sight{
	"MariaDB is killed":                                   {gone, "refused"},
	"MariaDB is killed and restarted at once":             {gone, ""},
	"MariaDB is paused for a moment":                      {},
	"MariaDB is paused for longer than the time limit":    {"timeout|deadline", "timeout|deadline"},
	"MariaDB is shut down in order":                       {gone, "refused"},
	"MariaDB's disk is full and it goes down":             {gone, "refused"},
	"MariaDB ends all connections":                        {gone, ""},
	"MariaDB ends all connections again and again":        {sometimes + gone, sometimes + gone},
	"MariaDB cancels whatever runs, again and again":      {sometimes + "1317", sometimes + "1317"},
	"MariaDB has no connection left":                      {gone, "1040"},
	"MariaDB takes few connections":                       {gone, "1040"},
	"MariaDB has another password":                        {gone, "1045"},
	"MariaDB has locked the account":                      {gone, "4151"},
	"MariaDB's rows are locked by another session":        {"", "timeout|deadline"},
	"MariaDB's tables are locked against writes":          {"", "timeout|deadline"},
	"MariaDB's tables are locked":                         {"timeout|deadline", "timeout|deadline"},
	"MariaDB is locked for a backup":                      {"", "timeout|deadline"},
	"MariaDB's tables wait for an administrator":          {"timeout|deadline", "timeout|deadline"},
	"MariaDB's rows are locked by others in either order": {"MariaDB deadlocks", "1"},
	"MariaDB writes its tables anew":                      {},
	"MariaDB ends statements after a millisecond":         {gone, sometimes + "1969"},
	"MariaDB ends idle connections":                       {idle, ""},
	"MariaDB isolates transactions as if serial":          {gone, ""},
	"MariaDB does not wait for locked rows":               {gone, "1205"},
	"MariaDB is read-only by default":                     {gone, "1792"},
}

func TestEachFaultOfMariaDBHappensAndEnds(t *testing.T) {
	t.Parallel()
	db := servers.MariaDB(t)
	list := faults.MariaDB(db)
	described(t, list, mariaSights)
	admin := openSQL(t, "mysql", db.DSN)
	execute(t, admin, "CREATE TABLE tea (id INT PRIMARY KEY, n INT)")
	for _, f := range list {
		t.Run(f.Name, func(t *testing.T) {
			sqlFault(t, admin, func() *sqlUser { return &sqlUser{driver: "mysql", dsn: db.DSN} }, f, mariaSights[f.Name])
		})
	}
}

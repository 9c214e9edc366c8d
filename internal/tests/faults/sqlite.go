package faults

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"
)

// SQLite lists what goes wrong with a database that is a file.
func SQLite(file string) []Fault {
	var holder *sql.DB
	return []Fault{{
		Name: "another process writes for a long time",
		Inject: func(t testing.TB) {
			var err error
			if holder, err = sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)"); err != nil {
				t.Fatal(err)
			}
			holder.SetMaxOpenConns(1)
			if _, err := holder.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
		},
		Mend: func(testing.TB) {
			if holder != nil {
				_ = holder.Close()
				holder = nil
			}
		},
	}}
}

package faults

import (
	"context"
	"database/sql"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"
)

// SQLite lists what goes wrong with a database that is a file, which other
// programs use, too. The file exists when a fault begins.
func SQLite(file string) []Fault {
	var stop func()
	stopped := func(testing.TB, *sql.Conn) { stop() }
	b := base{driver: "sqlite", dsn: "file:" + file + "?_pragma=busy_timeout(10000)"}
	again := func(every time.Duration, statements ...string) func(testing.TB, *sql.Conn) {
		return func(t testing.TB, c *sql.Conn) {
			run(statements...)(t, c)
			stop = repeat(every, func() {
				for _, statement := range statements {
					_, _ = c.ExecContext(context.Background(), statement)
				}
			})
		}
	}
	return []Fault{
		b.says("another program has the file locked for writing", []string{"BEGIN IMMEDIATE"}, []string{"ROLLBACK"}),
		b.asks("another program had the file locked for a moment", func(t testing.TB, c *sql.Conn) {
			for _, mode := range []string{"IMMEDIATE", "EXCLUSIVE"} {
				execute(t, c, "BEGIN "+mode)
				time.Sleep(brief) // the fault itself
				execute(t, c, "ROLLBACK")
			}
		}, nil),
		b.asks("other programs lock the file again and again", func(_ testing.TB, c *sql.Conn) {
			stop = repeat(time.Millisecond, func() {
				_, _ = c.ExecContext(context.Background(), "BEGIN IMMEDIATE")
				time.Sleep(20 * time.Millisecond) // the fault itself
				_, _ = c.ExecContext(context.Background(), "COMMIT")
			})
		}, stopped),
		b.says("another program reads an old state for long", []string{"BEGIN", "SELECT count(*) FROM sqlite_master"}, []string{"ROLLBACK"}),
		b.asks("another program empties the log again and again", again(10*time.Millisecond, "PRAGMA wal_checkpoint(TRUNCATE)"), stopped),
		b.asks("another program changes the schema again and again",
			again(5*time.Millisecond, "CREATE TABLE IF NOT EXISTS oolong (n INT)", "DROP TABLE IF EXISTS oolong"), stopped),
		b.says("another program writes the file anew", []string{"VACUUM", "REINDEX"}, nil),
	}
}

package faults

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver "mysql"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// MariaDB lists what goes wrong with a MariaDB server, and on the way to it.
func MariaDB(db *servers.SQLServer, through ...*servers.Proxy) []Fault {
	b := base{
		driver: "mysql", dsn: db.DSN,
		tables: "SELECT CONCAT('`', table_name, '`') FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
	}
	list := processes("MariaDB", db, Nothing)
	list = append(list,
		state("MariaDB is shut down in order", Nothing, db.Shut, db.Restart),
		state("MariaDB's disk is full and it goes down", Nothing, func(t testing.TB) {
			other, c := b.connect(t)
			defer func() { _ = other.Close() }()
			db.LimitFiles(t)
			_, _ = c.ExecContext(context.Background(), "CREATE TABLE oolong (n INT)")
			db.AwaitEnd(t)
		}, db.Restart),
	)
	list = append(list, mariaConnections(b, db)...)
	list = append(list, mariaLocks(b)...)
	list = append(list, mariaSettings(b)...)
	return append(list, Network("MariaDB", through...)...)
}

// others lists the connections of clients but those of the administrator.
func (b base) others(ctx context.Context, c *sql.Conn) []string {
	rows, err := c.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')")
	if err != nil {
		return nil
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var id string
		if rows.Scan(&id) == nil {
			all = append(all, id)
		}
	}
	if rows.Err() != nil {
		return nil
	}
	return all
}

// killOthers ends the connections of all others, or what runs on them.
func (b base) killOthers(what string) func(testing.TB, *sql.Conn) {
	return func(_ testing.TB, c *sql.Conn) {
		for _, id := range b.others(context.Background(), c) {
			_, _ = c.ExecContext(context.Background(), "KILL "+what+" "+id) // it may have ended meanwhile
		}
	}
}

// mariaConnections lists what ends connections, or keeps new ones out.
func mariaConnections(b base, db *servers.SQLServer) []Fault {
	var stop func()
	stopped := func(testing.TB, *sql.Conn) { stop() }
	kill := b.killOthers("CONNECTION")
	again := func(every time.Duration, what string) func(testing.TB, *sql.Conn) {
		return func(t testing.TB, c *sql.Conn) {
			stop = repeat(every, func() { b.killOthers(what)(t, c) })
		}
	}
	return []Fault{
		b.asks("MariaDB ends all connections", kill, nil),
		b.asks("MariaDB ends all connections again and again", again(20*time.Millisecond, "CONNECTION"), stopped),
		b.asks("MariaDB cancels whatever runs, again and again", again(time.Millisecond, "QUERY"), stopped),
		b.asks("MariaDB has no connection left", func(t testing.TB, c *sql.Conn) {
			stop = b.exhaust(t, func() { kill(t, c) })
		}, stopped),
		b.asks("MariaDB takes few connections", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "SET GLOBAL max_connections = 10")
			stop = b.exhaust(t, func() { kill(t, c) })
		}, func(t testing.TB, c *sql.Conn) {
			stop()
			execute(t, c, "SET GLOBAL max_connections = 200")
		}),
		b.asks("MariaDB has another password", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "SET PASSWORD = PASSWORD('tea')")
			kill(t, c)
		}, func(t testing.TB, c *sql.Conn) { execute(t, c, "SET PASSWORD = PASSWORD('"+db.Password()+"')") }),
		b.asks("MariaDB has locked the account", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "ALTER USER CURRENT_USER() ACCOUNT LOCK")
			kill(t, c)
		}, run("ALTER USER CURRENT_USER() ACCOUNT UNLOCK")),
	}
}

// mariaLocks lists what makes statements wait.
func mariaLocks(b base) []Fault {
	var stop func()
	var holder *sql.DB
	lockTables := func(mode string) func(testing.TB, *sql.Conn) {
		return func(t testing.TB, c *sql.Conn) {
			var parts []string
			for _, table := range column(t, c, b.tables) {
				parts = append(parts, table+" "+mode)
			}
			if len(parts) > 0 {
				execute(t, c, "LOCK TABLES "+strings.Join(parts, ", "))
			}
		}
	}
	return []Fault{
		b.asks("MariaDB's rows are locked by another session", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "BEGIN")
			b.eachTable(t, c, "SELECT 1 FROM ", " FOR UPDATE")
		}, run("ROLLBACK")),
		b.asks("MariaDB's tables are locked against writes", lockTables("READ"), run("UNLOCK TABLES")),
		b.asks("MariaDB's tables are locked", lockTables("WRITE"), run("UNLOCK TABLES")),
		b.says("MariaDB is locked for a backup", []string{"FLUSH TABLES WITH READ LOCK"}, []string{"UNLOCK TABLES"}),
		b.asks("MariaDB's tables wait for an administrator", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "BEGIN")
			b.eachTable(t, c, "SELECT 1 FROM ", " LIMIT 1")
			holder, stop = b.alters(t, c)
		}, func(t testing.TB, c *sql.Conn) {
			execute(t, c, "ROLLBACK")
			stop()
			_ = holder.Close()
		}),
		b.asks("MariaDB's rows are locked by others in either order", func(t testing.TB, _ *sql.Conn) {
			stop = b.rivals(t, "ASC", "DESC", "ASC", "DESC")
		}, func(testing.TB, *sql.Conn) { stop() }),
		b.asks("MariaDB writes its tables anew", func(t testing.TB, c *sql.Conn) {
			b.eachTable(t, c, "OPTIMIZE TABLE ", "")
			b.eachTable(t, c, "ALTER TABLE ", " FORCE, ALGORITHM=COPY")
		}, nil),
	}
}

// alters begins to alter each table, which waits for the transaction of c, and
// lets all others wait behind; it returns when it waits. What is returned waits
// for the end.
func (b base) alters(t testing.TB, c *sql.Conn) (*sql.DB, func()) {
	t.Helper()
	db, err := sql.Open(b.driver, b.dsn)
	check(t, err)
	done := make(chan struct{})
	tables := column(t, c, b.tables)
	pending := make(chan struct{}, len(tables))
	for _, table := range tables {
		go func() {
			_, _ = db.ExecContext(context.Background(), "ALTER TABLE "+table+" FORCE")
			pending <- struct{}{}
		}()
	}
	go func() {
		defer close(done)
		for range tables {
			<-pending
		}
	}()
	until(t, "the tables wait", func() bool {
		return len(column(t, c, "SELECT id FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'")) >= len(tables)
	})
	return db, func() { <-done }
}

// mariaSettings lists settings that an administrator may come to.
func mariaSettings(b base) []Fault {
	// Sessions take over global settings when they begin, so all begin anew.
	kill := b.killOthers("CONNECTION")
	setting := func(name, key, value string, then, before func(testing.TB, *sql.Conn)) Fault {
		return b.asks(name, func(t testing.TB, c *sql.Conn) {
			execute(t, c, "SET GLOBAL "+key+" = "+value)
			kill(t, c)
			then(t, c)
		}, func(t testing.TB, c *sql.Conn) {
			before(t, c)
			execute(t, c, "SET GLOBAL "+key+" = DEFAULT")
			kill(t, c)
		})
	}
	locked := func(t testing.TB, c *sql.Conn) {
		execute(t, c, "BEGIN")
		b.eachTable(t, c, "SELECT 1 FROM ", " FOR UPDATE")
	}
	return []Fault{
		setting("MariaDB ends statements after a millisecond", "max_statement_time", "0.001", run(), run()),
		setting("MariaDB ends idle connections", "wait_timeout", "1", run(), run()),
		setting("MariaDB isolates transactions as if serial", "tx_isolation", "'SERIALIZABLE'", run(), run()),
		setting("MariaDB is read-only by default", "tx_read_only", "1", run(), run()),
		setting("MariaDB does not wait for locked rows", "innodb_lock_wait_timeout", "0", locked, run("ROLLBACK")),
	}
}

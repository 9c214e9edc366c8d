package faults

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Postgres lists what goes wrong with a PostgreSQL server, and on the way to it.
func Postgres(db *servers.SQLServer, through ...*servers.Proxy) []Fault {
	b := base{
		driver: "pgx", dsn: db.DSN,
		tables: "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
	}
	list := processes("PostgreSQL", db, Nothing)
	list = append(list, postgresProcesses(b, db)...)
	list = append(list, postgresConnections(b, db)...)
	list = append(list, postgresLocks(b)...)
	list = append(list, postgresSettings(b)...)
	return append(list, Network("PostgreSQL", through...)...)
}

// postgresProcesses lists what ends the server.
func postgresProcesses(b base, db *servers.SQLServer) []Fault {
	return []Fault{
		state("PostgreSQL is shut down in order", Nothing, db.Shut, db.Restart),
		b.asks("a process of PostgreSQL crashes, and all begin anew", func(t testing.TB, c *sql.Conn) {
			other, witness := b.connect(t)
			defer func() { _ = other.Close() }()
			db.Crash(t, column(t, c, "SELECT pg_backend_pid()")[0])
			until(t, "all processes end", func() bool { return witness.PingContext(context.Background()) != nil })
			until(t, "PostgreSQL begins anew", b.serves)
		}, nil),
		state("PostgreSQL's disk is full and it goes down", Nothing, func(t testing.TB) {
			other, c := b.connect(t)
			defer func() { _ = other.Close() }()
			db.LimitFiles(t)
			_, _ = c.ExecContext(context.Background(), "SELECT pg_logical_emit_message(true, 'tea', 'oolong')")
			db.AwaitEnd(t)
		}, db.Restart),
	}
}

const (
	pgOthers    = " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
	pgTerminate = "SELECT pg_terminate_backend(pid)" + pgOthers
	pgCancel    = "SELECT pg_cancel_backend(pid)" + pgOthers
)

// postgresConnections lists what ends connections, or keeps new ones out.
func postgresConnections(b base, db *servers.SQLServer) []Fault {
	var stop func()
	stopped := func(testing.TB, *sql.Conn) { stop() }
	again := func(every time.Duration, statement string) func(testing.TB, *sql.Conn) {
		return func(t testing.TB, c *sql.Conn) {
			execute(t, c, statement)
			stop = repeat(every, func() { _, _ = c.ExecContext(context.Background(), statement) })
		}
	}
	elsewhere := base{driver: b.driver, dsn: strings.Replace(b.dsn, "/postgres?", "/template1?", 1)}
	return []Fault{
		b.says("PostgreSQL ends all connections", []string{pgTerminate}, nil),
		b.asks("PostgreSQL ends all connections again and again", again(20*time.Millisecond, pgTerminate), stopped),
		b.asks("PostgreSQL cancels whatever runs, again and again", again(time.Millisecond, pgCancel), stopped),
		b.asks("PostgreSQL has no connection left", func(t testing.TB, c *sql.Conn) {
			stop = b.exhaust(t, func() { execute(t, c, pgTerminate) })
		}, stopped),
		elsewhere.says("PostgreSQL lets nobody into the database",
			[]string{"ALTER DATABASE postgres ALLOW_CONNECTIONS false", pgTerminate},
			[]string{"ALTER DATABASE postgres ALLOW_CONNECTIONS true"}),
		b.says("PostgreSQL has another password",
			[]string{"ALTER ROLE CURRENT_USER PASSWORD 'tea'", pgTerminate},
			[]string{"ALTER ROLE CURRENT_USER PASSWORD '" + db.Password() + "'"}),
	}
}

// postgresLocks lists what makes statements wait.
func postgresLocks(b base) []Fault {
	var stop func()
	locks := func(name, before, after string) Fault {
		return b.asks(name, func(t testing.TB, c *sql.Conn) {
			execute(t, c, "BEGIN")
			b.eachTable(t, c, before, after)
		}, run("ROLLBACK"))
	}
	return []Fault{
		locks("PostgreSQL's rows are locked by another session", "SELECT 1 FROM ", " FOR UPDATE"),
		locks("PostgreSQL's tables are locked against writes", "LOCK TABLE ", " IN EXCLUSIVE MODE"),
		locks("PostgreSQL's tables are locked", "LOCK TABLE ", " IN ACCESS EXCLUSIVE MODE"),
		b.setting("PostgreSQL's rows are locked by others in either order", "deadlock_timeout", "20", func(t testing.TB, _ *sql.Conn) {
			stop = b.rivals(t, "ASC", "DESC", "ASC", "DESC")
		}, func(testing.TB, *sql.Conn) { stop() }),
		b.asks("PostgreSQL writes its tables anew", func(t testing.TB, c *sql.Conn) {
			b.eachTable(t, c, "VACUUM FULL ", "")
			b.eachTable(t, c, "REINDEX TABLE ", "")
		}, nil),
		b.setting("PostgreSQL's commits wait for a replica that is gone", "synchronous_standby_names", "tea", func(t testing.TB, _ *sql.Conn) {
			until(t, "commits wait", b.commitsWait) // what the setting says is done a little later
		}, nil),
	}
}

// commitsWait tells whether a commit takes longer than one does that waits for
// nobody.
func (b base) commitsWait() bool {
	db, err := sql.Open(b.driver, b.dsn)
	if err != nil {
		return false
	}
	defer func() { _ = db.Close() }()
	if db.PingContext(context.Background()) != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), brief)
	defer cancel()
	_, err = db.ExecContext(ctx, "SELECT pg_logical_emit_message(true, 'tea', 'oolong')")
	return err != nil
}

// postgresSettings lists settings that an administrator may come to.
func postgresSettings(b base) []Fault {
	return []Fault{
		b.setting("PostgreSQL is read-only", "default_transaction_read_only", "on", nil, nil),
		b.setting("PostgreSQL ends statements after a millisecond", "statement_timeout", "1", nil, nil),
		b.setting("PostgreSQL ends idle connections", "idle_session_timeout", "20", nil, nil),
		b.setting("PostgreSQL isolates transactions as if serial", "default_transaction_isolation", "serializable", nil, nil),
		b.setting("PostgreSQL waits for locked rows a millisecond", "lock_timeout", "1", func(t testing.TB, c *sql.Conn) {
			execute(t, c, "BEGIN")
			b.eachTable(t, c, "SELECT 1 FROM ", " FOR UPDATE")
		}, run("ROLLBACK")),
	}
}

// setting is a fault by a setting of PostgreSQL for all sessions but its own,
// and by what is done then and undone before.
func (b base) setting(name, key, value string, then, before func(testing.TB, *sql.Conn)) Fault {
	var usual string
	current := "SELECT reset_val FROM pg_settings WHERE name = '" + key + "'"
	becomes := func(t testing.TB, c *sql.Conn, value string) {
		execute(t, c, "SELECT pg_reload_conf()")
		until(t, key+" is "+value, func() bool { return column(t, c, current)[0] == value })
	}
	return b.asks(name, func(t testing.TB, c *sql.Conn) {
		usual = column(t, c, current)[0]
		personal := column(t, c, "SELECT context FROM pg_settings WHERE name = '"+key+"'")[0] == "user"
		if personal {
			execute(t, c, "SET "+key+" = '"+usual+"'")
		}
		execute(t, c, "ALTER SYSTEM SET "+key+" = '"+value+"'")
		becomes(t, c, value)
		if then != nil {
			then(t, c)
		}
	}, func(t testing.TB, c *sql.Conn) {
		if before != nil {
			before(t, c)
		}
		execute(t, c, "ALTER SYSTEM RESET "+key)
		becomes(t, c, usual)
	})
}

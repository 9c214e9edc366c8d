package faults_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

var postgresSights = map[string]sight{
	"PostgreSQL is killed":                                   {"EOF|reset|refused", "refused"},
	"PostgreSQL is killed and restarted at once":             {"EOF|reset", ""},
	"PostgreSQL is paused for a moment":                      {},
	"PostgreSQL is paused for longer than the time limit":    {"timeout|deadline", "timeout|deadline"},
	"PostgreSQL is shut down in order":                       {"57P01|EOF|reset", "refused"},
	"a process of PostgreSQL crashes, and all begin anew":    {"57P02|EOF|reset", ""},
	"PostgreSQL's disk is full and it goes down":             {"57P02|EOF|reset", "refused"},
	"PostgreSQL ends all connections":                        {"57P01", ""},
	"PostgreSQL ends all connections again and again":        {sometimes + "57P01|EOF|reset", sometimes + "57P01|EOF|reset"},
	"PostgreSQL cancels whatever runs, again and again":      {sometimes + "57014", sometimes + "57014"},
	"PostgreSQL has no connection left":                      {"57P01", "53300"},
	"PostgreSQL lets nobody into the database":               {"57P01", "55000"},
	"PostgreSQL has another password":                        {"57P01", "28P01"},
	"PostgreSQL's rows are locked by another session":        {"", "timeout|deadline"},
	"PostgreSQL's tables are locked against writes":          {"", "timeout|deadline"},
	"PostgreSQL's tables are locked":                         {"timeout|deadline", "timeout|deadline"},
	"PostgreSQL's rows are locked by others in either order": {"PostgreSQL deadlocks", "true"},
	"PostgreSQL writes its tables anew":                      {},
	"PostgreSQL's commits wait for a replica that is gone":   {"", "timeout|deadline"},
	"PostgreSQL is read-only":                                {"", "25006"},
	"PostgreSQL ends statements after a millisecond":         {"57014|", sometimes + "57014"},
	"PostgreSQL ends idle connections":                       {idle, ""},
	"PostgreSQL isolates transactions as if serial":          {"PostgreSQL isolates", "serializable"},
	"PostgreSQL waits for locked rows a millisecond":         {"", "55P03"},
}

// answers are questions to the server: for those sights, write is the answer.
var answers = map[string]string{
	"PostgreSQL isolates":       "SELECT current_setting('transaction_isolation')",
	"PostgreSQL deadlocks":      "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()",
	"SQLite holds its log":      "PRAGMA wal_checkpoint(TRUNCATE)", // 1: somebody reads
	"SQLite has no log":         "PRAGMA wal_checkpoint(TRUNCATE)",
	"SQLite has another schema": "SELECT schema_version > 100 FROM pragma_schema_version",
	"MariaDB isolates":          "SELECT @@tx_isolation",
	"MariaDB deadlocks":         "SELECT variable_value > 0 FROM information_schema.global_status WHERE variable_name = 'INNODB_DEADLOCKS'",
}

func TestEachFaultOfPostgreSQLHappensAndEnds(t *testing.T) {
	t.Parallel()
	db := servers.Postgres(t)
	list := faults.Postgres(db)
	described(t, list, postgresSights)
	admin := openSQL(t, "pgx", db.DSN)
	execute(t, admin, "CREATE TABLE tea (id INT PRIMARY KEY, n INT)")
	for _, f := range list {
		t.Run(f.Name, func(t *testing.T) {
			sqlFault(t, admin, func() *sqlUser { return &sqlUser{driver: "pgx", dsn: db.DSN} }, f, postgresSights[f.Name])
		})
	}
}

func openSQL(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxIdleConns(0)
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func sqlFault(t *testing.T, admin *sql.DB, user func() *sqlUser, f faults.Fault, want sight) {
	f.Mend(t) // has no effect
	execute(t, admin, "DELETE FROM tea")
	const rows = 50
	values := "(0, 0)"
	for n := 1; n < rows; n++ {
		values += fmt.Sprintf(", (%d, 0)", n)
	}
	execute(t, admin, "INSERT INTO tea VALUES "+values)
	c := user()
	defer c.close()
	works(t, c)
	came := look(t, user(), f, want)
	t.Cleanup(func() { f.Mend(t) })
	f.Inject(t)
	if !came() {
		t.Error("nothing has happened")
	}
	if query := answers[want.read]; query != "" {
		c.close()
		for answer, err := "", error(nil); answer != want.write; answer, err = c.do(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
		}
	} else {
		see(t, c, want)
	}
	f.Mend(t)
	f.Mend(t)
	works(t, c)
	c.close()
	works(t, c)
	c.close()
	var left int
	if err := admin.QueryRowContext(t.Context(), "SELECT count(*) FROM tea").Scan(&left); err != nil || left != rows {
		t.Errorf("%d of %d rows are left, %v", left, rows, err)
	}
}

// A sqlUser is a program with one connection.
type sqlUser struct {
	driver, dsn string
	db          *sql.DB
	conn        *sql.Conn
	written     int
}

func (c *sqlUser) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		_ = c.db.Close()
		c.conn = nil
	}
}

func (c *sqlUser) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	db, err := sql.Open(c.driver, c.dsn)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return err
	}
	c.db, c.conn = db, conn
	return nil
}

func (c *sqlUser) do(ctx context.Context, statement string) (answer string, err error) {
	if err := c.connect(ctx); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	rows, err := c.conn.QueryContext(ctx, statement)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil || !rows.Next() {
		return "", errors.Join(err, rows.Err())
	}
	first, rest := sql.NullString{}, make([]any, len(columns)-1)
	for i := range rest {
		rest[i] = new(any)
	}
	err = rows.Scan(append([]any{&first}, rest...)...)
	return first.String, err
}

func (c *sqlUser) read(ctx context.Context) error {
	_, err := c.do(ctx, "SELECT n FROM tea WHERE id = 7")
	return err
}

func (c *sqlUser) write(ctx context.Context) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	c.written++
	_, err := c.conn.ExecContext(ctx, fmt.Sprintf("UPDATE tea SET n = %d WHERE id = 7", c.written))
	if err != nil {
		c.close()
	}
	return err
}

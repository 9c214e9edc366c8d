package cli_test

import (
	"database/sql"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

func doctorPostgres(t *testing.T, seshat tool) {
	needServers(t)
	server := servers.SharedPostgres(t)
	env := append([]string{"DATABASE_URL=" + server.URL}, apart()...)
	table := strings.TrimPrefix(env[1], "SESSION_TABLE=")
	db, err := sql.Open("pgx", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	with := func(parameter string) []string {
		return append(slices.Clone(env), "DATABASE_URL="+server.URL+"&"+parameter)
	}
	seshat.finds(t, "database.schema", "problem", env)
	do("CREATE TABLE " + table + " (id int)")
	seshat.finds(t, "database.schema", "problem", env)
	do("DROP TABLE " + table)
	seshat.ok(t, env, "migrate")
	seshat.clean(t, env, unsynced...)
	seshat.finds(t, "postgres.fsync", "problem", env)
	do("DROP INDEX " + table + "_principal")
	seshat.finds(t, "database.schema", "warning", env)
	seshat.ok(t, env, "migrate")

	for _, nowhere := range [][]string{append(slices.Clone(env), "SESSION_TABLE=nowhere.sessions"), with("search_path=nowhere")} {
		if found := seshat.examine(t, nowhere)["database.schema"]; found.Severity != "problem" || !strings.Contains(found.Do, "Make the schema first") {
			t.Errorf("with %v it advises %+v", nowhere, found)
		}
	}
	do("CREATE ROLE reader LOGIN PASSWORD 'p'", "GRANT SELECT ON "+table+" TO reader")
	reader := append(slices.Clone(env), "DATABASE_URL="+asReader(t, server.URL))
	if found := seshat.examine(t, reader)["database.rights"]; found.Severity != "problem" || !strings.Contains(found.Found, "not INSERT, UPDATE, DELETE in") {
		t.Errorf("of a user who may only read it says %+v", found)
	}
	do("GRANT INSERT, UPDATE, DELETE ON " + table + " TO reader")
	seshat.clean(t, reader, unsynced...)

	do("CREATE SCHEMA ahead", "CREATE FUNCTION ahead.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now() + interval ''90 seconds'''")
	seshat.finds(t, "clock", "problem", with("search_path=ahead,pg_catalog,public"))
	do("CREATE OR REPLACE FUNCTION ahead.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now() - interval ''9 seconds'''")
	seshat.finds(t, "clock", "warning", with("search_path=ahead,pg_catalog,public"))
	seshat.finds(t, "postgres.synchronous_commit", "warning", with("synchronous_commit=off"))
	seshat.finds(t, "database.readonly", "problem", with("default_transaction_read_only=on"))

	do("INSERT INTO " + table + " (id, version, mark, expires, purge_after, payload) SELECT lpad(i::text, 43, '0'), 1, '', 1000000, 1000000, '' FROM generate_series(1, 1000) AS i")
	seshat.finds(t, "database.expired", "warning", env)
	seshat.ok(t, env, "clearsessions")
	seshat.clean(t, env, unsynced...)
}

func doctorMariaDB(t *testing.T, seshat tool) {
	needServers(t)
	server := servers.SharedMariaDB(t)
	env := append([]string{"DATABASE_URL=" + server.URL}, apart()...)
	seshat.finds(t, "database.schema", "problem", env)
	seshat.ok(t, env, "migrate")
	seshat.finds(t, "mysql.flush", "warning", env) // as these servers are started, for speed
	db, err := sql.Open("mysql", server.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	set := func(variable string) { t.Helper(); do("SET GLOBAL " + variable) }
	set("innodb_flush_log_at_trx_commit = 1")
	seshat.clean(t, env)
	nowhere := append(slices.Clone(env), "SESSION_TABLE=nowhere.sessions")
	if found := seshat.examine(t, nowhere)["database.schema"]; found.Severity != "problem" || !strings.Contains(found.Do, "Make the schema first") {
		t.Errorf("without the schema it advises %+v", found)
	}
	table := strings.TrimPrefix(env[1], "SESSION_TABLE=")
	do("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'p'")
	do("GRANT SELECT ON " + table + " TO reader@'127.0.0.1'")
	reader := append(slices.Clone(env), "DATABASE_URL="+asReader(t, server.URL))
	if found := seshat.examine(t, reader)["database.rights"]; found.Severity != "problem" || !strings.Contains(found.Found, "not INSERT, UPDATE, DELETE in") {
		t.Errorf("of a user who may only read it says %+v", found)
	}
	do("GRANT INSERT, UPDATE, DELETE ON " + table + " TO reader@'127.0.0.1'")
	seshat.clean(t, reader)
	set("read_only = ON")
	defer set("read_only = OFF")
	seshat.finds(t, "database.readonly", "problem", env)
}

// asReader is the URL as another user.
func asReader(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("reader", "p")
	return u.String()
}

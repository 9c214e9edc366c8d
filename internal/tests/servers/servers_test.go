package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func TestMain(m *testing.M) { Main(m) }

func TestRedisAnswersDiesAndRestartsEmpty(t *testing.T) {
	r := Redis(t, "--maxmemory", "4mb")
	if got := reply(t, r.Addr, "CONFIG GET maxmemory"); got != "*2" {
		t.Errorf("CONFIG GET answered %q", got)
	}
	if got := reply(t, r.Addr, "SET tea oolong"); got != "+OK" {
		t.Errorf("SET answered %q", got)
	}
	r.Kill(t)
	r.Kill(t) // no effect on a dead server
	if _, err := ask(r.Addr, "PING"); err == nil {
		t.Error("a killed server answered")
	}
	r.Restart(t)
	if got := reply(t, r.Addr, "EXISTS tea"); got != ":0" {
		t.Errorf("after a restart EXISTS answered %q", got)
	}
}

func TestStoppedRedisIsSilentUntilItContinues(t *testing.T) {
	r := Redis(t)
	r.Stop(t)
	conn, err := net.Dial("tcp", r.Addr) // the kernel still accepts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	answer := make([]byte, len("+PONG\r\n"))
	if n, err := conn.Read(answer); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stopped server answered %q, %v", answer[:n], err)
	}
	r.Cont(t)
	_ = conn.SetReadDeadline(time.Time{})
	if _, err := conn.Read(answer); err != nil || string(answer) != "+PONG\r\n" {
		t.Errorf("after Cont: %q, %v", answer, err)
	}
}

func TestRedisClusterServesAllSlots(t *testing.T) {
	nodes := SharedRedisCluster(t)
	if again := SharedRedisCluster(t); !slices.Equal(nodes, again) {
		t.Errorf("two shared clusters: %v and %v", nodes, again)
	}
	served := 0
	for key := range 20 {
		for _, addr := range nodes {
			_, err := ask(addr, fmt.Sprintf("SET tea%d oolong", key))
			if err == nil {
				served++
			} else if !strings.Contains(err.Error(), "MOVED") {
				t.Error(err)
			}
		}
	}
	if served != 20 {
		t.Errorf("20 keys were kept %d times", served)
	}
}

func TestPostgresKeepsWhatWasCommitted(t *testing.T) {
	s := Postgres(t)
	keepsData(t, "pgx", s)
	takes200Connections(t, "pgx", s)
}

func TestMariaDBKeepsWhatWasCommitted(t *testing.T) {
	s := MariaDB(t)
	keepsData(t, "mysql", s)
	takes200Connections(t, "mysql", s)
}

func keepsData(t *testing.T, driver string, s *SQLServer) {
	t.Helper()
	if u, err := url.Parse(s.URL); err != nil || u.Host != s.Addr || u.User == nil {
		t.Errorf("URL for %s: %v, %v", s.Addr, u, err)
	}
	db := open(t, driver, s.DSN)
	db.SetMaxIdleConns(0) // no connection of a dead server is tried again
	execute(t, db, "CREATE TABLE tea (name VARCHAR(20))")
	execute(t, db, "INSERT INTO tea VALUES ('oolong')")
	s.Kill(t)
	if err := db.Ping(); err == nil {
		t.Error("a killed server answered")
	}
	s.Restart(t)
	if n := count(t, db); n != 1 {
		t.Errorf("after Kill and Restart the table has %d rows, not 1", n)
	}
	execute(t, db, "INSERT INTO tea VALUES ('sencha')")
	s.Restart(t) // kills by itself
	if n := count(t, db); n != 2 {
		t.Errorf("after Restart the table has %d rows, not 2", n)
	}

	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t) // open connections, too, are silent
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := conn.PingContext(ctx); err == nil {
		t.Error("a stopped server answered")
	}
	_ = conn.Close()
	s.Cont(t)
	if n := count(t, db); n != 2 {
		t.Errorf("after Stop and Cont the table has %d rows, not 2", n)
	}
}

func takes200Connections(t *testing.T, driver string, s *SQLServer) {
	t.Helper()
	db := open(t, driver, s.DSN)
	for n := range 190 { // a few are kept for the superuser
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatalf("connection %d: %v", n, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

func TestWithoutBeingAskedForServersAreSkipped(t *testing.T) {
	t.Setenv(Variable, "")
	if Wanted() {
		t.Fatal("wanted without being asked for")
	}
	t.Run("skipped", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				t.Error("not skipped")
			}
		}()
		Redis(t)
	})
}

func TestAMissingProgramSaysWhatToInstall(t *testing.T) {
	_, err := find("seshat-no-such-server", "tea-server")
	if err == nil || !strings.Contains(err.Error(), "apt-get install tea-server") {
		t.Errorf("find: %v", err)
	}
}

func reply(t *testing.T, addr, line string) string {
	t.Helper()
	text, err := ask(addr, line)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM tea").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

package cli_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// interrupted holds a lock on one session, so that the command ends the others
// and waits.
func interrupted(t *testing.T, seshat tool) {
	needServers(t)
	s := openSite(t, engines(t)["db"]...)
	last := session.ID("")
	for range 4 {
		if id, _ := s.visit(""); id > last {
			last = id
		}
	}
	db, err := sql.Open("pgx", servers.SharedPostgres(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	table := ""
	for _, e := range s.env {
		if name, ok := strings.CutPrefix(e, "SESSION_TABLE="); ok {
			table = name
		}
	}
	if _, err := tx.ExecContext(t.Context(), "SELECT 1 FROM "+table+` WHERE id = $1 FOR UPDATE`, string(last)); err != nil {
		t.Fatal(err)
	}
	cmd := seshat.command(t, s.env, "revoke", "--all", "--yes", "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for left := 4; left > 1; {
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	var r revoked
	if err := json.NewDecoder(bufio.NewReader(&stdout)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if cmd.ProcessState.ExitCode() != 130 || r.Ended != 3 || r.Error == nil || r.Error.Code != "interrupted" {
		t.Errorf("status %d, %+v %+v; want 130 and 3 ended", cmd.ProcessState.ExitCode(), r, r.Error)
	}
}

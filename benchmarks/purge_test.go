package benchmarks

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// BenchmarkPurge deletes a million expired rows beside traffic, on PostgreSQL and
// MariaDB, and writes PURGE.md: make purge.
func BenchmarkPurge(t *testing.B) {
	if !servers.Wanted() {
		t.Fatal("measures on real servers: run make purge")
	}
	b := &PurgeBench{Rows: 1_000_000, Alone: 20 * time.Second, Say: sayer()}
	if text := os.Getenv("BENCH_ROWS"); text != "" {
		if _, err := fmt.Sscan(text, &b.Rows); err != nil || b.Rows < 1 {
			t.Fatalf("BENCH_ROWS is %q: give a number, such as 1000000", text)
		}
	}
	purges, err := b.measured(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("PURGE.md", []byte(purges.Markdown()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// measured runs on private servers.
func (b *PurgeBench) measured(t testing.TB) (*Purges, error) {
	p := newPark(t)
	machine := p.machine(t)
	maria := servers.MariaDBWith(t, "--log-bin=binlog", "--server-id=1", "--binlog-format=ROW", "--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M")
	purges, err := b.Run(purgePostgres(p.env(t).Postgres), purgeMariaDB(maria.DSN))
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", maria.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	var version, isolation, flush, sync string
	if err := db.QueryRow(`SELECT @@version, @@tx_isolation, @@innodb_flush_log_at_trx_commit, @@sync_binlog`).Scan(&version, &isolation, &flush, &sync); err != nil {
		return nil, err
	}
	version, _, _ = strings.Cut(version, "-")
	for _, s := range machine {
		if s.Name != "Redis" {
			purges.Machine = append(purges.Machine, s)
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		purges.Machine = append(purges.Machine, Setting{"load at the end", string(load[:max(0, strings.IndexByte(string(load), ' '))]) + ", of the run itself and of what else ran"})
	}
	purges.Machine = append(purges.Machine, Setting{"MariaDB", fmt.Sprintf(
		"%s, over TCP on the same machine; %s, innodb_flush_log_at_trx_commit %s and sync_binlog %s (a commit is not waited for until it is on disk), innodb_buffer_pool_size 512M, binlog_format ROW",
		version, isolation, flush, sync)})
	return purges, nil
}

// TestABriefPurgeIsMeasuredInAllWays deletes a few rows only.
func TestABriefPurgeIsMeasuredInAllWays(t *testing.T) {
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	b := &PurgeBench{Rows: 250, Alone: 50 * time.Millisecond, Say: t.Logf}
	purges, err := b.measured(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range purges.All {
		if len(on.Runs) != 4 {
			t.Errorf("%s: %d ways", on.Database, len(on.Runs))
		}
		for _, r := range on.Runs[1:] {
			if r.Rows != b.Rows || r.Logged <= 0 || r.Traffic.Failed != 0 || r.Longest <= 0 || r.Longest > r.Took {
				t.Errorf("%s, %s: %+v", on.Database, r.How, r)
			}
		}
		if ours, once := on.Runs[1], on.Runs[3]; ours.Steps < 2 || once.Steps != 1 || on.Runs[0].Traffic.Requests == 0 {
			t.Errorf("%s: %+v", on.Database, on.Runs)
		}
	}
	page := purges.Markdown()
	for _, want := range []string{"| no purge | - |", "| one `DELETE` | ", "| MariaDB | ", "250 expired"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/stores/fromenv"
)

func examineDatabase(ctx context.Context, r *Report, s fromenv.Settings) {
	p := r.at(s.DatabaseURL.String())
	unreachable := func(found string) {
		p.add(Problem, "database.unreachable", found, map[bool]string{
			true:  "Every request with a session is answered with 503.",
			false: "Only what is in the cache can be read; every write is answered with 503.",
		}[s.Engine == "db"], "Start the server, or correct DATABASE_URL; see that this machine may reach it.")
	}
	if path, ok := sqliteFile(s.DatabaseURL); ok {
		if _, err := os.Stat(path); err != nil {
			unreachable(err.Error())
			return
		}
	}
	single := s
	single.Engine, single.Migrate = "db", new(bool)
	sessions, err := single.Open(ctx)
	if err != nil {
		unreachable(err.Error())
		return
	}
	defer sessions.Close()
	db, err := sessions.DB.DB()
	if err != nil {
		unreachable(err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	switch sessions.DB.Name() {
	case "postgres":
		p.postgres(ctx, db, s)
	case "mysql":
		p.mysql(ctx, db, s)
	case "sqlite":
		p.sqlite(ctx, db)
	}
	if p.schema(ctx, sessions.DB, db, s) {
		p.rights(ctx, sessions.DB, db, s)
		p.expired(ctx, sessions.DB, db, s)
	}
}

const (
	pileAge    = 25 * time.Hour // a daily clearing leaves nothing that old
	pileOf     = 1000
	pileCounts = 100_000
)

// expired counts rows that a daily clearing would have deleted.
func (p place) expired(ctx context.Context, g *gorm.DB, db *sql.DB, s fromenv.Settings) {
	table := tableOf(g, s)
	before := time.Now().Add(-pileAge).UnixMicro()
	var n int64
	// Numbers of this program's own, so that one text serves all databases.
	query := fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE purge_after < %d AND expires < %d LIMIT %d) AS old", table, before, before, pileCounts)
	if err := db.QueryRowContext(ctx, query).Scan(&n); err != nil {
		p.unasked("database.expired", err)
		return
	}
	if n < pileOf {
		return
	}
	many := fmt.Sprint(n)
	if n == pileCounts {
		many = "more than " + many
	}
	p.add(Warning, "database.expired", many+" sessions expired more than a day ago and are still in the table", "The table grows without end, and with it backups and the time of each clearing.",
		"Run \"seshat clearsessions\" daily, or let the application do so (Manager.PurgeEvery).")
}

type pgFacts struct {
	version, connections, most              int
	recovery, ssl                           bool
	readOnly, syncCommit, fsync, autovacuum string
	server                                  time.Time
}

func (p place) postgres(ctx context.Context, db *sql.DB, s fromenv.Settings) {
	var f pgFacts
	before := time.Now()
	err := db.QueryRowContext(ctx, `SELECT now(), current_setting('server_version_num')::int, pg_is_in_recovery(),
 current_setting('transaction_read_only'), current_setting('synchronous_commit'), current_setting('fsync'), current_setting('autovacuum'),
 current_setting('max_connections')::int, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
 COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)`).Scan(
		&f.server, &f.version, &f.recovery, &f.readOnly, &f.syncCommit, &f.fsync, &f.autovacuum, &f.most, &f.connections, &f.ssl)
	if err != nil {
		p.unasked("postgres.settings", err)
		return
	}
	p.clock(reading{before, f.server, time.Now()})
	p.network(addressOf(s.DatabaseURL), f.ssl)
	p.judgePostgres(f)
	if !f.recovery {
		p.standbys(ctx, db)
	}
}

func (p place) judgePostgres(f pgFacts) {
	if f.version < 120000 {
		p.add(Warning, "postgres.version", fmt.Sprintf("PostgreSQL %d", f.version/10000), "It gets no security fixes any more, and nobody tests Seshat on it.", "Upgrade to a version that is still maintained.")
	}
	switch {
	case f.recovery:
		p.add(Problem, "database.readonly", "this server is a standby", "It refuses every write: nobody can sign in.", "Name the primary in DATABASE_URL.")
	case f.readOnly == "on":
		p.add(Problem, "database.readonly", "transactions are read-only here", "Every write is refused: nobody can sign in.", "Look at default_transaction_read_only of the server, the database and the user.")
	}
	if f.fsync == "off" {
		p.add(Problem, "postgres.fsync", "fsync is off", "A crash of the machine can destroy the whole database.", "Set fsync = on in postgresql.conf.")
	}
	if f.syncCommit == "off" {
		p.add(Warning, "postgres.synchronous_commit", "synchronous_commit is off", "A crash of the server takes back the last commits: sign-ins are lost, and sign-outs come back.", "Set synchronous_commit = on for this user, or in the URL.")
	}
	if f.autovacuum == "off" {
		p.add(Warning, "postgres.autovacuum", "autovacuum is off", "Every change of a session leaves a dead row: the table grows, and gets slower.", "Set autovacuum = on in postgresql.conf.")
	}
	if f.connections*10 >= f.most*9 {
		p.add(Warning, "postgres.connections", fmt.Sprintf("%d of %d connections are in use", f.connections, f.most), "Beyond them requests are answered with 503.", "Raise max_connections, or put a pooler before it, or give each process fewer.")
	}
}

const standbyBytes = 64 << 20

// standbys looks at the replicas, as far as the user of the connection may see them.
func (p place) standbys(ctx context.Context, db *sql.DB) {
	rows, err := db.QueryContext(ctx, `SELECT COALESCE(application_name, ''), COALESCE(state, ''), pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint,
 COALESCE(extract(epoch FROM replay_lag), 0)::float8 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL`)
	if err != nil {
		p.unasked("postgres.lag", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var name, state string
		var behind int64
		var seconds float64
		if err := rows.Scan(&name, &state, &behind, &seconds); err != nil {
			p.unasked("postgres.lag", err)
			return
		}
		if behind > standbyBytes || seconds > lagSeconds {
			p.add(Warning, "postgres.lag", fmt.Sprintf("the standby %q is %d bytes and %.0f s behind", name, behind, seconds),
				"A failover to it takes that back: sign-ins are lost, and sign-outs come back.", "Look at the network between them and at the standby's load.")
		}
	}
	if err := rows.Err(); err != nil {
		p.unasked("postgres.lag", err)
	}
}

func (p place) mysql(ctx context.Context, db *sql.DB, s fromenv.Settings) {
	var seconds float64
	var version, cipher string
	var readOnly bool
	var flush int
	before := time.Now()
	err := db.QueryRowContext(ctx, "SELECT UNIX_TIMESTAMP(NOW(6)), VERSION(), @@read_only, @@innodb_flush_log_at_trx_commit").Scan(&seconds, &version, &readOnly, &flush)
	if err != nil {
		p.unasked("mysql.settings", err)
		return
	}
	p.clock(reading{before, time.UnixMicro(int64(seconds * 1e6)), time.Now()})
	if err := db.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").Scan(new(string), &cipher); err == nil || errors.Is(err, sql.ErrNoRows) {
		p.network(addressOf(s.DatabaseURL), cipher != "")
	}
	if readOnly {
		p.add(Problem, "database.readonly", "read_only is on", "Writes are refused, but of administrators: nobody can sign in.", "Name the primary in DATABASE_URL.")
	}
	if flush != 1 {
		p.add(Warning, "mysql.flush", fmt.Sprintf("innodb_flush_log_at_trx_commit is %d", flush), "A crash of the machine takes back the last commits: sign-ins are lost, and sign-outs come back.", "Set it to 1.")
	}
}

func (p place) sqlite(ctx context.Context, db *sql.DB) {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		p.unasked("sqlite.journal", err)
	} else if mode != "wal" {
		p.add(Warning, "sqlite.journal", "journal_mode is "+mode, "Readers and the writer wait for each other.", "See that the file system supports WAL: a network file system does not.")
	}
}

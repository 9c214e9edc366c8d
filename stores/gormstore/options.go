package gormstore

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Options configures a [Store]. The zero value means the defaults.
type Options struct {
	// Table is the table's name, also with a schema in front ("app.sessions";
	// for MySQL a database, for SQLite an attached one). Letters, digits and
	// underscores, at most 48 bytes each, case kept. Two managers whose users
	// are different people need different tables. Default "sessions".
	Table string
	// Timeout bounds each call, with all waiting and trying again; the context
	// may end it sooner. A write that is cut off may still take effect. Migrate
	// has a limit of its own, ten minutes. It must not be negative. Default 5
	// seconds.
	Timeout time.Duration
}

const (
	defaultTable   = "sessions"
	defaultTimeout = 5 * time.Second
	migrateTimeout = 10 * time.Minute
)

// SQLiteParams are the parameters to open a SQLite file with, after the "?" of
// the data source name, in the form of modernc.org/sqlite and
// github.com/glebarez/sqlite: wait for another writer instead of failing, do
// not let readers and the writer wait for each other, and let the transactions
// of the application wait at their beginning, where they can.
//
// With mattn/go-sqlite3 the same is
// "_busy_timeout=5000&_journal_mode=WAL&_txlock=immediate".
//
// Every commit is synced to the disk. "&_pragma=synchronous(NORMAL)" makes writes
// several times faster, at the price that a power failure (not a crash of the
// process) may take back the last of them: also a logout.
const SQLiteParams = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_txlock=immediate"

// A table is the name of one, with its schema or "".
type table struct{ schema, name string }

// A part of a table's name. Longer ones would leave no room for the suffix of
// an index name within PostgreSQL's 63 bytes.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,47}$`)

func parseTable(s string) (table, error) {
	if s == "" {
		s = defaultTable
	}
	t := table{name: s}
	if schema, name, ok := strings.Cut(s, "."); ok {
		t = table{schema, name}
	}
	if !identifier.MatchString(t.name) || t.schema != "" && !identifier.MatchString(t.schema) || strings.HasPrefix(s, ".") {
		return table{}, fmt.Errorf("%w: Options.Table is %q; it must be a name, or two with a dot between, of at most 48 letters, digits and underscores each",
			session.ErrInvalid, s)
	}
	return t, nil
}

func (t table) String() string {
	if t.schema == "" {
		return t.name
	}
	return t.schema + "." + t.name
}

// index is the name of one of the table's indexes.
func (t table) index(suffix string) string { return t.name + "_" + suffix }

package gormstore

import (
	"fmt"
	"strings"
)

// A kind is what a column holds; dialect.columnType says how.
type kind int

const (
	number    kind = iota // 64 bits, not negative
	flag                  // 0 or 1
	key                   // an ID or ""
	shortText             // at most 256 bytes, compared as bytes
	mark                  // 8 bytes
	payload               // any number of bytes
)

// A column of the table. Times are microseconds since 1970, 0 the zero time;
// the idle timeout is in microseconds.
type column struct {
	name string
	kind kind
	// core columns were in the table from the first version on: a table without
	// one is somebody else's. The others may be added to a table with rows,
	// which then read as if this had been written; their order is free.
	core bool
}

const idColumn = "id"

// columns are those of a record, in the order in which record.go writes and
// reads them.
var columns = []column{
	{"version", number, true},
	{"mark", mark, true},
	{"principal", shortText, false},
	{"created", number, false},
	{"authenticated", number, false},
	{"last_seen", number, false},
	{"expires", number, true},
	{"lifetime_end", number, false},
	{"idle_timeout", number, false},
	{"persistent", flag, false},
	{"moved_to", key, false},
	{"address", shortText, false},
	{"user_agent", shortText, false},
	{"payload", payload, true}, // stays last: lists leave it out
}

// purgeAfter is the column of the index that Purge goes by; see [purgeAfterOf].
const purgeAfter = "purge_after"

// tableColumns are all columns of the table.
var tableColumns = append(append([]column{{idColumn, key, true}}, columns...), column{purgeAfter, number, false})

// names are those of the record's columns.
func names() []string {
	n := make([]string, len(columns))
	for i, c := range columns {
		n[i] = c.name
	}
	return n
}

// An index of the table; the primary key is none of these.
type index struct {
	suffix  string // of its name
	columns string
	where   string // rows that it need not have, where the database can leave them out
}

var indexes = []index{
	// Anonymous sessions and moved marks are never listed.
	{"principal", "principal, created", "principal <> ''"},
	{purgeAfter, purgeAfter, ""},
}

func (d dialect) columnDDL(c column) string {
	ddl := c.name + " " + d.columnType[c.kind] + " NOT NULL"
	switch {
	case c.core:
	case c.kind == number, c.kind == flag:
		ddl += " DEFAULT 0"
	default:
		ddl += " DEFAULT ''"
	}
	return ddl
}

func (d dialect) createTable(t table) string {
	var defs []string
	for _, c := range tableColumns {
		defs = append(defs, d.columnDDL(c))
	}
	return fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))%s", d.table(t), strings.Join(defs, ", "), idColumn, d.tableEnd)
}

func (d dialect) addColumn(t table, c column) string {
	return fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", d.table(t), d.columnDDL(c))
}

func (d dialect) createIndex(t table, i index) string {
	name, on := d.quoted(t.index(i.suffix)), d.table(t)
	if d.name == sqlite.name && t.schema != "" { // SQLite wants the schema here
		name, on = d.quoted(t.schema)+"."+name, d.quoted(t.name)
	}
	ddl := fmt.Sprintf("CREATE INDEX %s ON %s (%s)", name, on, i.columns)
	if d.partial && i.where != "" {
		ddl += " WHERE " + i.where
	}
	return ddl
}

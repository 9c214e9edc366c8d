package gormstore

// A dialect is what one database wants said differently from the others.
type dialect struct {
	name string // as gorm.Dialector.Name

	quote     string // around the table's name; all other names need none
	numbered  bool   // placeholders are $1, $2, ... instead of ?
	prepare   bool   // statements are prepared by the store, for one round trip each
	oneWriter bool   // writes of one process queue
	deaf      bool   // drivers do not always look at the context
	latest    string // the function that returns the greater of its arguments
	unused    string // the end of an INSERT that shall change nothing where the key is in use; "" if that is an error
	loadMany  string // the condition of a SELECT of rows whose IDs are given as {a,b,...}; "" if there is none
	purge     string // DELETE of at most so many expired records; %s is the table
	purgeKeys string // if set, purge only SELECTs them, after a place, and this begins the DELETE by a list of them

	columnType map[kind]string
	tableEnd   string // the end of CREATE TABLE
	partial    bool   // indexes may leave rows out

	// The names of the columns, and of the indexes, that the table has; the
	// arguments are its name and its schema, or "".
	columnNames, indexNames string

	failure func(error) failure
}

func dialectOf(name string) (dialect, bool) {
	for _, d := range []dialect{postgres, mysql, sqlite} {
		if d.name == name {
			return d, true
		}
	}
	return dialect{}, false
}

func (d dialect) quoted(name string) string { return d.quote + name + d.quote }

func (d dialect) table(t table) string {
	if t.schema == "" {
		return d.quoted(t.name)
	}
	return d.quoted(t.schema) + "." + d.quoted(t.name)
}

var postgres = dialect{
	name:     "postgres",
	quote:    `"`,
	numbered: true,
	latest:   "GREATEST",
	unused:   " ON CONFLICT (id) DO NOTHING",
	loadMany: "id = ANY(?::text[])",
	// ARRAY(...) is evaluated once; IN (...) may not be, and then deletes more
	// than the limit. FOR UPDATE looks at the newest version of the row again;
	// a locked row is being used, or purged by somebody else.
	purge: "DELETE FROM %[1]s WHERE id = ANY(ARRAY(SELECT id FROM %[1]s WHERE purge_after < ? AND expires < ?" +
		" ORDER BY purge_after LIMIT ? FOR UPDATE SKIP LOCKED))",
	columnType: map[kind]string{
		number:    "bigint",
		flag:      "smallint",
		key:       `text COLLATE "C"`,
		shortText: `text COLLATE "C"`,
		mark:      "bytea",
		payload:   "bytea",
	},
	tableEnd: " WITH (fillfactor = 70)",
	partial:  true,
	columnNames: `SELECT attname::text FROM pg_catalog.pg_attribute
 WHERE attrelid = to_regclass(CASE WHEN $2 = '' THEN '' ELSE quote_ident($2) || '.' END || quote_ident($1))
 AND attnum > 0 AND NOT attisdropped`,
	indexNames: `SELECT c.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = to_regclass(CASE WHEN $2 = '' THEN '' ELSE quote_ident($2) || '.' END || quote_ident($1)) AND i.indisvalid`,
	failure: postgresFailure,
}

var mysql = dialect{
	name:    "mysql",
	quote:   "`", // also under ANSI_QUOTES
	prepare: true,
	latest:  "GREATEST",
	// INSERT IGNORE would also hide what does not fit; ON DUPLICATE KEY UPDATE
	// reports a row that it left alone as changed under clientFoundRows.
	unused: "",
	// A DELETE that searches locks all rows that it looks at until it ends, those
	// too that it leaves, and the gaps between them. By keys it locks no others,
	// and is safe in a statement-based log, which a LIMIT is not.
	purge: "SELECT purge_after, id FROM %[1]s WHERE (purge_after = ? AND id > ? OR purge_after > ?) AND purge_after < ? AND expires < ?" +
		" ORDER BY purge_after, id LIMIT ?",
	purgeKeys: "DELETE s FROM %[1]s AS s FORCE INDEX (PRIMARY) WHERE s.id IN ",
	columnType: map[kind]string{
		number: "bigint",
		flag:   "smallint",
		// Binary, since utf8mb4_bin takes "bob" and "bob " for the same.
		key:       "varbinary(64)",
		shortText: "varbinary(256)",
		mark:      "varbinary(8)",
		payload:   "longblob",
	},
	tableEnd: " ENGINE = InnoDB",
	columnNames: `SELECT column_name FROM information_schema.columns
 WHERE table_name = ? AND table_schema = COALESCE(NULLIF(?, ''), DATABASE())`,
	indexNames: `SELECT DISTINCT index_name FROM information_schema.statistics
 WHERE table_name = ? AND table_schema = COALESCE(NULLIF(?, ''), DATABASE())`,
	failure: mysqlFailure,
}

var sqlite = dialect{
	name:      "sqlite",
	quote:     `"`,
	oneWriter: true,
	deaf:      true,
	latest:    "MAX",
	unused:    " ON CONFLICT (id) DO NOTHING",
	purge: "DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s WHERE purge_after < ? AND expires < ?" +
		" ORDER BY purge_after LIMIT ?)",
	columnType: map[kind]string{
		number:    "integer",
		flag:      "integer",
		key:       "text",
		shortText: "text",
		mark:      "blob",
		payload:   "blob",
	},
	partial:     true,
	columnNames: "SELECT name FROM pragma_table_info(?, COALESCE(NULLIF(?, ''), 'main'))",
	indexNames:  "SELECT name FROM pragma_index_list(?, COALESCE(NULLIF(?, ''), 'main'))",
	failure:     sqliteFailure,
}

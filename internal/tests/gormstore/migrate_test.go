package gormstore_test

import (
	"database/sql"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
)

func TestWithoutTheTableErrorsSayToMigrate(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := newTable()
		store := gormstore.New(db.open(t, pool, gorm.Config{}), gormstore.Options{Table: table})
		missing := func(what string, err error) {
			t.Helper()
			wantErr(t, what, err, gormstore.ErrNotMigrated)
			if err == nil || !strings.Contains(err.Error(), table) {
				t.Errorf("%s: %v does not name the table", what, err)
			}
		}
		_, err := store.Load(t.Context(), newID())
		missing("load", err)
		missing("create", store.Create(t.Context(), newID(), newRecord()))
		_, err = store.Purge(t.Context(), start, 1)
		missing("purge", err)
		must(t, store.Ping(t.Context()))

		must(t, store.Migrate(t.Context()))
		useAll(t, store)
		mustExec(t, pool, "ALTER TABLE "+table+" DROP COLUMN address")
		missing("create without a column", store.Create(t.Context(), newID(), newRecord()))
		must(t, store.Migrate(t.Context()))
		useAll(t, store)
	})
}

func TestManyMayMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		dsn := db.dsn(t)
		for range 5 {
			table := newTable()
			var (
				ready = make(chan struct{})
				wg    sync.WaitGroup
			)
			for range 6 {
				g := db.open(t, db.pool(t, dsn), gorm.Config{}) // as a process of its own
				wg.Go(func() {
					<-ready
					store := gormstore.New(g, gormstore.Options{Table: table})
					if err := store.Migrate(t.Context()); err != nil {
						t.Error(err)
						return
					}
					if err := store.Create(t.Context(), newID(), newRecord()); err != nil {
						t.Error(err)
					}
				})
			}
			close(ready)
			wg.Wait()
		}
	})
}

func TestMigrateBringsAnOlderTableUpToDate(t *testing.T) {
	older := map[string]string{
		"SQLite": `(id text NOT NULL PRIMARY KEY, version integer NOT NULL, mark blob NOT NULL, principal text NOT NULL DEFAULT '',
			created integer NOT NULL DEFAULT 0, expires integer NOT NULL, payload blob NOT NULL)`,
		"PostgreSQL": `(id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, mark bytea NOT NULL, principal text COLLATE "C" NOT NULL DEFAULT '',
			created bigint NOT NULL DEFAULT 0, expires bigint NOT NULL, payload bytea NOT NULL)`,
		"MariaDB": `(id varbinary(64) NOT NULL PRIMARY KEY, version bigint NOT NULL, mark varbinary(8) NOT NULL, principal varbinary(256) NOT NULL DEFAULT '',
			created bigint NOT NULL DEFAULT 0, expires bigint NOT NULL, payload longblob NOT NULL) ENGINE = InnoDB`,
	}
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := newTable()
		mustExec(t, pool, "CREATE TABLE "+table+older[db.name])
		id := newID()
		mustExec(t, pool, "INSERT INTO "+table+" (id, version, mark, principal, expires, payload) VALUES ('"+string(id)+"', 3, 'abcdefgh', 'eve', 1, 'old')")

		store := migrated(t, db.open(t, pool, gorm.Config{}), table)
		want := session.Record{Version: 3, Mark: [8]byte([]byte("abcdefgh")), Principal: "eve", Expires: unixMicro(1), Payload: []byte("old")}
		got, err := store.Load(t.Context(), id)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		if n, err := store.Purge(t.Context(), start, 10); n != 1 || err != nil {
			t.Errorf("purged %d (%v), want the old row", n, err)
		}
		useAll(t, store)

		fresh := newTable()
		migrated(t, db.open(t, pool, gorm.Config{}), fresh)
		old, new := describe(t, db, pool, table), describe(t, db, pool, fresh)
		if !reflect.DeepEqual(old, new) {
			t.Errorf("upgraded %v, new %v", old, new)
		}
		must(t, store.Migrate(t.Context())) // nothing to do
		if again := describe(t, db, pool, table); !reflect.DeepEqual(again, old) {
			t.Errorf("after another Migrate %v, before %v", again, old)
		}
	})
}

// describe returns the columns and indexes of a table.
func describe(t *testing.T, db database, pool *sql.DB, table string) map[string]bool {
	t.Helper()
	query := map[string]string{
		"SQLite": `SELECT name || ' ' || type || ' ' || "notnull" || ' ' || coalesce(dflt_value, '-') FROM pragma_table_info('%')
			UNION SELECT sql FROM sqlite_master WHERE tbl_name = '%' AND type = 'index' AND sql IS NOT NULL`,
		"PostgreSQL": `SELECT concat_ws(' ', column_name, data_type, collation_name, is_nullable, column_default) FROM information_schema.columns WHERE table_name = '%'
			UNION SELECT indexdef FROM pg_indexes WHERE tablename = '%'`,
		"MariaDB": `SELECT concat_ws(' ', column_name, column_type, is_nullable, column_default) FROM information_schema.columns WHERE table_name = '%'
			UNION SELECT concat_ws(' ', index_name, seq_in_index, column_name) FROM information_schema.statistics WHERE table_name = '%'`,
	}[db.name]
	rows, err := pool.Query(strings.ReplaceAll(query, "%", table))
	must(t, err)
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var s string
		must(t, rows.Scan(&s))
		found[strings.ReplaceAll(s, table, "TABLE")] = true
	}
	must(t, rows.Err())
	if len(found) < 18 {
		t.Fatalf("found only %v", found)
	}
	return found
}

func TestMissingTellsWhatMigrateWouldDoAndDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := newTable()
		store := gormstore.New(db.open(t, pool, gorm.Config{}), gormstore.Options{Table: table})
		missing := func(begins string) {
			t.Helper()
			step, err := store.Missing(t.Context())
			must(t, err)
			if begins == "" && step != "" || !strings.HasPrefix(step, begins) {
				t.Errorf("missing is %q, want %q", step, begins)
			}
		}
		missing("CREATE TABLE ")
		missing("CREATE TABLE ")
		must(t, store.Migrate(t.Context()))
		missing("")
		on := map[bool]string{true: " ON " + table}[db.name == "MariaDB"]
		mustExec(t, pool, "DROP INDEX "+table+"_purge_after"+on)
		missing("CREATE INDEX ")
		mustExec(t, pool, "DROP TABLE "+table)
		mustExec(t, pool, "CREATE TABLE "+table+" (token varchar(50))")
		_, err := store.Missing(t.Context())
		wantErr(t, "missing", err, session.ErrInvalid)
	})
}

func TestMigrateLeavesTheTableOfSomebodyElseAlone(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := newTable()
		mustExec(t, pool, "CREATE TABLE "+table+" (token varchar(50) PRIMARY KEY, data varchar(50), expiry varchar(50))")
		store := gormstore.New(db.open(t, pool, gorm.Config{}), gormstore.Options{Table: table})
		if err := store.Migrate(t.Context()); !errors.Is(err, session.ErrInvalid) || !strings.Contains(err.Error(), "Options.Table") {
			t.Errorf("got %v, want ErrInvalid that names Options.Table", err)
		}
		rows, err := pool.Query("SELECT * FROM " + table)
		must(t, err)
		defer rows.Close()
		if columns, err := rows.Columns(); err != nil || len(columns) != 3 {
			t.Errorf("the columns are %v (%v), want the three from before", columns, err)
		}
	})
}

func TestATableMayBeInAnotherSchemaAndHaveAReservedName(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		schema := newTable()
		switch db.name {
		case "SQLite":
			pool.SetMaxOpenConns(1) // ATTACH is per connection
			mustExec(t, pool, "ATTACH ':memory:' AS "+schema)
		case "PostgreSQL":
			mustExec(t, pool, "CREATE SCHEMA "+schema)
		case "MariaDB":
			mustExec(t, pool, "CREATE DATABASE "+schema)
		}
		g := db.open(t, pool, gorm.Config{})
		for _, name := range []string{"Order", "sessions"} {
			store := migrated(t, g, schema+"."+name)
			must(t, store.Migrate(t.Context()))
			useAll(t, store)
		}
		if db.name == "SQLite" {
			return // without a schema, it looks into all of them
		}
		other := gormstore.New(g, gormstore.Options{Table: "Order"})
		_, err := other.Load(t.Context(), newID())
		wantErr(t, "load from the default schema", err, gormstore.ErrNotMigrated)
	})
}

package gormstore_test

import (
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// looseTable is a table that lets everything in.
func looseTable(t *testing.T, db database, pool *sql.DB) string {
	t.Helper()
	number, text, bytes, key := "bigint", "text", "blob", "varchar(200)"
	switch db.name {
	case "PostgreSQL":
		bytes = "bytea"
	case "MariaDB":
		text = "blob"
	}
	table := newTable()
	mustExec(t, pool, strings.NewReplacer("NUM", number, "TXT", text, "BYT", bytes, "KEY", key).Replace("CREATE TABLE "+table+
		` (id KEY UNIQUE, version NUM, mark BYT, principal KEY, created NUM, authenticated NUM, last_seen NUM, expires NUM, lifetime_end NUM,
		idle_timeout NUM, persistent NUM, moved_to TXT, address TXT, user_agent TXT, payload BYT, purge_after NUM)`))
	return table
}

func TestARowThatCannotBeReadIsUndecodable(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := looseTable(t, db, pool)
		store := migrated(t, db.open(t, pool, gorm.Config{}), table)
		bad := map[string]string{
			"version": "-1", "mark": "'short'", "created": "-5", "authenticated": "-1", "last_seen": "-1", "expires": "-1", "lifetime_end": "-1",
			"idle_timeout": "9223372036854775807", "persistent": "2", "moved_to": "'../../etc'",
		}
		if db.name == "SQLite" { // columns hold what they are given
			bad["lifetime_end"], bad["last_seen"] = "'secret text'", "1.5"
		}
		if db.name != "PostgreSQL" {
			bad["user_agent"] = "x'ff'"
		}
		columns := []string{"version", "mark", "principal", "created", "authenticated", "last_seen", "expires", "lifetime_end", "idle_timeout", "persistent", "moved_to", "address", "user_agent", "payload"}
		for _, column := range columns {
			for _, value := range []string{"NULL", bad[column]} {
				if value == "" {
					continue
				}
				id, rec := newID(), newRecord()
				must(t, store.Create(t.Context(), id, rec))
				if _, err := store.Load(t.Context(), id); err != nil {
					t.Fatalf("before: %v", err)
				}
				mustExec(t, pool, "UPDATE "+table+" SET "+column+" = "+value+" WHERE id = '"+string(id)+"'")
				_, err := store.Load(t.Context(), id)
				if !errors.Is(err, session.ErrUndecodable) || strings.Contains(err.Error(), "secret") {
					t.Errorf("%s = %s: got %v, want ErrUndecodable without the value", column, value, err)
				}
				if page, _, err := store.List(t.Context(), rec.Principal, "", 10); err != nil || len(page) != 0 && column != "payload" {
					t.Errorf("%s = %s: List returns %d (%v), want the row left out", column, value, len(page), err)
				}
				mustExec(t, pool, "DELETE FROM "+table)
			}
		}
	})
}

func TestOneBadRowHidesNoOther(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		table := looseTable(t, db, pool)
		store := migrated(t, db.open(t, pool, gorm.Config{}), table)
		const n = 12
		for i := range n {
			id, rec := newID(), newRecord()
			rec.Principal, rec.Created = "eve", start.Add(time.Duration(i)*time.Hour)
			must(t, store.Create(t.Context(), id, rec))
			if i%3 == 0 {
				mustExec(t, pool, "UPDATE "+table+" SET "+[]string{"mark", "version", "lifetime_end", "created"}[i/3]+" = NULL WHERE id = '"+string(id)+"'")
			}
		}
		for limit := 2; limit <= n; limit++ {
			listed, scanned := map[session.ID]bool{}, map[session.ID]bool{}
			for _, walk := range []struct {
				found map[session.ID]bool
				page  func(after string) ([]session.Stored, string, error)
			}{
				{listed, func(after string) ([]session.Stored, string, error) {
					return store.List(t.Context(), "eve", after, limit)
				}},
				{scanned, func(after string) ([]session.Stored, string, error) { return store.Scan(t.Context(), after, limit) }},
			} {
				for after, more := "", true; more; {
					page, next, err := walk.page(after)
					if errors.Is(err, session.ErrUndecodable) && limit < 5 {
						clear(walk.found) // all rows of a page: an error, and no end that looks like one
						for range n - n/3 {
							walk.found[newID()] = true
						}
						break
					}
					must(t, err)
					for _, s := range page {
						walk.found[s.ID] = true
					}
					after, more = next, next != ""
				}
			}
			if len(listed) != n-n/3 || len(scanned) != n-n/3 {
				t.Errorf("pages of %d: listed %d and scanned %d, want %d", limit, len(listed), len(scanned), n-n/3)
			}
		}
	})
}

func TestARowWithALongIDHidesNoOther(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		if db.name == "MariaDB" {
			return // its column holds no longer one
		}
		store, pool, table := db.newStore(t)
		for i := range 6 {
			id, rec := newID(), newRecord()
			rec.Principal, rec.Created = "eve", start.Add(time.Duration(i)*time.Hour)
			must(t, store.Create(t.Context(), id, rec))
			if i == 2 {
				mustExec(t, pool, "UPDATE "+table+" SET id = '"+strings.Repeat("M", 65)+"' WHERE id = '"+string(id)+"'")
			}
		}
		for name, walk := range map[string]func(after string) ([]session.Stored, string, error){
			"List": func(after string) ([]session.Stored, string, error) { return store.List(t.Context(), "eve", after, 1) },
			"Scan": func(after string) ([]session.Stored, string, error) { return store.Scan(t.Context(), after, 1) },
		} {
			found := 0
			for after, more := "", true; more; {
				page, next, err := walk(after)
				if err != nil {
					t.Fatalf("%s after %d: %v", name, found, err)
				}
				found += len(page)
				after, more = next, next != ""
			}
			if found != 5 {
				t.Errorf("%s found %d, want 5", name, found)
			}
		}
	})
}

// Rows that hold what no record can are passed by, however many there are: their
// places in the list are known.
func TestAPageOfRecordsThatCannotBeIsNoEndAndNoError(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		store, pool, table := db.newStore(t)
		for i := range 9 {
			id, rec := newID(), newRecord()
			rec.Principal, rec.Created = "eve", start.Add(time.Duration(i)*time.Hour)
			must(t, store.Create(t.Context(), id, rec))
			if 2 <= i && i < 7 {
				mustExec(t, pool, "UPDATE "+table+" SET persistent = 2 WHERE id = '"+string(id)+"'")
			}
		}
		for limit := 1; limit <= 9; limit++ {
			listed := 0
			for after, more := "", true; more; {
				page, next, err := store.List(t.Context(), "eve", after, limit)
				must(t, err)
				listed += len(page)
				after, more = next, next != ""
			}
			if listed != 4 {
				t.Errorf("pages of %d: listed %d, want 4", limit, listed)
			}
		}
	})
}

package gormstore_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestARecordComesBackAsItWas(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		store, _, _ := db.newStore(t)
		for name, rec := range map[string]session.Record{
			"full":  newRecord(),
			"empty": {Version: 1, Payload: []byte{}},
		} {
			id := newID()
			must(t, store.Create(t.Context(), id, rec))
			got, err := store.Load(t.Context(), id)
			must(t, err)
			if !reflect.DeepEqual(got, rec) {
				t.Errorf("%s: got %+v, want %+v", name, got, rec)
			}
			rec.Version++
			must(t, store.Update(t.Context(), id, rec, 1))
			if got, err = store.Load(t.Context(), id); err != nil || !reflect.DeepEqual(got, rec) {
				t.Errorf("%s, updated: got %+v (%v), want %+v", name, got, err, rec)
			}
		}
	})
}

func TestConditionsHoldInEveryConfiguration(t *testing.T) {
	configurations := []database{sqliteFile}
	if servers.Wanted() {
		configurations = append(configurations, postgreSQL, mariaDB,
			postgreSQL.with("repeatable read", params("default_transaction_isolation=repeatable%20read")),
			postgreSQL.with("serializable", params("default_transaction_isolation=serializable")),
			postgreSQL.with("the simple protocol, as behind PgBouncer", params("default_query_exec_mode=simple_protocol")),
			mariaDB.with("clientFoundRows", params("clientFoundRows=true")),
			mariaDB.with("interpolated parameters", params("interpolateParams=true")),
			mariaDB.with("ANSI quotes", params("sql_mode='ANSI'")),
			mariaDB.with("no strict mode", params("sql_mode=''")),
			mariaDB.with("read committed", params("tx_isolation='READ-COMMITTED'")),
			mariaDB.with("another character set", params("charset=latin1")),
		)
	}
	for _, db := range configurations {
		t.Run(db.name, func(t *testing.T) {
			store, _, _ := db.newStore(t)
			id, first := newID(), newRecord()
			first.Principal = "Ünï🔑 "
			second, third := next(first), next(next(first))

			wantErr(t, "update of nothing", store.Update(t.Context(), id, second, 1), session.ErrNotFound)
			must(t, store.Touch(t.Context(), id, start, start, 1))
			must(t, store.Delete(t.Context(), id, 1))
			must(t, store.Create(t.Context(), id, first))
			wantErr(t, "second create", store.Create(t.Context(), id, third), session.ErrExists)
			wantErr(t, "create of the same", store.Create(t.Context(), id, first), session.ErrExists)
			must(t, store.Update(t.Context(), id, second, 1))
			wantErr(t, "late update", store.Update(t.Context(), id, third, 1), session.ErrConflict)
			wantErr(t, "late delete", store.Delete(t.Context(), id, 1), session.ErrConflict)
			must(t, store.Touch(t.Context(), id, start.Add(time.Hour), start.Add(99*idle), 1)) // late, no effect
			must(t, store.Touch(t.Context(), id, second.LastSeen, second.Expires, 2))          // changes nothing
			got, err := store.Load(t.Context(), id)
			if err != nil || !reflect.DeepEqual(got, second) {
				t.Errorf("got %+v (%v), want %+v", got, err, second)
			}
			must(t, store.Delete(t.Context(), id, 2))
			_, err = store.Load(t.Context(), id)
			wantErr(t, "load of nothing", err, session.ErrNotFound)
		})
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestPrincipalsAreComparedAsBytes(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		store, _, _ := db.newStore(t)
		names := []string{"bob", "Bob", "bob ", "bób", " bob", "bo\u0301b"}
		for _, name := range names {
			must(t, store.Create(t.Context(), newID(), session.Record{Version: 1, Principal: name}))
		}
		for _, name := range names {
			page, _, err := store.List(t.Context(), name, "", 10)
			if err != nil || len(page) != 1 || page[0].Record.Principal != name {
				t.Errorf("list of %q: %v (%v), want its one record", name, page, err)
			}
		}
		for _, name := range []string{"", "bo", "bob\x00", "b\xffb"} {
			if page, _, err := store.List(t.Context(), name, "", 10); err != nil || len(page) != 0 {
				t.Errorf("list of %q: %v (%v), want nothing", name, page, err)
			}
		}
	})
}

// The application's own settings of GORM, all of them unusual.
func TestItWorksWithinAnApplicationsHandle(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		pool := db.pool(t, "")
		g := db.open(t, pool, gorm.Config{PrepareStmt: true, NamingStrategy: shouting{}, SkipDefaultTransaction: true, TranslateError: true, QueryFields: true, CreateBatchSize: 1})
		table := newTable()
		store := migrated(t, g, table)
		id := newID()
		must(t, store.Create(t.Context(), id, newRecord()))
		wantErr(t, "second create", store.Create(t.Context(), id, newRecord()), session.ErrExists)
		if _, err := store.Load(t.Context(), id); err != nil {
			t.Error(err)
		}
		session := g.Session(&gorm.Session{PrepareStmt: true})
		if _, err := migrated(t, session, table).Load(t.Context(), id); err != nil {
			t.Error(err)
		}
	})
}

// Whatever the locale of the database is.
func TestTextIsComparedAsBytesOnPostgreSQL(t *testing.T) {
	needServers(t)
	_, pool, table := postgreSQL.newStore(t)
	var text, bytewise int
	must(t, pool.QueryRow(`SELECT COUNT(*), COUNT(*) FILTER (WHERE collation_name = 'C')
 FROM information_schema.columns WHERE table_name = $1 AND data_type = 'text'`, table).Scan(&text, &bytewise))
	if text == 0 || bytewise != text {
		t.Errorf("%d of %d columns of text have the collation C", bytewise, text)
	}
}

package hostile_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// columns are those of a record.
var columns = []string{
	"version", "mark", "principal", "created", "authenticated", "last_seen", "expires", "lifetime_end",
	"idle_timeout", "persistent", "moved_to", "address", "user_agent", "payload", "purge_after",
}

// expressions are what is put into each column, as the database understands it.
func (tb *table) expressions() []string {
	out := []string{
		"NULL", "0", "1", "2", "-1", "12345", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "1.5", "1e300", "TRUE",
		"''", "'x'", "'12'", "'bob'", "'../../etc/passwd'", "'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MD'", "'null'", "'{\"cart\":[\"tea\"]}'",
	}
	switch tb.kind {
	case "PostgreSQL":
		out = append(out, "repeat('x', 300)", "repeat('x', 1000000)", `'\x'::bytea`, `'\xff00fe'::bytea`, `'\x0000000000000000'::bytea`, `decode(repeat('ff', 1000000), 'hex')`,
			`'\x01046a736f6effffffffffffffffff01'::bytea`, `'\x0103676f620101610178'::bytea`, `'\x1f8b0800'::bytea`, "now()", "E'alice\\r\\n'", "E'\\u202ealice'")
	case "SQLite", "MariaDB":
		repeat := "REPEAT('x', %d)"
		if tb.kind == "SQLite" {
			repeat = "replace(hex(zeroblob(%d / 2)), '0', 'x')"
		}
		out = append(out, fmt.Sprintf(repeat, 300), fmt.Sprintf(repeat, 1_000_000), "x''", "x'ff00fe'", "x'00'", "x'3132'", "x'616c69636500'", "x'eda080'",
			"x'0000000000000000'", "x'01046a736f6effffffffffffffffff01'", "x'0103676f620101610178'", "x'1f8b0800'", "x'e280ae616c696365'")
	}
	return out
}

// row is all that is stored under an ID.
func (tb *table) row(t testing.TB, id string) string {
	t.Helper()
	rows, err := tb.QueryContext(t.Context(), "SELECT * FROM "+tb.name+" WHERE id = '"+id+"'")
	must(t, err)
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	must(t, err)
	var b strings.Builder
	for rows.Next() {
		values := make([]any, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		must(t, rows.Scan(targets...))
		_, _ = fmt.Fprintf(&b, "%q\n", values)
	}
	must(t, rows.Err())
	return b.String()
}

// spoil puts an expression into a column of a session's row; false is that the
// database refuses it.
func (tb *table) spoil(t testing.TB, id, column, expression string) bool {
	t.Helper()
	_, err := tb.ExecContext(t.Context(), "UPDATE "+tb.name+" SET "+column+" = "+expression+" WHERE id = '"+id+"'")
	return err == nil
}

func TestAnyRowIsASessionOrNone(t *testing.T) {
	only(t, inSQLOnly, func(t *testing.T, e engine) {
		var spoils []spoil
		for _, column := range columns {
			for _, expression := range e.table.expressions() {
				spoils = append(spoils, spoil{fmt.Sprintf("%s = %.60s", column, expression), func(v *visitor) bool {
					e.forget(v)
					return e.table.spoil(t, string(v.id), column, expression)
				}})
			}
		}
		checkSpoils(t, e, rows{e}, spoils, 100)
	})
}

// forget empties the cache, which knows better than a spoiled row.
func (e engine) forget(v *visitor) {
	v.t.Helper()
	if e.keys != nil {
		must(v.t, e.keys.Del(v.t.Context(), e.keys.key(v.id)).Err())
	}
}

// rows is the vault of the engines with SQL.
type rows struct{ engine }

func (r rows) same(v *visitor) string { return r.table.row(v.t, string(v.id)) }

func (r rows) keep(v *visitor) func() {
	v.t.Helper()
	exec := func(statement string) {
		v.t.Helper()
		_, err := r.table.ExecContext(v.t.Context(), statement)
		must(v.t, err)
	}
	kept, where := fmt.Sprintf("kept%d", names.Add(1)), " WHERE id = '"+string(v.id)+"'"
	exec("CREATE TABLE " + kept + " AS SELECT * FROM " + r.table.name + where)
	return func() {
		v.t.Helper()
		exec("DELETE FROM " + r.table.name + where)
		exec("INSERT INTO " + r.table.name + " SELECT * FROM " + kept)
		r.forget(v)
	}
}

// What the cache has is served, until something is asked of the database.
func TestARowSpoiledBehindItsCacheEndsTheSessionAtTheNextWrite(t *testing.T) {
	only(t, withCache, func(t *testing.T, e engine) {
		s := open(t, e)
		v, beside := s.signIn("alice"), s.signIn("alice")
		for _, query := range []string{"add=milk", "user=alice"} {
			if !e.table.spoil(t, string(v.id), "version", "-1") {
				t.Fatal("the row cannot be spoiled")
			}
			v.wantWhole()
			if a := s.ask(query, v.cookie()); a.status != http.StatusConflict || a.cookies != nil {
				t.Errorf("%s: answered %d %q", query, a.status, a.cookies)
			}
			_, n := s.events.since(0)
			if a := s.ask("", v.cookie()); a.status != http.StatusOK || a.view.ID != "" {
				t.Errorf("%s: afterwards: %d %+v", query, a.status, a.view)
			}
			if events, _ := s.events.since(n); len(events) != 1 || events[0].Kind != session.EventUndecodable {
				t.Errorf("%s: the events are %+v", query, events)
			}
			v.take(s.ask("add=tea&user=alice", v.cookie()))
			v.id = s.ask("", v.cookie()).view.ID
		}
		v.wantWhole()
		beside.wantWhole()
	})
}

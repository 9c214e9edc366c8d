package doctor

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/seshat-go/seshat/stores/fromenv"
	"github.com/seshat-go/seshat/stores/gormstore"
)

// schema tells whether the table is there.
func (p place) schema(ctx context.Context, g *gorm.DB, db *sql.DB, s fromenv.Settings) bool {
	step, err := gormstore.New(g, gormstore.Options{Table: s.Table}).Missing(ctx)
	if err != nil || step == "" || !strings.HasPrefix(step, "CREATE TABLE") {
		return p.judgeSchema(step, "", err)
	}
	return p.judgeSchema(step, noSchema(ctx, g.Name(), db, s.Table), nil)
}

// judgeSchema: step is what Migrate would do next, none what does not exist that
// it needs for this.
func (p place) judgeSchema(step, none string, err error) bool {
	switch {
	case err != nil:
		p.add(Problem, "database.schema", strings.ReplaceAll(err.Error(), "Options.Table", "SESSION_TABLE"), "Sessions cannot be kept in this table.", "Set SESSION_TABLE to a name of its own, and run \"seshat migrate\".")
	case step == "":
		return true
	case strings.HasPrefix(step, "CREATE INDEX"):
		p.add(Warning, "database.schema", "an index is missing: "+step, "Lists of a user's sessions, or clearing, read the whole table.", "Run \"seshat migrate\".")
		return true
	case none != "":
		p.add(Problem, "database.schema", "there is no table, and "+none, "Every request with a session is answered with 503.", "Make the schema first (CREATE SCHEMA), or correct SESSION_TABLE; then run \"seshat migrate\".")
	default:
		p.add(Problem, "database.schema", "the table is missing or out of date; next is: "+short(step), "Every request with a session is answered with 503.", "Run \"seshat migrate\".")
	}
	return false
}

// noSchema says that there is no schema for the table, if so.
func noSchema(ctx context.Context, dialect string, db *sql.DB, table string) string {
	schema, _, named := strings.Cut(table, ".")
	var none bool
	var err error
	switch {
	case dialect == "postgres" && named:
		err = db.QueryRowContext(ctx, "SELECT to_regnamespace(quote_ident($1)) IS NULL", schema).Scan(&none)
	case dialect == "postgres":
		if err = db.QueryRowContext(ctx, "SELECT current_schema() IS NULL").Scan(&none); err == nil && none {
			return "no schema of search_path is there for this user"
		}
	case dialect == "mysql" && named:
		err = db.QueryRowContext(ctx, "SELECT COUNT(*) = 0 FROM information_schema.schemata WHERE schema_name = ?", schema).Scan(&none)
	}
	if err != nil || !none {
		return "" // what migrate says will do
	}
	return fmt.Sprintf("the schema %q does not exist for this user", schema)
}

func short(s string) string {
	if len(s) > 60 {
		return s[:60] + " ..."
	}
	return s
}

func tableOf(g *gorm.DB, s fromenv.Settings) string {
	return g.Statement.Quote(cmp.Or(s.Table, "sessions"))
}

// rights looks whether the user may do with the table what the store does.
func (p place) rights(ctx context.Context, g *gorm.DB, db *sql.DB, s fromenv.Settings) {
	table := tableOf(g, s)
	var missing []string
	switch g.Name() {
	case "postgres":
		for _, right := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
			var has bool
			if err := db.QueryRowContext(ctx, "SELECT has_table_privilege($1, $2)", table, right).Scan(&has); err != nil {
				p.unasked("database.rights", err)
				return
			}
			if !has {
				missing = append(missing, right)
			}
		}
	case "mysql":
		// A statement is refused when it is prepared; none is run.
		for _, try := range []struct{ right, statement string }{
			{"SELECT", "SELECT id FROM " + table},
			{"INSERT", "INSERT INTO " + table + " (id) VALUES (?)"},
			{"UPDATE", "UPDATE " + table + " SET id = ?"},
			{"DELETE", "DELETE FROM " + table},
		} {
			statement, err := db.PrepareContext(ctx, try.statement)
			switch {
			case err == nil:
				statement.Close()
			case strings.Contains(err.Error(), "command denied"): // ER_TABLEACCESS_DENIED_ERROR
				missing = append(missing, try.right)
			default:
				p.unasked("database.rights", err)
				return
			}
		}
	}
	p.judgeRights(table, missing)
}

func (p place) judgeRights(table string, missing []string) {
	if len(missing) > 0 {
		rights := strings.Join(missing, ", ")
		p.add(Problem, "database.rights", "the user of the connection may not "+rights+" in the table", "What needs it is answered with 503: without INSERT and UPDATE nobody can sign in, or out.",
			"GRANT "+rights+" ON "+table+" TO that user.")
	}
}

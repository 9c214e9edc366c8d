package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/stores/gormstore"
)

func (t *tool) migrateCommand() *cli.Command {
	return &cli.Command{
		Name:      "migrate",
		Category:  "SETTING UP",
		Usage:     "create the table, or bring it up to date",
		UsageText: "seshat migrate",
		Description: `It creates the table of sessions and its indexes, or adds what an older version of
it lacks. Nothing is dropped or rewritten, and to run it again does nothing.
Adding an index to a large table holds up writes until it is done.

   seshat migrate

Redis has no schema: under SESSION_ENGINE=cache there is nothing to do.

JSON: {"migrated": true, "engine": "..."}; migrated is false where there is no schema.`,
		Action: t.action(0, t.migrate),
	}
}

type migrated struct {
	Migrated bool   `json:"migrated"`
	Engine   string `json:"engine"`
}

func (m migrated) text(w io.Writer) {
	if m.Migrated {
		fmt.Fprintln(w, "The table of sessions is up to date.")
		return
	}
	fmt.Fprintf(w, "Nothing to do: %s has no schema.\n", m.Engine)
}

func (t *tool) migrate(ctx context.Context, _ *cli.Command) (result, error) {
	settings, err := t.read()
	if err != nil {
		return nil, failure{exitUsage, err}
	}
	settings.Migrate = new(true)
	s, err := t.openSettings(ctx, settings)
	if err != nil {
		return nil, migrateError(err, settings.Table)
	}
	s.close()
	return migrated{s.sessions.DB != nil, s.engine}, nil
}

// migrateError is the error of a migration, without the advice to migrate.
func migrateError(err error, table string) error {
	if !errors.Is(err, gormstore.ErrNotMigrated) {
		return err
	}
	text := strings.Replace(err.Error(), gormstore.ErrNotMigrated.Error()+": ", "", 1)
	schema, _, _ := strings.Cut(table, ".")
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok && e.SQLState() == "3F000" { // invalid_schema_name
		text += fmt.Sprintf(": make the schema first, with CREATE SCHEMA %s, or correct SESSION_TABLE", schema)
	}
	return errors.New(text)
}

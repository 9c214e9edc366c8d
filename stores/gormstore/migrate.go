package gormstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seshat-go/seshat/core/session"
)

// Migrate creates the table and its indexes, or adds the columns and indexes
// that an older one lacks. Nothing is ever dropped or rewritten. It may be
// called at any time and by several processes at once, beside traffic; adding
// an index to a large table holds up writes until it is done. A table of that
// name which is somebody else's is left alone, and is an error.
//
// The user of the connection needs the right to create tables here, and only
// here. Applications that manage their schema by other means can do without
// Migrate: let it create the table once, and take the definition from there.
func (s *Store) Migrate(ctx context.Context) error {
	_, err := change(ctx, s, "migrate", migrateTimeout, func(ctx context.Context) (struct{}, error) { return struct{}{}, s.migrate(ctx) })
	return err
}

// Missing returns the statement with which Migrate would go on, or "" where the
// table is up to date. It changes nothing. A table of that name which is
// somebody else's is an error.
func (s *Store) Missing(ctx context.Context) (string, error) {
	return read(ctx, s, "missing", s.missing)
}

// migrate goes on until nothing is missing. If a step fails, and what it was to
// make is there all the same, another process was faster.
func (s *Store) migrate(ctx context.Context) error {
	step, err := s.missing(ctx)
	for step != "" && err == nil {
		_, failed := s.pool.ExecContext(ctx, step)
		var next string
		if next, err = s.missing(ctx); err == nil && next == step {
			err = failed
		}
		step = next
	}
	return err
}

// missing returns the statement that makes the first thing which the table
// lacks, or "".
func (s *Store) missing(ctx context.Context) (string, error) {
	has, err := s.names(ctx, s.dialect.columnNames)
	if err != nil {
		return "", err
	}
	if len(has) == 0 {
		return s.dialect.createTable(s.table), nil
	}
	for _, c := range tableColumns {
		switch {
		case slices.Contains(has, c.name):
		case c.core:
			return "", fmt.Errorf("%w: there is a table %s without a column %s, which is not one of Seshat's; choose another Options.Table",
				session.ErrInvalid, s.table, c.name)
		default:
			return s.dialect.addColumn(s.table, c), nil
		}
	}
	if has, err = s.names(ctx, s.dialect.indexNames); err != nil {
		return "", err
	}
	for _, i := range indexes {
		if !slices.Contains(has, s.table.index(i.suffix)) {
			return s.dialect.createIndex(s.table, i), nil
		}
	}
	return "", nil
}

// names are those of the table's columns or indexes.
func (s *Store) names(ctx context.Context, query string) ([]string, error) {
	rows, err := s.pool.QueryContext(ctx, query, s.table.name, s.table.schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// unmigrated tells whether err comes from a missing table or column.
func (s *Store) unmigrated(ctx context.Context, err error) bool {
	switch s.dialect.failure(err) {
	case noSchema:
		return true
	case maybeNoSchema:
		step, err := s.missing(ctx)
		return err != nil || strings.HasPrefix(step, "CREATE TABLE") || strings.HasPrefix(step, "ALTER TABLE")
	}
	return false
}

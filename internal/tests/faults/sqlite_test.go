package faults_test

import (
	"path/filepath"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/faults"
)

var sqliteSights = map[string]sight{
	"another program has the file locked for writing":    {"", "locked|BUSY"},
	"another program had the file locked for a moment":   {},
	"other programs lock the file again and again":       {"", sometimes + "locked|BUSY"},
	"another program reads an old state for long":        {"SQLite holds its log", "1"},
	"another program empties the log again and again":    {"SQLite has no log", "0"},
	"another program changes the schema again and again": {"SQLite has another schema", "1"},
	"another program writes the file anew":               {},
}

func TestEachFaultOfSQLiteHappensAndEnds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tea.db")
	dsn := "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(2)"
	list := faults.SQLite(file)
	described(t, list, sqliteSights)
	admin := openSQL(t, "sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)")
	execute(t, admin, "CREATE TABLE tea (id INT PRIMARY KEY, n INT)")
	for _, f := range list {
		t.Run(f.Name, func(t *testing.T) {
			sqlFault(t, admin, func() *sqlUser { return &sqlUser{driver: "sqlite", dsn: dsn} }, f, sqliteSights[f.Name])
		})
	}
}

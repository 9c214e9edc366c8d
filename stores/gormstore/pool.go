package gormstore

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/core/session"
)

// poolOf returns the pool of the handle to which the table is written, or why
// the handle cannot be used.
func poolOf(db *gorm.DB, table string) (gorm.ConnPool, error) {
	switch {
	case db == nil || db.Config == nil || db.Statement == nil || db.Dialector == nil || db.ConnPool == nil:
		return nil, fmt.Errorf("%w: New needs an open *gorm.DB", session.ErrInvalid)
	case db.Error != nil:
		return nil, fmt.Errorf("%w: the *gorm.DB carries an error: %w; pass the one that gorm.Open returned", session.ErrInvalid, db.Error)
	case db.DryRun:
		return nil, fmt.Errorf("%w: the *gorm.DB is a dry run, which keeps nothing", session.ErrInvalid)
	case bound(db.Statement.ConnPool) || bound(db.ConnPool):
		return nil, fmt.Errorf("%w: the *gorm.DB is inside a transaction or bound to one connection, and would end with it; pass the application's base *gorm.DB", session.ErrInvalid)
	}
	pool := db.ConnPool
	if len(db.Plugins) > 0 {
		pool = written(db, table)
	}
	// GORM's cache of prepared statements lets callers wait for one another's
	// contexts, and panics on Scan if a statement cannot be prepared.
	if p, ok := pool.(*gorm.PreparedStmtDB); ok {
		pool = p.ConnPool
	}
	return pool, nil
}

// bound tells whether the pool is no pool, but a transaction or a connection.
func bound(p gorm.ConnPool) bool {
	switch p.(type) {
	case gorm.TxCommitter, *sql.Conn:
		return true
	}
	return false
}

// written returns the pool to which GORM, by way of its plugins, sends an
// UPDATE of the table: dbresolver has sources of its own, and puts them into
// the statement in a callback. Nothing is sent.
func written(db *gorm.DB, table string) gorm.ConnPool {
	dry := db.Session(&gorm.Session{NewDB: true, DryRun: true, SkipHooks: true, Logger: logger.Discard}).
		Exec("UPDATE " + table + " SET version = version")
	if dry.Error != nil || dry.Statement.ConnPool == nil {
		return db.ConnPool
	}
	return dry.Statement.ConnPool
}

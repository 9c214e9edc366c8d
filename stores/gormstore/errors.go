package gormstore

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
)

// ErrNotMigrated: the table, or a column of it, is missing. Call
// [Store.Migrate], or check Options.Table and the database.
var ErrNotMigrated = errors.New("gormstore: the session table is missing or out of date; call Migrate")

// A failure is what an error of the database means to the store. The codes are
// compared, never the text.
type failure int

const (
	otherFailure  failure = iota
	duplicate             // the key is in use
	transient             // refused because of a parallel statement; without effect
	noSchema              // a table or column is missing
	maybeNoSchema         // a table or column may be missing
)

// connectionLost tells whether the connection ended under the statement. A
// server that refuses new ones is another matter.
func connectionLost(err error) bool {
	for _, lost := range []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, lost) {
			return true
		}
	}
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && strings.HasPrefix(e.SQLState(), "57P0") // admin_shutdown and its kin
}

// postgresFailure knows the errors of pgx and lib/pq by their method.
func postgresFailure(err error) failure {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return otherFailure
	}
	switch e.SQLState() {
	case "23505": // unique_violation
		return duplicate
	case "40001", // serialization_failure
		"40P01", // deadlock_detected
		"55P03": // lock_not_available: lock_timeout
		return transient
	case "42P01", // undefined_table
		"42703", // undefined_column
		"3F000": // invalid_schema_name
		return noSchema
	}
	return otherFailure
}

// mysqlFailure knows the errors of go-sql-driver/mysql by their field Number:
// they have no method that tells it, and importing the driver would make every
// user of this package download it.
func mysqlFailure(err error) failure {
	code, _ := codeField(err, "Number")
	switch code {
	case 1062: // ER_DUP_ENTRY
		return duplicate
	case 1213, // ER_LOCK_DEADLOCK
		1205, // ER_LOCK_WAIT_TIMEOUT: ends the statement, and there is no more in the transaction
		1020: // ER_CHECKREAD: MariaDB, innodb_snapshot_isolation
		return transient
	case 1146, // ER_NO_SUCH_TABLE
		1054, // ER_BAD_FIELD_ERROR
		1049: // ER_BAD_DB_ERROR
		return noSchema
	}
	return otherFailure
}

// sqliteFailure knows the errors of modernc.org/sqlite and its relatives by
// their method, and those of mattn/go-sqlite3 by their field.
func sqliteFailure(err error) failure {
	var code int64
	if e, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		code = int64(e.Code())
	} else {
		code, _ = codeField(err, "Code")
	}
	switch code & 0xff { // the rest makes it an extended code
	case 5, // SQLITE_BUSY
		6, // SQLITE_LOCKED
		9: // SQLITE_INTERRUPT: meant for the statement before on the same connection, if our context has not ended
		return transient
	case 1: // SQLITE_ERROR: among much else, no such table
		return maybeNoSchema
	}
	return otherFailure
}

// codeField returns the number in the given field of the first error of the
// chain that has such a field.
func codeField(err error, name string) (int64, bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		at, ok := v.Type().FieldByName(name)
		if !ok || len(at.Index) != 1 {
			continue
		}
		switch f := v.Field(at.Index[0]); {
		case f.CanInt():
			return f.Int(), true
		case f.CanUint():
			return int64(f.Uint()), true
		}
	}
	return 0, false
}

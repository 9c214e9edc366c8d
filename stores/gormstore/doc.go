// Package gormstore keeps sessions in SQL through the application's own GORM
// handle: session.Options{Store: gormstore.New(db, gormstore.Options{})}.
//
// PostgreSQL, MySQL, MariaDB and SQLite are supported, by whatever driver the
// *gorm.DB was opened with; this package imports none. [Store.Migrate] creates
// the table, or adds what an older one lacks; call it when a new version is
// deployed. Nothing else changes the schema.
//
// # What it does with the handle
//
// It takes the connection pool out of it, once, and sends its own statements
// there. No callback, naming strategy, prepared-statement cache or logger of GORM
// sees them: a query log holds no session values, and a call costs what
// it costs with database/sql. With gorm.io/plugin/dbresolver both reads and
// writes go to the source, since a replica that lags behind would undo a logout;
// register the plugin before calling [New].
//
// Sessions are not part of the application's transactions: a handle inside one
// is refused (see [Store.Validate]). A request handler that holds a transaction
// open while its session is loaded or saved needs a second connection, so the
// pool must have one to give.
//
// # Statements
//
// Load, Create, Update, Touch and Delete are one statement each (on PostgreSQL, loads that
// come while others are under way share one), outside of any
// transaction; an Update or Delete that changes nothing reads once more, to tell
// ErrNotFound from ErrConflict. Connections must be in autocommit mode, as they
// are unless configured otherwise.
//
// A statement that the database refused because of a parallel one (deadlock,
// serialization failure, busy or locked database) had no effect and is sent
// again, after a short random pause, within the time limit. Every other error is
// returned: the outcome of a write is then unknown, and the engine finds out.
// By itself, database/sql repeats a statement only on driver.ErrBadConn, which
// pgx and go-sql-driver/mysql return only where nothing took effect.
//
// # PostgreSQL
//
// Most updates and touches change no indexed column and are heap-only (HOT): no
// index is written. The table's fillfactor leaves room for that. No statement
// depends on one before it, so PgBouncer in transaction mode is fine if the driver
// is configured for it.
//
// # MySQL and MariaDB
//
// Statements are prepared once per connection, since go-sql-driver/mysql would
// otherwise make two round trips of each. Any isolation level and sql_mode will
// do, with or without clientFoundRows. Text is in binary columns, where "bob",
// "Bob" and "bob " are three principals.
//
// # SQLite
//
// A file has many readers but one writer at a time. The store's own writes queue;
// for those of the application and of other processes it waits, within its time
// limit, and does not return "database is locked". The drivers do not look at the
// context while they wait for a lock; a call returns all the same, at most a tenth
// of a second late. Open the file with [SQLiteParams]:
//
//	db, err := gorm.Open(sqlite.Open("app.db?"+gormstore.SQLiteParams), &gorm.Config{})
//
// Of a database in memory each connection is another one: call SetMaxOpenConns(1)
// on the pool, and use no session inside of a transaction.
package gormstore

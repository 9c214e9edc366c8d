// Package gormstore keeps sessions in SQL through the application's own GORM
// handle: session.Options{Store: gormstore.New(db, gormstore.Options{})}.
//
// PostgreSQL, MySQL, MariaDB and SQLite are supported, by whatever driver the
// *gorm.DB was opened with; this package imports none. Call [Store.Migrate]
// once per deployment: it creates the table, or adds what an older one lacks.
// Nothing else changes the schema.
//
//	db, err := gorm.Open(postgres.Open(dsn), &gorm.Config{})
//	store := gormstore.New(db, gormstore.Options{})
//	err = store.Migrate(ctx)
//	sessions, err := session.New(session.Options{Store: store})
//
// # What it does with the handle
//
// It takes the connection pool out of it, once, and sends its own statements
// there: no callback, hook, naming strategy, prepared-statement cache or logger
// of GORM sees them. So a query log holds no session values, and a call costs
// what it costs with database/sql. With gorm.io/plugin/dbresolver both reads
// and writes go to the source: a replica that lags behind would undo a logout.
// Register the plugin before New.
//
// Sessions are not part of the application's transactions: New refuses a
// handle inside one (see [Store.Validate]). A request handler that holds a
// transaction open while its session is loaded or saved needs a second
// connection, so the pool must allow for one.
//
// # Statements
//
// Load, Create, Update, Touch and Delete are one statement each, outside of any
// transaction; an Update or Delete that changes nothing reads once more, to tell
// ErrNotFound from ErrConflict. Connections must be in autocommit mode, as they
// are unless configured otherwise.
//
// Statements that the database refused because of a parallel one (deadlock,
// serialization failure, busy or locked database) had no effect and are sent
// again, with growing random pauses, within the time limit. Every other error is
// returned: the outcome of a write is then unknown, and the engine finds it
// out. database/sql by itself repeats a statement only on driver.ErrBadConn,
// which pgx and go-sql-driver/mysql return only where nothing was sent.
//
// # PostgreSQL
//
// Updates and touches change no indexed column most of the time and are then
// heap-only (HOT): no index is written. The table's fillfactor leaves room for that. It works behind
// PgBouncer in transaction mode, if the driver is set up for it: nothing
// here lives longer than a statement.
//
// # MySQL and MariaDB
//
// Statements are prepared once per connection, since go-sql-driver/mysql would
// otherwise need two round trips for each. Any isolation level, sql_mode, and
// setting of clientFoundRows will do. Text is kept in binary columns, where "bob", "Bob" and
// "bob " are three principals.
//
// # SQLite
//
// A file may have many readers but one writer. The store's own writes queue in
// the process; for those of others, and other processes, it waits within its time
// limit: "database is locked" is retried, not returned. Open the file with
// write-ahead logging, so that readers and the writer do not wait for each other:
//
//	db, err := gorm.Open(sqlite.Open("app.db?"+gormstore.SQLiteParams), &gorm.Config{})
//
// An in-memory database needs a pool of one connection (SetMaxOpenConns(1)),
// each connection being a database of its own; so does a pool that holds one
// connection need that no handler uses its session inside of a transaction.
package gormstore

package benchmarks

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// A purgeDatabase is one that purges are measured on.
type purgeDatabase struct {
	Name string
	Log  string // what its Bytes are of
	DSN  string

	driver   string
	dialect  func(*sql.DB) gorm.Dialector
	newID    string // an expression that gives each row another ID
	numbers  string // a table with the column n, of so many numbers from 1
	floor    string // expires, an expression, rounded down as gormstore does for its index
	settle   []string
	logBytes func(ctx context.Context, db *sql.DB) (float64, error)
}

func purgePostgres(dsn string) *purgeDatabase {
	return &purgeDatabase{
		Name: "PostgreSQL", Log: "WAL", DSN: dsn, driver: "pgx",
		dialect: func(db *sql.DB) gorm.Dialector { return postgres.New(postgres.Config{Conn: db}) },
		newID:   `substr(md5(random()::text) || md5(random()::text), 1, 43)`,
		numbers: `generate_series(1::bigint, %d) AS number(n)`,
		floor:   `(%s) >> 36 << 36`,
		settle:  []string{`VACUUM ANALYZE sessions`, `CHECKPOINT`},
		logBytes: func(ctx context.Context, db *sql.DB) (n float64, err error) {
			return n, db.QueryRowContext(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8`).Scan(&n)
		},
	}
}

// purgeMariaDB needs a server with a binary log.
func purgeMariaDB(dsn string) *purgeDatabase {
	return &purgeDatabase{
		Name: "MariaDB", Log: "binary log", DSN: dsn, driver: "mysql",
		dialect:  func(db *sql.DB) gorm.Dialector { return mysql.New(mysql.Config{Conn: db}) },
		newID:    `LEFT(SHA2(CONCAT(n, RAND()), 256), 43)`,
		numbers:  `(SELECT seq AS n FROM seq_1_to_%d) AS number`,
		floor:    `(%s) >> 36 << 36`,
		settle:   []string{`ANALYZE TABLE sessions`},
		logBytes: binlogBytes,
	}
}

func binlogBytes(ctx context.Context, db *sql.DB) (float64, error) {
	rows, err := db.QueryContext(ctx, `SHOW BINARY LOGS`)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	total := 0.0
	for rows.Next() {
		var (
			file string
			size float64
		)
		if err := rows.Scan(&file, &size); err != nil {
			return 0, err
		}
		total += size
	}
	return total, rows.Err()
}

// open returns a new, empty table, with a pool that is large enough for clients,
// purge and looks.
func (d *purgeDatabase) open() (*seshatStore, error) {
	db, err := sql.Open(d.driver, d.DSN)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: open %s: %w", d.Name, err)
	}
	db.SetMaxOpenConns(postgresPool)
	db.SetMaxIdleConns(postgresPool)
	g, err := gorm.Open(d.dialect(db), &gorm.Config{Logger: logger.Discard})
	if err == nil {
		err = g.Exec(`DROP TABLE IF EXISTS sessions`).Error
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("benchmarks: open %s: %w", d.Name, err)
	}
	return migrated(g, db)
}

// expire makes n expired copies, within the database, of the one row that is
// there: their times are spread over the last month.
func (d *purgeDatabase) expire(ctx context.Context, db *sql.DB, n int) error {
	columns, err := columnsOf(ctx, db)
	if err != nil {
		return err
	}
	last := time.Now().Add(-10 * time.Minute).UnixMicro()
	expires := fmt.Sprintf("%d - n * %d", last, (30*24*time.Hour).Microseconds()/int64(n))
	values := make([]string, len(columns))
	for i, c := range columns {
		switch c {
		case "expires", "lifetime_end":
			c = expires
		case "purge_after":
			c = fmt.Sprintf(d.floor, expires)
		}
		values[i] = c
	}
	copying := fmt.Sprintf(`INSERT INTO sessions (id, %s) SELECT %s, %s FROM sessions, `+d.numbers,
		strings.Join(columns, ", "), d.newID, strings.Join(values, ", "), n)
	if _, err := db.ExecContext(ctx, copying); err != nil {
		return fmt.Errorf("benchmarks: expired rows: %w", err)
	}
	return nil
}

// rest brings the database to where it has nothing left to do.
func (d *purgeDatabase) rest(ctx context.Context, db *sql.DB) error {
	for _, statement := range d.settle {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("benchmarks: %s: %w", statement, err)
		}
	}
	return nil
}

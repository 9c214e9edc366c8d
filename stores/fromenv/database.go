package fromenv

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/stores/gormstore"
)

// mostConnections bounds the connections that this process opens to the
// database; PostgreSQL takes 100 from all processes together unless configured.
const mostConnections = 20

type database struct {
	*gorm.DB
	close func() error
}

// openDatabase opens the database of a variable and makes sure that it answers.
func openDatabase(ctx context.Context, variable string, raw URL) (database, error) {
	wrong := func(err error) (database, error) {
		return database{}, fmt.Errorf("%s: cannot use %s: %w", variable, raw, err)
	}
	u, err := databaseURL(string(raw))
	if err != nil {
		return wrong(err)
	}
	dialector, err := dialect(u)
	if err != nil {
		return wrong(err)
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, DisableAutomaticPing: true})
	if err != nil {
		return wrong(err)
	}
	pool, err := db.DB()
	if err != nil {
		return wrong(err)
	}
	pool.SetMaxOpenConns(mostConnections)
	pool.SetMaxIdleConns(mostConnections)
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := answered(pool.PingContext(ctx)); err != nil {
		pool.Close()
		return wrong(err)
	}
	return database{db, pool.Close}, nil
}

// dialect returns GORM's driver for the URL. Nothing is sent yet.
func dialect(u *url.URL) (gorm.Dialector, error) {
	switch u.Scheme {
	case "sqlite":
		// SQLite's own error would not say why, and others could read the file.
		file, err := os.OpenFile(u.Opaque, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		return sqlite.Open(u.Opaque + "?" + gormstore.SQLiteParams), file.Close()
	case "mysql":
		connector, err := mysqlConnector(u)
		if err != nil {
			return nil, err
		}
		return mysql.New(mysql.Config{Conn: sql.OpenDB(connector), SkipInitializeWithVersion: true}), nil
	default:
		return postgres.Open(u.String()), nil
	}
}

func mysqlConnector(u *url.URL) (driver.Connector, error) {
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "3306")
	}
	config, err := mysqldriver.ParseDSN("tcp(" + host + ")/?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.Trim(u.Path, "/")
	config.Logger = &mysqldriver.NopLogger{}
	return mysqldriver.NewConnector(config)
}

// checkDatabase tells what is wrong with the URL of a database, for MySQL also
// where only the driver would notice. Nothing is opened.
func checkDatabase(raw URL) error {
	u, err := databaseURL(string(raw))
	if err != nil || u.Scheme != "mysql" {
		return err
	}
	parse := func(u *url.URL) error {
		_, err := mysqlConnector(u)
		return err
	}
	if parse(u) == nil {
		return nil
	}
	return wrongParameter(u, parse)
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

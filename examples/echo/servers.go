package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seshat-go/seshat/stores/gormstore"
)

// mostConnections bounds the connections that this process opens to the
// database; PostgreSQL takes 100 from all processes together unless configured.
const mostConnections = 20

func listen(ctx context.Context, addr string) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("ADDR: %w", err)
	}
	return l, nil
}

// openDatabase opens the database and makes sure that it answers.
func openDatabase(ctx context.Context, u *url.URL) (*gorm.DB, *sql.DB, error) {
	wrong := func(err error) (*gorm.DB, *sql.DB, error) {
		return nil, nil, fmt.Errorf("DATABASE_URL: cannot use %s: %w", shown(u), err)
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
	return db, pool, nil
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
		connector, err := mysqldriver.NewConnector(config)
		if err != nil {
			return nil, err
		}
		return mysql.New(mysql.Config{Conn: sql.OpenDB(connector), SkipInitializeWithVersion: true}), nil
	default:
		return postgres.Open(u.String()), nil
	}
}

// openRedis connects to Redis and makes sure that it answers.
func openRedis(ctx context.Context, u *url.URL) (redis.UniversalClient, error) {
	wrong := func(err error) (redis.UniversalClient, error) {
		return nil, fmt.Errorf("REDIS_URL: cannot use %s: %w", shown(u), err)
	}
	logging.Disable() // what matters comes as an error
	rdb, err := redisClient(u)
	if err != nil {
		return wrong(err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := answered(rdb.Ping(ctx).Err()); err != nil {
		rdb.Close()
		return wrong(err)
	}
	return rdb, nil
}

// redisClient returns the client for the URL: of Sentinel if it names a master,
// of a Cluster if it has further addresses, else of one server. Nothing is sent yet.
func redisClient(u *url.URL) (redis.UniversalClient, error) {
	switch query := u.Query(); {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewFailoverClient(options), nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewClusterClient(options), nil
	default:
		options, err := redis.ParseURL(u.String())
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		return redis.NewClient(options), nil
	}
}

// answered says in plain words that a server did not answer.
func answered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no answer within %v", answerWithin)
	}
	return err
}

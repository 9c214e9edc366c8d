package benchmarks

import (
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/redis/go-redis/v9"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// The connections that every contestant has to a server. None needs more to
// Redis: it has one for each HTTP connection. More to PostgreSQL make everybody
// slower on a small machine.
const (
	redisPool    = 64
	postgresPool = 20
)

// openRedis opens go-redis, alike for all contestants that use it. What is not
// set is as go-redis has it.
func openRedis(env Env) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: env.Redis, PoolSize: redisPool, ContextTimeoutEnabled: true})
}

// openPostgres opens database/sql, alike for all contestants that use it. By
// default it would keep two idle connections and open the others anew each time.
func openPostgres(env Env) (*sql.DB, error) {
	db, err := sql.Open("pgx", env.Postgres)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: open PostgreSQL: %w", err)
	}
	db.SetMaxOpenConns(postgresPool)
	db.SetMaxIdleConns(postgresPool)
	return db, nil
}

// openGorm opens GORM over openPostgres, with its own defaults but for the
// logger: nothing is printed.
func openGorm(env Env) (*gorm.DB, *sql.DB, error) {
	db, err := openPostgres(env)
	if err != nil {
		return nil, nil, err
	}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("benchmarks: open GORM: %w", err)
	}
	return g, db, nil
}

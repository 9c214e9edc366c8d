package fromenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"gorm.io/gorm"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// answerWithin is how long Open waits for each server, and Close for a cache
// that has yet to hear of an ended session.
const answerWithin = 4 * time.Second

// Sessions is what Open opened.
type Sessions struct {
	// Options are those for session.New, with the Store set. What no variable
	// says (MaxSize, Device, ErrorHandler, ...) is the application's to add.
	Options session.Options
	// Description says in one line, for the start of a log, which engine is in
	// use and where it keeps sessions. It has no passwords and no parameters.
	Description string
	// DB is the database, which the application may use too; nil if the engine
	// has none. What GORM would log is discarded: db.Session sets another logger.
	DB *gorm.DB
	// Redis is the client; nil if there is none.
	Redis redis.UniversalClient

	closers []func() error
}

// Open connects to what the engine needs and makes sure that it answers, within
// four seconds for each server. Where SESSION_MIGRATE is not off it makes the
// table of sessions, so that one command starts a program on an empty database
// or a new SQLite file; an up-to-date table costs two reads, and needs no
// rights. The errors are those of ReadFrom, or name the variable whose server
// does not answer, without its password.
//
// A cache without REDIS_URL is the memory of this process. Where that is all
// there is (engine cache), a warning says so through slog.Default.
func (s Settings) Open(ctx context.Context) (*Sessions, error) {
	s, wrong := s.checked()
	if err := wrong.err(); err != nil {
		return nil, err
	}
	opened := &Sessions{Options: s.options(), Description: "sessions: " + s.Engine}
	store, err := opened.open(ctx, s)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	opened.Options.Store = store
	return opened, nil
}

// Close closes the store and the connections. It is for the end of the program,
// after the last request. It may be called again.
func (o *Sessions) Close() error {
	var errs []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		errs = append(errs, o.closers[i]())
	}
	o.closers = nil
	return errors.Join(errs...)
}

func (o *Sessions) open(ctx context.Context, s Settings) (session.Store, error) {
	switch s.Engine {
	case engineMemory:
		o.Description += " of this process: for one process only, and lost when it ends"
		return session.NewMemoryStore(session.MemoryOptions{}), nil
	case engineDB:
		return o.openTable(ctx, s)
	case engineCache:
		if s.RedisURL == "" {
			slog.Warn("fromenv: SESSION_ENGINE=cache without REDIS_URL keeps sessions in the memory of this process: they end when it does, and no other process has them")
		}
		return o.openCache(ctx, s)
	}
	truth, err := o.openTable(ctx, s)
	if err != nil {
		return nil, err
	}
	cache, err := o.openCache(ctx, s)
	if err != nil {
		return nil, err
	}
	store := cacheddb.New(cache, truth, cacheddb.Options{})
	o.closers = append(o.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
		defer cancel()
		return store.Close(ctx)
	})
	return store, nil
}

func (o *Sessions) openTable(ctx context.Context, s Settings) (*gormstore.Store, error) {
	db, err := openDatabase(ctx, "DATABASE_URL", s.DatabaseURL)
	if err != nil {
		return nil, err
	}
	o.closers = append(o.closers, db.close)
	o.DB = db.DB
	o.Description += ", database: " + s.DatabaseURL.String()
	store := gormstore.New(db.DB, gormstore.Options{Table: s.Table})
	if isTrueOrUnset(s.Migrate) {
		if err := store.Migrate(ctx); err != nil {
			return nil, fmt.Errorf("DATABASE_URL: cannot make the table of sessions in %s: %w", s.DatabaseURL, err)
		}
	}
	return store, nil
}

// A cache can be a store by itself, and stand in front of one.
type cache interface {
	session.Store
	cacheddb.Cache
}

func (o *Sessions) openCache(ctx context.Context, s Settings) (cache, error) {
	if s.RedisURL == "" {
		o.Description += ", cache: memory of this process, right for one process only (REDIS_URL shares it)"
		return session.NewMemoryStore(session.MemoryOptions{}), nil
	}
	rdb, err := openRedis(ctx, "REDIS_URL", s.RedisURL)
	if err != nil {
		return nil, err
	}
	o.closers = append(o.closers, rdb.Close)
	o.Redis = rdb
	o.Description += ", cache: " + s.RedisURL.String()
	return redisstore.New(rdb, redisstore.Options{Prefix: s.Prefix}), nil
}

// answered says in plain words that a server did not answer.
func answered(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("no answer within %v", answerWithin)
	}
	return err
}

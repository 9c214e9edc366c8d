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
// does not answer, without its password. The Redis of cached_db may be down: that
// is a warning through slog.Default, and the database serves until it answers. One
// that refuses the password is an error.
//
// A cache without REDIS_URL is the memory of this process. Where that is all
// there is (engine cache), a warning says so through slog.Default.
func (s Settings) Open(ctx context.Context) (*Sessions, error) {
	s, wrong := s.checked()
	if err := wrong.err(); err != nil {
		return nil, err
	}
	o := &opener{settings: s, opened: &Sessions{Options: s.options()}}
	err := o.open(ctx)
	if err != nil {
		return nil, errors.Join(err, o.opened.Close())
	}
	return o.opened, nil
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

// An opener opens each server once, also where two engines use it.
type opener struct {
	settings  Settings
	opened    *Sessions
	databases map[URL]*gorm.DB
	clients   map[URL]redis.UniversalClient
}

func (o *opener) open(ctx context.Context) error {
	from, to := o.settings.targets()
	o.databases, o.clients = map[URL]*gorm.DB{}, map[URL]redis.UniversalClient{}
	var store session.Store
	var description string
	var err error
	if from.engine == "" {
		store, description, err = o.store(ctx, to)
	} else {
		store, description, err = o.move(ctx, from, to)
	}
	o.opened.Options.Store, o.opened.Description = store, "sessions: "+description
	o.opened.DB, o.opened.Redis = o.databases[to.database], o.clients[to.redis]
	return err
}

// store opens an engine, and describes it.
func (o *opener) store(ctx context.Context, t target) (session.Store, string, error) {
	switch t.engine {
	case engineMemory:
		return session.NewMemoryStore(session.MemoryOptions{}), t.engine + " of this process: for one process only, and lost when it ends", nil
	case engineDB:
		truth, where, err := o.table(ctx, t)
		return truth, t.engine + where, err
	case engineCache:
		if t.redis == "" {
			slog.Warn("fromenv: SESSION_ENGINE=cache without REDIS_URL keeps sessions in the memory of this process: they end when it does, and no other process has them")
		}
		cache, where, err := o.cache(ctx, t)
		return cache, t.engine + where, err
	}
	return o.cachedDB(ctx, t, cacheddb.Options{})
}

func (o *opener) cachedDB(ctx context.Context, t target, options cacheddb.Options) (session.Store, string, error) {
	truth, database, err := o.table(ctx, t)
	if err != nil {
		return nil, "", err
	}
	cache, where, err := o.cache(ctx, t)
	if err != nil {
		return nil, "", err
	}
	store := cacheddb.New(cache, truth, options)
	o.closeWith(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
		defer cancel()
		return store.Close(ctx)
	})
	return store, t.engine + database + where, nil
}

func (o *opener) table(ctx context.Context, t target) (session.Store, string, error) {
	db := o.databases[t.database]
	if db == nil {
		opened, err := openDatabase(ctx, t.databaseVariable, t.database)
		if err != nil {
			return nil, "", err
		}
		o.closeWith(opened.close)
		db, o.databases[t.database] = opened.DB, opened.DB
	}
	store := gormstore.New(db, gormstore.Options{Table: o.settings.Table})
	if isTrueOrUnset(o.settings.Migrate) {
		if err := store.Migrate(ctx); err != nil {
			return nil, "", fmt.Errorf("%s: cannot make the table of sessions in %s: %w", t.databaseVariable, t.database, err)
		}
	}
	return store, ", database: " + t.database.String(), nil
}

// A cache can be a store by itself, and stand in front of one.
type cache interface {
	session.Store
	cacheddb.Cache
}

func (o *opener) cache(ctx context.Context, t target) (cache, string, error) {
	if t.redis == "" {
		return session.NewMemoryStore(session.MemoryOptions{}), ", cache: memory of this process, right for one process only (REDIS_URL shares it)", nil
	}
	rdb := o.clients[t.redis]
	if rdb == nil {
		var err error
		if rdb, err = openRedis(t.redisVariable, t.redis); err != nil {
			return nil, "", err
		}
		o.closeWith(rdb.Close)
		o.clients[t.redis] = rdb
	}
	if err := answers(ctx, rdb, t); err != nil {
		return nil, "", err
	}
	return redisstore.New(rdb, redisstore.Options{Prefix: o.settings.Prefix}), ", cache: " + t.redis.String(), nil
}

func (o *opener) closeWith(f func() error) { o.opened.closers = append(o.opened.closers, f) }

// answered says in plain words that a server did not answer.
func answered(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("no answer within %v", answerWithin)
	}
	return err
}

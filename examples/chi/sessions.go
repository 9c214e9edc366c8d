package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/gormstore"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// sessions is the manager with what it stands on.
type sessions struct {
	manager     *session.Manager
	description string // for the start-up line
	closers     []func()
}

// openSessions opens what the engine needs, and makes sure that it answers.
func openSessions(ctx context.Context, set settings) (*sessions, error) {
	s := &sessions{description: "sessions: " + set.engine}
	store, err := s.store(ctx, set)
	if err == nil {
		s.manager, err = session.New(session.Options{
			Store:       store,
			Insecure:    !set.cookieSecure,
			IdleTimeout: set.idleTimeout,
			MaxSize:     largestSession,
		})
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.purgeDaily()
	return s, nil
}

// purgeDaily deletes expired sessions until the shop ends: they have ended
// without it, but the database would keep their rows. Several processes may do
// so at once.
func (s *sessions) purgeDaily() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := s.manager.Purge(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("shop: deleting expired sessions", "error", err)
			}
			select {
			case <-time.After(24 * time.Hour):
			case <-ctx.Done():
			}
		}
	}()
	s.closers = append(s.closers, func() { cancel(); <-done })
}

// store is the setting SESSION_ENGINE.
func (s *sessions) store(ctx context.Context, set settings) (session.Store, error) {
	switch set.engine {
	case "memory":
		s.description += " of this process: for one process only, and lost when it ends"
		return session.NewMemoryStore(session.MemoryOptions{}), nil
	case "db":
		return s.database(ctx, set)
	case "cache":
		return s.cache(ctx, set)
	default: // cached_db
		truth, err := s.database(ctx, set)
		if err != nil {
			return nil, err
		}
		cache, err := s.cache(ctx, set)
		if err != nil {
			return nil, err
		}
		store := cacheddb.New(cache, truth, cacheddb.Options{})
		s.closeWith(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
			defer cancel()
			return store.Close(ctx)
		})
		return store, nil
	}
}

func (s *sessions) database(ctx context.Context, set settings) (session.Store, error) {
	db, pool, err := openDatabase(ctx, set.database)
	if err != nil {
		return nil, err
	}
	s.closeWith(pool.Close)
	s.description += ", database: " + shown(set.database)
	store := gormstore.New(db, gormstore.Options{})
	return store, store.Migrate(ctx)
}

// A cache can be a store by itself, and stand in front of one.
type cache interface {
	session.Store
	cacheddb.Cache
}

func (s *sessions) cache(ctx context.Context, set settings) (cache, error) {
	if set.redis == nil {
		s.description += ", cache: memory of this process, right for one process only (REDIS_URL shares it)"
		return session.NewMemoryStore(session.MemoryOptions{}), nil
	}
	rdb, err := openRedis(ctx, set.redis)
	if err != nil {
		return nil, err
	}
	s.closeWith(rdb.Close)
	s.description += ", cache: " + shown(set.redis)
	return redisstore.New(rdb, redisstore.Options{}), nil
}

func (s *sessions) closeWith(f func() error) {
	s.closers = append(s.closers, func() {
		if err := f(); err != nil {
			slog.Warn("shop: closing", "error", err)
		}
	})
}

// close closes what was opened, the last first.
func (s *sessions) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// sessions is the manager with what it stands on.
type sessions struct {
	*fromenv.Sessions
	manager   *session.Manager
	endPurges func()
}

// openSessions opens what the settings name, and makes sure that it answers.
func openSessions(ctx context.Context, set fromenv.Settings) (*sessions, error) {
	opened, err := set.Open(ctx)
	if err != nil {
		return nil, err
	}
	opened.Options.MaxSize = largestSession
	manager, err := session.New(opened.Options)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &sessions{opened, manager, purge(manager)}, nil
}

// purge deletes expired sessions until it is told to end: they have ended
// without it, but the database would keep their rows. Of all processes one does
// so at a time.
func purge(manager *session.Manager) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		manager.PurgeEvery(ctx, time.Hour)
	}()
	return func() { cancel(); <-done }
}

func (s *sessions) close() {
	s.endPurges()
	if err := s.Close(); err != nil {
		slog.Warn("shop: closing", "error", err)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/redis/go-redis/v9/logging"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// opened is what a command works on: the sessions of the application.
type opened struct {
	engine   string
	settings fromenv.Settings
	sessions *fromenv.Sessions
	manager  *session.Manager
}

// read returns the settings in the environment. The table is never made or
// changed on the way: that is for migrate.
func (t *tool) read() (fromenv.Settings, error) {
	environ := map[string]string{}
	for _, v := range t.environ {
		name, value, _ := strings.Cut(v, "=")
		environ[name] = value
	}
	s, err := fromenv.ReadFrom(fromenv.Settings{}, environ)
	s.Migrate = new(bool)
	return s, err
}

// open opens the sessions that the environment names.
func (t *tool) open(ctx context.Context) (*opened, error) {
	settings, err := t.read()
	if err != nil {
		return nil, failure{exitUsage, err}
	}
	return t.openSettings(ctx, settings)
}

func (t *tool) openSettings(ctx context.Context, settings fromenv.Settings) (*opened, error) {
	if settings.Engine == engineMemory || settings.Engine == engineCache && settings.RedisURL == "" {
		return nil, failure{exitUsage, errors.New("these sessions are in the memory of the application's process, where nobody else can see them: set SESSION_ENGINE, DATABASE_URL and REDIS_URL as the application has them")}
	}
	if settings.Migrate != nil && !*settings.Migrate {
		if err := sqliteThere(settings); err != nil {
			return nil, err
		}
	}
	logging.Disable() // what matters comes as an error
	sessions, err := settings.Open(ctx)
	if err != nil {
		return nil, err
	}
	o := sessions.Options
	o.Logger = slog.New(slog.DiscardHandler)
	o.Events = session.SlogEvents(o.Logger)
	m, err := session.New(o)
	if err != nil {
		return nil, errors.Join(err, sessions.Close())
	}
	return &opened{settings.Engine, settings, sessions, m}, nil
}

// sqliteThere refuses a SQLite database whose file is not there: opening would
// make it.
func sqliteThere(s fromenv.Settings) error {
	urls := []fromenv.URL{s.TransitionDatabaseURL}
	if s.Engine != engineCache {
		urls = append(urls, s.DatabaseURL)
	}
	for _, u := range urls {
		path, ok := strings.CutPrefix(string(u), "sqlite:")
		if !ok {
			continue
		}
		path = strings.TrimPrefix(path, "//")
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no database %s: see that this is the folder in which the application runs, or make it with \"seshat migrate\"", path)
		}
	}
	return nil
}

// place says where the sessions are, without passwords.
func (o *opened) place() string {
	at := o.engine
	for _, u := range []fromenv.URL{o.settings.DatabaseURL, o.settings.RedisURL} {
		if text := u.String(); text != "" {
			at += " " + text
		}
	}
	return at
}

func (o *opened) close() { _ = o.sessions.Close() }

// The engines, as fromenv names them.
const (
	engineDB       = "db"
	engineCachedDB = "cached_db"
	engineCache    = "cache"
	engineMemory   = "memory"
)

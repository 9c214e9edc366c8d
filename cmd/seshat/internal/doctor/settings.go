package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// Examine looks at the settings and at the servers that they name. wrong is what
// was wrong with the settings, if they could not be read; no server is asked then.
func Examine(ctx context.Context, s fromenv.Settings, wrong error) *Report {
	r := &Report{Checked: []string{}, Findings: []Finding{}}
	p := r.at("settings")
	for _, w := range s.Warnings {
		p.add(Warning, "settings.unknown", w, "Somebody meant to set something, and it has its default.", "Correct the name of the variable, or remove it.")
	}
	if wrong != nil {
		for _, err := range parts(wrong) {
			p.add(Problem, "settings.invalid", err.Error(), "The application does not start with it; no server was asked.", "Correct the variable.")
		}
		return r
	}
	p.engine(s)
	p.policy(ctx, s)
	if s.TransitionFrom != "" {
		p.add(Note, "settings.transition", fmt.Sprintf("a move from %s is under way, step %d of 2", s.TransitionFrom, s.TransitionStep), "Both engines are in use.",
			"When \"seshat copy --verify\" finds nothing left, and step 2 runs everywhere, drop the SESSION_TRANSITION variables.")
		from := s
		from.Engine, from.DatabaseURL, from.RedisURL = s.TransitionFrom, cmp.Or(s.TransitionDatabaseURL, s.DatabaseURL), cmp.Or(s.TransitionRedisURL, s.RedisURL)
		examine(ctx, r, from)
	}
	examine(ctx, r, s)
	return r
}

// examine looks at the servers of an engine.
func examine(ctx context.Context, r *Report, s fromenv.Settings) {
	s.TransitionFrom, s.TransitionStep, s.TransitionDatabaseURL, s.TransitionRedisURL = "", 0, "", ""
	if s.Engine == "db" || s.Engine == "cached_db" {
		examineDatabase(ctx, r, s)
	}
	if (s.Engine == "cache" || s.Engine == "cached_db") && s.RedisURL != "" {
		examineRedis(ctx, r, s)
	}
}

// parts are the errors of which err is made.
func parts(err error) []error {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		return many.Unwrap()
	}
	return []error{err}
}

func (p place) engine(s fromenv.Settings) {
	switch {
	case s.Engine == "memory" || s.Engine == "cache" && s.RedisURL == "":
		p.add(Problem, "engine.memory", "sessions are in the memory of the application's process", "They end with it, with each deployment, and a second process does not have them.",
			"Set SESSION_ENGINE and DATABASE_URL, or REDIS_URL.")
	case s.Engine == "cached_db" && s.RedisURL == "":
		p.add(Warning, "engine.cache", "SESSION_ENGINE=cached_db without REDIS_URL: the cache is the memory of the process",
			"With more than one process, each goes on with its own old entries for up to a minute after another wrote or signed out.", "Set REDIS_URL, or run one process only, or set SESSION_ENGINE=db.")
	case s.Engine == "db" && s.RedisURL != "":
		p.add(Note, "engine.unused", "REDIS_URL is set, and SESSION_ENGINE=db does not use it", "Each request with a session asks the database.", "SESSION_ENGINE=cached_db puts Redis in front of it; nobody is signed out.")
	}
	if path, ok := sqliteFile(s.DatabaseURL); ok && s.Engine != "cache" {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			p.add(Warning, "sqlite.readable", fmt.Sprintf("%s has the mode %v", path, info.Mode().Perm()), "Other accounts of this machine can read the values of sessions.", "chmod 600 "+path)
		}
	}
}

func sqliteFile(u fromenv.URL) (string, bool) {
	path, ok := strings.CutPrefix(string(u), "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}

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
	used := engines(s)
	if len(used) > 1 {
		p.transition(s.TransitionStep, used[0], used[1])
	}
	databases, redises := servers(used...)
	for _, s := range databases {
		examineDatabase(ctx, r, s)
	}
	for _, s := range redises {
		examineRedis(ctx, r, s)
	}
	return r
}

// alone are the settings without a transition.
func alone(s fromenv.Settings) fromenv.Settings {
	s.TransitionFrom, s.TransitionStep, s.TransitionDatabaseURL, s.TransitionRedisURL = "", 0, "", ""
	return s
}

// engines are the settings of each engine in use, that of before first.
func engines(s fromenv.Settings) []fromenv.Settings {
	if s.TransitionFrom == "" {
		return []fromenv.Settings{s}
	}
	from := alone(s)
	from.Engine, from.DatabaseURL, from.RedisURL = s.TransitionFrom, cmp.Or(s.TransitionDatabaseURL, s.DatabaseURL), cmp.Or(s.TransitionRedisURL, s.RedisURL)
	return []fromenv.Settings{from, alone(s)}
}

func (p place) transition(step int, from, to fromenv.Settings) {
	do := "When \"seshat copy --verify\" finds nothing left, and step 2 runs everywhere, drop the SESSION_TRANSITION variables."
	if hasDatabase(from) && hasDatabase(to) && from.DatabaseURL == to.DatabaseURL {
		do = "When this step runs everywhere, drop the SESSION_TRANSITION variables: the table stays, and there is nothing to copy."
	}
	p.add(Note, "settings.transition", fmt.Sprintf("a move from %s is under way, step %d of 2", from.Engine, step), "Both engines are in use.", do)
}

func hasDatabase(s fromenv.Settings) bool { return s.Engine == "db" || s.Engine == "cached_db" }
func hasRedis(s fromenv.Settings) bool {
	return (s.Engine == "cache" || s.Engine == "cached_db") && s.RedisURL != ""
}

// servers are those of the engines in use, each once. One that two engines share
// is looked at for the engine that has nothing else.
func servers(engines ...fromenv.Settings) (databases, redises []fromenv.Settings) {
	for _, s := range engines {
		if hasDatabase(s) {
			databases = once(databases, s, "db", func(s fromenv.Settings) fromenv.URL { return s.DatabaseURL })
		}
		if hasRedis(s) {
			redises = once(redises, s, "cache", func(s fromenv.Settings) fromenv.URL { return s.RedisURL })
		}
	}
	return databases, redises
}

func once(list []fromenv.Settings, s fromenv.Settings, strictest string, url func(fromenv.Settings) fromenv.URL) []fromenv.Settings {
	for i, other := range list {
		if url(other) == url(s) {
			if s.Engine == strictest {
				list[i] = s
			}
			return list
		}
	}
	return append(list, s)
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

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/stores/fromenv"
)

// target reads where sessions are copied from or to: the values of --from or --to.
func (t *tool) target(cmd *cli.Command, flag string) (fromenv.Settings, error) {
	s := fromenv.Settings{Table: t.getenv("SESSION_TABLE"), Prefix: t.getenv("SESSION_PREFIX"), Migrate: new(bool)}
	values := cmd.StringSlice(flag)
	if len(values) == 0 {
		return s, usage("--%s is missing: give db, cache, cached_db or a URL", flag)
	}
	for _, v := range values {
		if name, ok := strings.CutPrefix(v, "env:"); ok {
			if v = t.getenv(name); v == "" {
				return s, usage("--%s env:%s: %s is not set", flag, name, name)
			}
		}
		switch {
		case v == engineDB || v == engineCache || v == engineCachedDB:
			if len(values) > 1 {
				return s, usage("--%s is given twice, once as %s: give that alone, or the URLs of a database and of its Redis", flag, v)
			}
			if err := t.named(&s, flag, v); err != nil {
				return s, err
			}
		case strings.HasPrefix(v, "redis://"), strings.HasPrefix(v, "rediss://"), strings.HasPrefix(v, "unix://"):
			if s.RedisURL != "" {
				return s, usage("--%s is given twice with a Redis", flag)
			}
			s.RedisURL = fromenv.URL(v)
		case strings.HasPrefix(v, "postgres://"), strings.HasPrefix(v, "postgresql://"), strings.HasPrefix(v, "mysql://"), strings.HasPrefix(v, "sqlite:"):
			if s.DatabaseURL != "" {
				return s, usage("--%s is given twice with a database", flag)
			}
			s.DatabaseURL = fromenv.URL(v)
		default: // not quoted: it may be part of a password
			return s, usage("--%s is neither db, cache or cached_db, nor env:NAME, nor a URL that begins with postgres://, mysql://, sqlite:, redis://, rediss:// or unix://", flag)
		}
	}
	switch {
	case s.Engine != "":
	case s.DatabaseURL == "":
		s.Engine = engineCache
	case s.RedisURL == "":
		s.Engine = engineDB
	default:
		s.Engine = engineCachedDB
	}
	return s, nil
}

// targets are where sessions are copied from and to: what the flags say, or the
// transition that the application is in.
func (t *tool) targets(cmd *cli.Command) (from, to fromenv.Settings, err error) {
	if !cmd.IsSet("from") && !cmd.IsSet("to") && t.getenv("SESSION_TRANSITION_FROM") != "" {
		s, err := t.read()
		if err != nil {
			return from, to, failure{exitUsage, err}
		}
		to = fromenv.Settings{Engine: s.Engine, DatabaseURL: s.DatabaseURL, RedisURL: s.RedisURL, Table: s.Table, Prefix: s.Prefix, Migrate: new(bool)}
		from = to
		from.Engine = s.TransitionFrom
		from.DatabaseURL = cmp.Or(s.TransitionDatabaseURL, s.DatabaseURL)
		from.RedisURL = cmp.Or(s.TransitionRedisURL, s.RedisURL)
		for _, one := range []*fromenv.Settings{&from, &to} {
			if one.Engine == engineCache {
				one.DatabaseURL = ""
			}
			if one.Engine == engineDB {
				one.RedisURL = ""
			}
		}
		return from, to, nil
	}
	if from, err = t.target(cmd, "from"); err != nil {
		return from, to, err
	}
	to, err = t.target(cmd, "to")
	return from, to, err
}

// named is an engine by its name, with the URLs of the environment.
func (t *tool) named(s *fromenv.Settings, flag, engine string) error {
	s.Engine = engine
	if engine != engineCache {
		if s.DatabaseURL = fromenv.URL(t.getenv("DATABASE_URL")); s.DatabaseURL == "" {
			return usage("--%s %s needs DATABASE_URL, which is not set", flag, engine)
		}
	}
	if engine != engineDB {
		if s.RedisURL = fromenv.URL(t.getenv("REDIS_URL")); s.RedisURL == "" {
			return usage("--%s %s needs REDIS_URL, which is not set", flag, engine)
		}
	}
	return nil
}

// movable refuses pairs between which nothing is to be copied, and a database
// without the cache that stands in front of it: entries there would stay
// readable after their sessions had left.
func (t *tool) movable(from, to fromenv.Settings) error {
	sameDB := from.DatabaseURL != "" && from.DatabaseURL.String() == to.DatabaseURL.String()
	sameRedis := from.Engine == engineCache && to.Engine == engineCache && from.RedisURL == to.RedisURL
	switch {
	case sameDB:
		return usage("both are in %s: there is nothing to copy. From db to cached_db, or back, the two deployments of docs/migration.md are all", from.DatabaseURL)
	case sameRedis:
		return usage("both are %s: there is nothing to copy", from.RedisURL)
	}
	for _, name := range []string{"SESSION_ENGINE", "SESSION_TRANSITION_FROM"} {
		cached := strings.HasSuffix(t.getenv(name), engineCachedDB)
		for _, s := range []fromenv.Settings{from, to} {
			if cached && s.Engine == engineDB && s.DatabaseURL == fromenv.URL(t.getenv("DATABASE_URL")) {
				return usage("%s is cached_db: name that, not db, or its cache would go on serving what has left", name)
			}
		}
	}
	return nil
}

// openTarget opens one of the two stores of a copy.
func (t *tool) openTarget(ctx context.Context, flag string, s fromenv.Settings) (*opened, error) {
	if _, err := fromenv.ReadFrom(s, nil); err != nil {
		return nil, failure{exitUsage, targetError(flag, err)}
	}
	o, err := t.openSettings(ctx, s)
	own, known := errors.AsType[failure](err)
	switch {
	case known:
		return nil, failure{own.exit, targetError(flag, err)}
	case err != nil:
		return nil, targetError(flag, err)
	}
	return o, nil
}

// targetError names by its flag what fromenv names by its variable.
func targetError(flag string, err error) error {
	text := strings.NewReplacer("DATABASE_URL: ", "", "DATABASE_URL ", "the URL of the database ", "REDIS_URL: ", "", "REDIS_URL ", "the URL of Redis ").Replace(err.Error())
	return fmt.Errorf("--%s: %s", flag, text)
}

package fromenv

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// A target is an engine with where it keeps its sessions, and the variables
// that say so.
type target struct {
	engine                          string
	database, redis                 URL
	databaseVariable, redisVariable string
}

func hasDatabase(engine string) bool { return engine == engineDB || engine == engineCachedDB }
func hasCache(engine string) bool    { return engine == engineCache || engine == engineCachedDB }

// targets are what the application comes from, which has no engine if nothing
// moves, and what it goes to. What an engine does not use is left out.
func (s Settings) targets() (from, to target) {
	to = target{s.Engine, s.DatabaseURL, s.RedisURL, "DATABASE_URL", "REDIS_URL"}
	from = to
	from.engine = s.TransitionFrom
	if s.TransitionDatabaseURL != "" && s.TransitionDatabaseURL.place() != s.DatabaseURL.place() {
		from.database, from.databaseVariable = s.TransitionDatabaseURL, "SESSION_TRANSITION_DATABASE_URL"
	}
	if s.TransitionRedisURL != "" && s.TransitionRedisURL.place() != s.RedisURL.place() {
		from.redis, from.redisVariable = s.TransitionRedisURL, "SESSION_TRANSITION_REDIS_URL"
	}
	for _, t := range []*target{&from, &to} {
		if !hasDatabase(t.engine) {
			t.database = ""
		}
		if !hasCache(t.engine) {
			t.redis = ""
		}
	}
	return from, to
}

// oneTruth tells whether two engines have their truth in one table: then nothing
// is to be moved, but the cache is to be told.
func oneTruth(a, b target) bool {
	return hasDatabase(a.engine) && hasDatabase(b.engine) && a.database == b.database
}

// checkedTransition returns s with the engine it comes from by its name here, and
// what is wrong with the transition.
func (s Settings) checkedTransition() (Settings, problems) {
	if s.TransitionFrom == "" {
		if s.TransitionStep != 0 || s.TransitionDatabaseURL != "" || s.TransitionRedisURL != "" {
			return s, problems{errors.New("SESSION_TRANSITION_FROM is not set: give the engine that the application comes from, or drop SESSION_TRANSITION_STEP and the URLs")}
		}
		return s, nil
	}
	var wrong problems
	engine, err := engineNamed(s.TransitionFrom)
	if err != nil {
		wrong = append(wrong, problem("SESSION_TRANSITION_FROM", s.TransitionFrom, err))
	}
	s.TransitionFrom = engine
	switch s.TransitionStep {
	case 1, 2:
	case 0:
		wrong = append(wrong, errors.New("SESSION_TRANSITION_STEP is not set: give 1 for the first deployment, whose new sessions the processes of before still find, and 2 for the second, once the first runs everywhere"))
	default:
		wrong = append(wrong, problem("SESSION_TRANSITION_STEP", fmt.Sprint(s.TransitionStep), errStep))
	}
	if u := s.TransitionDatabaseURL; u != "" {
		if err := checkDatabase(u); err != nil {
			wrong = append(wrong, fmt.Errorf("SESSION_TRANSITION_DATABASE_URL %w", err))
		}
	}
	if u := s.TransitionRedisURL; u != "" {
		if err := checkRedis(u); err != nil {
			wrong = append(wrong, fmt.Errorf("SESSION_TRANSITION_REDIS_URL %w", err))
		}
	}
	if len(wrong) > 0 {
		return s, wrong
	}
	if err := s.impossibleMove(); err != nil {
		return s, problems{err}
	}
	return s, nil
}

func (s Settings) impossibleMove() error {
	from, to := s.targets()
	switch {
	case from.engine == engineMemory || to.engine == engineMemory:
		return errors.New("SESSION_TRANSITION_FROM: sessions in memory end with their process and cannot be moved: drop the SESSION_TRANSITION variables")
	case from.engine == to.engine && from.database == to.database && from.redis == to.redis:
		return fmt.Errorf("SESSION_TRANSITION_FROM is %s, as is SESSION_ENGINE, at the same place: there is nothing to move; drop the SESSION_TRANSITION variables, or say with SESSION_TRANSITION_DATABASE_URL or _REDIS_URL where the sessions come from", from.engine)
	case hasDatabase(from.engine) && from.database == "":
		return fmt.Errorf("SESSION_TRANSITION_DATABASE_URL is not set, nor is DATABASE_URL: SESSION_TRANSITION_FROM=%s needs one", from.engine)
	case from.engine == engineCache && from.redis == "", to.engine == engineCache && to.redis == "":
		return errors.New("SESSION_TRANSITION_FROM: a cache without REDIS_URL ends with its process, so that nothing can be moved from or to it: set REDIS_URL, or SESSION_TRANSITION_REDIS_URL for the old one")
	case oneTruth(from, to) && from.engine == to.engine:
		return errors.New("SESSION_TRANSITION_FROM: cached_db cannot change its Redis and keep its database in one transition, since each half of the processes would not hear of the other's writes: go to db, and from there to cached_db")
	case from.engine == engineCachedDB && to.engine == engineCachedDB && to.redis != "" && from.redis == to.redis:
		return errors.New("SESSION_TRANSITION_FROM: cached_db cannot change its database and keep its Redis, since both databases would have the same keys there: give REDIS_URL another Redis, or another number on this one, such as redis://HOST/1, and SESSION_TRANSITION_REDIS_URL the one of before")
	}
	return nil
}

// move opens the store that covers the time of the transition, and describes it.
func (o *opener) move(ctx context.Context, from, to target) (session.Store, string, error) {
	step := o.settings.TransitionStep
	if oneTruth(from, to) && step == 1 {
		cached := from
		if to.engine == engineCachedDB {
			cached = to
		}
		store, where, err := o.cachedDB(ctx, cached, cacheddb.Options{ReadTruth: true})
		return store, fmt.Sprintf("from %s to %s, step 1 of 2: what is written is told to the cache, and what is read comes from the database%s",
			from.engine, to.engine, strings.TrimPrefix(where, engineCachedDB)), err
	}
	store, where, err := o.store(ctx, to)
	if err != nil {
		return nil, "", err
	}
	if oneTruth(from, to) {
		return store, where + "; step 2 of 2 from " + from.engine, nil
	}
	old, whence, err := o.store(ctx, from)
	if err != nil {
		return nil, "", err
	}
	store = transition.New(old, store, transition.Options{Step: transition.Step(step)})
	return store, fmt.Sprintf("%s; step %d of 2 from %s", where, step, whence), nil
}

package fromenv

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// djangoEngines are Django's names for the engines.
var djangoEngines = map[string]string{
	"django.contrib.sessions.backends.db":        engineDB,
	"django.contrib.sessions.backends.cached_db": engineCachedDB,
	"django.contrib.sessions.backends.cache":     engineCache,
}

// engineNamed returns an engine by its name here or Django's.
func engineNamed(name string) (string, error) {
	switch name {
	case "":
		return engineDB, nil
	case engineDB, engineCachedDB, engineCache, engineMemory:
		return name, nil
	case "django.contrib.sessions.backends.file", "file":
		return "", errors.New("there are no sessions in files; give db with DATABASE_URL=sqlite:FILE, or cached_db, cache or memory")
	case "django.contrib.sessions.backends.signed_cookies", "signed_cookies":
		return "", errors.New("a session in the cookie cannot be ended by the server; give cache, which needs no database, or db, cached_db or memory")
	}
	if engine, ok := djangoEngines[name]; ok {
		return engine, nil
	}
	return "", errors.New("give db, cached_db, cache or memory")
}

var tableName = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]{0,47}\.)?[A-Za-z_][A-Za-z0-9_]{0,47}$`)

// checked returns s with the engines by their names here, and all that is wrong.
func (s Settings) checked() (Settings, problems) {
	var wrong problems
	refuse := func(name, value string, why error) { wrong = append(wrong, problem(name, value, why)) }
	url := func(name string, u URL, read error) {
		if u != "" && read != nil {
			wrong = append(wrong, fmt.Errorf("%s %w", name, read))
		}
	}

	engine, err := engineNamed(s.Engine)
	if err != nil {
		refuse("SESSION_ENGINE", s.Engine, err)
	}
	s.Engine = engine
	url("DATABASE_URL", s.DatabaseURL, checkDatabase(s.DatabaseURL))
	url("REDIS_URL", s.RedisURL, checkRedis(s.RedisURL))
	if s.DatabaseURL == "" && hasDatabase(engine) {
		wrong = append(wrong, fmt.Errorf("DATABASE_URL is not set: SESSION_ENGINE=%s needs it, such as postgres://USER:PASSWORD@HOST/DATABASE or sqlite:FILE", engine))
	}
	if s.Table != "" && !tableName.MatchString(s.Table) {
		refuse("SESSION_TABLE", s.Table, errors.New("give a name, or two with a dot between, of at most 48 letters, digits and underscores each"))
	}
	if err := prefixError(s.Prefix); s.Prefix != "" && err != nil {
		refuse("SESSION_PREFIX", s.Prefix, err)
	}
	s, moving := s.checkedTransition()
	return s, slices.Concat(wrong, moving, s.policyProblems())
}

// prefixError asks the store, which is not connected to anything.
func prefixError(prefix string) error {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:0"})
	defer rdb.Close()
	return redisstore.New(rdb, redisstore.Options{Prefix: prefix}).Validate()
}

// policyProblems are those of times and cookie.
func (s Settings) policyProblems() (wrong problems) {
	for _, t := range []struct {
		name  string
		value time.Duration
	}{
		{"SESSION_COOKIE_AGE", s.CookieAge},
		{"SESSION_LIFETIME", s.Lifetime},
		{"SESSION_IDLE_TIMEOUT", s.IdleTimeout},
	} {
		switch {
		case t.value < 0:
			wrong = append(wrong, problem(t.name, t.value.String(), errPositive))
		case t.value > longestLife && t.name != "SESSION_IDLE_TIMEOUT":
			wrong = append(wrong, fmt.Errorf("%s is %v: browsers keep no cookie longer than 400 days (%v)", t.name, t.value, longestLife))
		}
	}
	if c := (http.Cookie{Name: s.CookieName}); s.CookieName != "" && c.Valid() != nil {
		wrong = append(wrong, problem("SESSION_COOKIE_NAME", s.CookieName, errors.New("give letters, digits, - and _")))
	}
	switch c := (http.Cookie{Name: "n", Domain: s.CookieDomain}); {
	case strings.EqualFold(s.CookieDomain, "None"):
		wrong = append(wrong, problem("SESSION_COOKIE_DOMAIN", s.CookieDomain, errors.New("leave it out for a cookie of this host only")))
	case s.CookieDomain != "" && c.Valid() != nil:
		wrong = append(wrong, problem("SESSION_COOKIE_DOMAIN", s.CookieDomain, errors.New("give the name of a domain, such as example.com")))
	}
	if c := (http.Cookie{Name: "n", Path: s.CookiePath}); s.CookiePath != "" && (!strings.HasPrefix(s.CookiePath, "/") || c.Valid() != nil) {
		wrong = append(wrong, problem("SESSION_COOKIE_PATH", s.CookiePath, errors.New("give a path that begins with /, without ;")))
	}
	if s.CookieSameSite == http.SameSiteNoneMode && !isTrueOrUnset(s.CookieSecure) {
		wrong = append(wrong, errors.New("SESSION_COOKIE_SAMESITE is None: browsers refuse such a cookie without SESSION_COOKIE_SECURE=True"))
	}
	if s.MaxSessions < 0 {
		wrong = append(wrong, problem("SESSION_MAX_SESSIONS", strconv.Itoa(s.MaxSessions), errNumber))
	}
	if s.MaxSessionsPreventsLogin && s.MaxSessions == 0 {
		wrong = append(wrong, errors.New("SESSION_MAX_SESSIONS_PREVENTS_LOGIN is True, and SESSION_MAX_SESSIONS is not set: give the number of sessions that a user may have"))
	}
	switch s.DeviceAddress {
	case "", addressOff, addressTruncated, addressFull:
	default:
		wrong = append(wrong, problem("SESSION_DEVICE_ADDRESS", s.DeviceAddress, errors.New("give off, truncated or full")))
	}
	if len(wrong) > 0 {
		return wrong
	}
	if err := s.contradiction(); err != nil {
		return problems{err}
	}
	// The rest of the rules are the engine's.
	o := s.options()
	if err := refused(session.Options{Preset: o.Preset}); err != nil {
		return problems{problem("SESSION_PRESET", string(s.Preset), errors.New("give aal1, aal2 or aal3, or leave it out"))}
	}
	if err := refused(session.Options{Preset: o.Preset, Lifetime: o.Lifetime, IdleTimeout: o.IdleTimeout}); err != nil {
		return problems{fmt.Errorf("SESSION_PRESET and SESSION_LIFETIME, _COOKIE_AGE and _IDLE_TIMEOUT do not fit together: %w", err)}
	}
	if err := refused(o); err != nil {
		return problems{fmt.Errorf("SESSION_COOKIE_NAME, _DOMAIN, _PATH, _SECURE and _SAMESITE do not fit together: %w", err)}
	}
	return nil
}

// refused is what the engine says of options.
func refused(o session.Options) error {
	o.Store, o.Logger = session.NewMemoryStore(session.MemoryOptions{}), slog.New(slog.DiscardHandler)
	_, err := session.New(o)
	return err
}

// contradiction is that of times that do not fit together.
func (s Settings) contradiction() error {
	o := s.options()
	switch {
	case s.SaveEveryRequest && s.IdleTimeout != 0 && s.IdleTimeout != o.IdleTimeout:
		return fmt.Errorf("SESSION_IDLE_TIMEOUT is %v, and SESSION_SAVE_EVERY_REQUEST makes SESSION_COOKIE_AGE (%v) the idle timeout: drop one of them", s.IdleTimeout, o.IdleTimeout)
	case !s.SaveEveryRequest && s.Lifetime != 0 && s.CookieAge != 0 && s.Lifetime != s.CookieAge:
		return fmt.Errorf("SESSION_LIFETIME is %v and SESSION_COOKIE_AGE is %v: both say when a session ends however much it is used; set one of them", s.Lifetime, s.CookieAge)
	case o.Lifetime == 0: // the preset's
	case o.IdleTimeout > o.Lifetime && s.SaveEveryRequest:
		return fmt.Errorf("SESSION_COOKIE_AGE (%v), the idle timeout with SESSION_SAVE_EVERY_REQUEST, is above SESSION_LIFETIME (%v) and would never count", o.IdleTimeout, o.Lifetime)
	case o.IdleTimeout > o.Lifetime:
		return fmt.Errorf("SESSION_IDLE_TIMEOUT (%v) is above SESSION_LIFETIME (%v) and would never count", o.IdleTimeout, o.Lifetime)
	}
	return nil
}

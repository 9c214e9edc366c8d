package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings come from the environment. A variable that is not set, or empty,
// has its default.
type settings struct {
	addr         string   // ADDR, 127.0.0.1:8080
	engine       string   // SESSION_ENGINE, cached_db
	database     *url.URL // DATABASE_URL, sqlite:shop.db
	redis        *url.URL // REDIS_URL; nil is none
	cookieSecure bool     // SESSION_COOKIE_SECURE, true unless addr is loopback

	idleTimeout time.Duration // SESSION_IDLE_TIMEOUT; 0 is none
}

func readSettings(getenv func(string) string) (settings, error) {
	get := func(name, standard string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return standard
	}
	s := settings{addr: get("ADDR", "127.0.0.1:8080"), engine: get("SESSION_ENGINE", "cached_db")}
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return s, fmt.Errorf("ADDR is %q; it must be HOST:PORT or :PORT", s.addr)
	}
	switch s.engine {
	case "cached_db", "db", "cache", "memory":
	default:
		return s, fmt.Errorf("SESSION_ENGINE is %q; it must be cached_db, db, cache or memory", s.engine)
	}
	if s.database, err = databaseURL(get("DATABASE_URL", "sqlite:shop.db")); err != nil {
		return s, fmt.Errorf("DATABASE_URL %w", err)
	}
	if raw := getenv("REDIS_URL"); raw != "" {
		if s.redis, err = serverURL(raw, "redis", "rediss", "unix"); err != nil {
			return s, fmt.Errorf("REDIS_URL %w", err)
		}
	}
	s.cookieSecure, err = strconv.ParseBool(get("SESSION_COOKIE_SECURE", strconv.FormatBool(!loopback(host))))
	if err != nil {
		return s, fmt.Errorf("SESSION_COOKIE_SECURE is %q; it must be true or false", getenv("SESSION_COOKIE_SECURE"))
	}
	s.idleTimeout, err = time.ParseDuration(get("SESSION_IDLE_TIMEOUT", "0"))
	if err != nil || s.idleTimeout < 0 {
		return s, fmt.Errorf("SESSION_IDLE_TIMEOUT is %q; it must be a duration such as 30m or 24h", getenv("SESSION_IDLE_TIMEOUT"))
	}
	return s, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// databaseURL reads postgres://..., mysql://... or sqlite:FILE.
func databaseURL(raw string) (*url.URL, error) {
	if file, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		file = strings.TrimPrefix(file, "//")
		if file == "" || strings.ContainsAny(file, "?#") || strings.HasPrefix(file, ":") {
			return nil, errors.New("must name a file after sqlite: (sessions in memory are SESSION_ENGINE=memory)")
		}
		return &url.URL{Scheme: "sqlite", Opaque: file}, nil
	}
	u, err := serverURL(raw, "postgres", "postgresql", "mysql")
	switch {
	case errors.Is(err, errScheme):
		return nil, errors.New("must begin with sqlite:, postgres:// or mysql://")
	case err != nil:
		return nil, err
	case u.Scheme == "mysql" && strings.Trim(u.Path, "/") == "":
		return nil, errors.New("must name a database: mysql://USER:PASSWORD@HOST:PORT/DATABASE")
	case u.Query().Has("password"):
		return nil, errors.New("must have its password before the host: postgres://USER:PASSWORD@HOST/DATABASE")
	}
	return u, nil
}

var errScheme = errors.New("must begin with redis://, rediss:// or unix://")

// serverURL reads a URL with one of the given schemes. Its errors quote nothing
// of it, since any part may be one of a password.
func serverURL(raw string, schemes ...string) (*url.URL, error) {
	if !slices.ContainsFunc(schemes, func(scheme string) bool { return strings.HasPrefix(raw, scheme+"://") }) {
		return nil, errScheme
	}
	u, err := url.Parse(raw)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return nil, errors.New("is not a URL; in a password, write / as %2F, ? as %3F, # as %23, @ as %40, % as %25")
	}
	return u, nil
}

// shown is a URL as the start-up line may show it: with neither the password
// nor parameters.
func shown(u *url.URL) string {
	if u.Scheme == "sqlite" {
		return "sqlite:" + u.Opaque
	}
	safe := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		safe.User = url.User(name)
	}
	return safe.String()
}

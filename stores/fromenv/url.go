package fromenv

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// A URL is the address of a server, with its password. It prints, logs and
// encodes without password and parameters; string(u) has all.
type URL string

// String returns what may be shown: scheme, user, host and path.
func (u URL) String() string {
	parsed, err := u.parse()
	switch {
	case u == "":
		return ""
	case err != nil:
		return "(not a URL)"
	}
	return shown(parsed)
}

// GoString is String, for %#v.
func (u URL) GoString() string { return u.String() }

// MarshalText is String, for JSON and slog.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func (u URL) parse() (*url.URL, error) {
	if parsed, err := redisURL(string(u)); err == nil {
		return parsed, nil
	}
	return databaseURL(string(u))
}

// place is where a URL leads, as far as its text says: two users, passwords or
// time limits lead to one place.
func (u URL) place() string {
	parsed, err := u.parse()
	if err != nil {
		return string(u)
	}
	if parsed.Scheme == "sqlite" {
		file, err := filepath.Abs(parsed.Opaque)
		if err != nil {
			file = parsed.Opaque
		}
		return "sqlite " + file
	}
	scheme, port := parsed.Scheme, ""
	switch scheme {
	case "postgres", "postgresql":
		scheme, port = "postgres", "5432"
	case "mysql":
		port = "3306"
	case "redis", "rediss":
		scheme, port = "redis", "6379"
	}
	query := parsed.Query()
	hosts := append(strings.Split(parsed.Host, ","), query["addr"]...)
	for i, host := range hosts {
		if _, _, err := net.SplitHostPort(host); err != nil && host != "" {
			hosts[i] = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
	}
	slices.Sort(hosts)
	parts := append([]string{scheme}, slices.Compact(hosts)...)
	path := strings.TrimRight(parsed.Path, "/")
	if scheme == "redis" && path == "/0" {
		path = ""
	}
	if scheme == "postgres" && path == "" && !query.Has("dbname") {
		path = "/" + parsed.User.Username()
	}
	parts = append(parts, path)
	for _, name := range []string{"host", "port", "dbname", "options", "search_path", "master_name", "db"} {
		if value := query.Get(name); value != "" && (name != "db" || value != "0") {
			parts = append(parts, name+"="+value)
		}
	}
	return strings.Join(parts, " ")
}

var (
	errDatabaseScheme = errors.New("must begin with sqlite:, postgres:// or mysql://")
	errRedisScheme    = errors.New("must begin with redis://, rediss:// or unix://")
	errNotURL         = errors.New("is not a URL; in a password, write / as %2F, ? as %3F, # as %23, @ as %40, % as %25")
)

// databaseURL reads postgres://..., mysql://... or sqlite:FILE.
func databaseURL(raw string) (*url.URL, error) {
	if file, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		file = strings.TrimPrefix(file, "//")
		if file == "" || strings.ContainsAny(file, "?#") || strings.HasPrefix(file, ":") {
			return nil, errors.New("must name a file after sqlite: (sessions in memory are SESSION_ENGINE=memory)")
		}
		return &url.URL{Scheme: "sqlite", Opaque: file}, nil
	}
	u, err := serverURL(raw, errDatabaseScheme, "postgres", "postgresql", "mysql")
	switch {
	case err != nil:
		return nil, err
	case u.Scheme == "mysql" && strings.Trim(u.Path, "/") == "":
		return nil, errors.New("must name a database: mysql://USER:PASSWORD@HOST:PORT/DATABASE")
	case u.Query().Has("password"):
		return nil, errors.New("must have its password before the host: postgres://USER:PASSWORD@HOST/DATABASE")
	}
	return u, nil
}

func redisURL(raw string) (*url.URL, error) {
	return serverURL(raw, errRedisScheme, "redis", "rediss", "unix")
}

// serverURL reads a URL with one of the given schemes. Its errors quote nothing
// of it, since any part may be one of a password.
func serverURL(raw string, wrongScheme error, schemes ...string) (*url.URL, error) {
	if !slices.ContainsFunc(schemes, func(scheme string) bool { return strings.HasPrefix(raw, scheme+"://") }) {
		return nil, wrongScheme
	}
	u, err := url.Parse(raw)
	if err != nil || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return nil, errNotURL
	}
	return u, nil
}

// shown is a URL as it may be shown: with neither the password nor parameters.
// A user without a password may be one that was put into the wrong place.
func shown(u *url.URL) string {
	if u.Scheme == "sqlite" {
		return "sqlite:" + u.Opaque
	}
	safe := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	_, has := u.User.Password()
	if name := u.User.Username(); name != "" && (has || u.Scheme == "postgres" || u.Scheme == "postgresql" || u.Scheme == "mysql") {
		safe.User = url.User(name)
	}
	return safe.String()
}

package fromenv

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Read returns the settings in the environment of this process, over the
// application's defaults, and logs the warnings through slog.Default. The error
// is that of ReadFrom.
func Read(defaults Settings) (Settings, error) {
	s, err := ReadFrom(defaults, env.ToMap(os.Environ()))
	for _, w := range s.Warnings {
		slog.Warn("fromenv: " + w)
	}
	return s, err
}

// ReadFrom returns the settings in environ, over the application's defaults. A
// variable that is missing, or blank, has its default. It does no I/O. The
// error names each variable that is wrong, with its value and what it may be,
// in one line; nothing of a URL that may have a password is quoted. errors.As
// and Unwrap() []error give them one by one.
func ReadFrom(defaults Settings, environ map[string]string) (Settings, error) {
	s := defaults
	s.ownPointers()
	given := make(map[string]string, len(environ))
	for name, value := range environ {
		if value = strings.TrimSpace(value); value != "" {
			given[name] = value
		}
	}
	s.Warnings = append(slices.Clip(s.Warnings), warnings(given)...)
	s.dropOverruled(given)

	var wrong problems
	if err := env.ParseWithOptions(&s, env.Options{Environment: withUnits(given), FuncMap: parsers}); err != nil {
		wrong = unparsed(err, given)
	}
	for name, d := range map[string]*time.Duration{"SESSION_COOKIE_AGE": &s.CookieAge, "SESSION_LIFETIME": &s.Lifetime} {
		if zero, err := time.ParseDuration(given[name]); err == nil && zero == 0 {
			*d = 0
			wrong = append(wrong, problem(name, given[name], errPositive))
		}
	}
	if step := given["SESSION_TRANSITION_STEP"]; step != "" {
		if _, err := strconv.Atoi(step); err != nil {
			s.TransitionStep = 1 // that it is wrong is told; the rest is to be checked
		}
	}
	s, invalid := s.checked()
	wrong = append(wrong, invalid...)
	return s, wrong.err()
}

// Variables returns the names of all variables, in the order of the fields.
func Variables() []string {
	var names []string
	for field := range reflect.TypeFor[Settings]().Fields() {
		if name := field.Tag.Get("env"); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// ownPointers gives s its own copies of what its fields point to: the parser
// writes through them.
func (s *Settings) ownPointers() {
	for _, p := range []**bool{&s.Migrate, &s.CookieSecure, &s.CookieHTTPOnly} {
		if *p != nil {
			*p = new(**p)
		}
	}
}

// dropOverruled drops the defaults of times that say in other words what a
// variable says.
func (s *Settings) dropOverruled(given map[string]string) {
	every := s.SaveEveryRequest
	if b, err := strconv.ParseBool(given["SESSION_SAVE_EVERY_REQUEST"]); err == nil {
		every = b
	}
	for _, d := range []struct {
		value *time.Duration
		name  string
		by    []string
	}{
		{&s.CookieAge, "SESSION_COOKIE_AGE", []string{"SESSION_LIFETIME", "SESSION_PRESET"}},
		{&s.Lifetime, "SESSION_LIFETIME", []string{"SESSION_COOKIE_AGE", "SESSION_PRESET"}},
		{&s.IdleTimeout, "SESSION_IDLE_TIMEOUT", []string{"SESSION_PRESET"}},
	} {
		for _, by := range d.by {
			if given[by] != "" && given[d.name] == "" && (by == "SESSION_PRESET" || !every) {
				*d.value = 0
			}
		}
	}
}

// withUnits makes Django's plain seconds durations.
func withUnits(given map[string]string) map[string]string {
	given = maps.Clone(given)
	if _, err := strconv.ParseUint(given["SESSION_COOKIE_AGE"], 10, 64); err == nil {
		given["SESSION_COOKIE_AGE"] += "s"
	}
	return given
}

var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[bool](): func(v string) (any, error) {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return nil, errors.New("give True or False")
		}
		return b, nil
	},
	reflect.TypeFor[time.Duration](): func(v string) (any, error) {
		d, err := time.ParseDuration(v)
		if err != nil {
			return nil, errDuration
		}
		return d, nil
	},
	reflect.TypeFor[http.SameSite](): func(v string) (any, error) {
		switch strings.ToLower(v) {
		case "lax":
			return http.SameSiteLaxMode, nil
		case "strict":
			return http.SameSiteStrictMode, nil
		case "none":
			return http.SameSiteNoneMode, nil
		case "false":
			return nil, errors.New("with it Django sends no SameSite, and each browser chooses; give Lax, Strict or None")
		}
		return nil, errors.New("give Lax, Strict or None")
	},
}

var errDuration = errors.New("give a duration with its unit, such as 30m or 24h")

// unparsed says by their variables which fields could not be read.
func unparsed(err error, given map[string]string) problems {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return problems{err}
	}
	var wrong problems
	for _, err := range all.Errors {
		var p env.ParseError
		if !errors.As(err, &p) {
			wrong = append(wrong, err)
			continue
		}
		field, _ := reflect.TypeFor[Settings]().FieldByName(p.Name)
		name, why := field.Tag.Get("env"), p.Err
		switch {
		case name == "SESSION_COOKIE_AGE":
			why = errAge
		case name == "SESSION_TRANSITION_STEP":
			why = errStep
		case name == "SESSION_MAX_SESSIONS":
			why = errNumber
		}
		wrong = append(wrong, problem(name, given[name], why))
	}
	return wrong
}

var (
	errPositive = errors.New("it must be positive")
	errAge      = errors.New("give seconds, such as 1209600, or a duration, such as 336h")
	errNumber   = errors.New("give a whole number, 0 for no limit")
	errStep     = errors.New("give 1 or 2")
)

// problem says that a variable has a value that it may not have.
func problem(name, value string, allowed error) error {
	return fmt.Errorf("%s is %s: %w", name, quoted(value), allowed)
}

// quoted is a value in one short line. What looks like a URL was meant for
// another variable and may hold a password.
func quoted(value string) string {
	const longest = 60
	switch {
	case strings.ContainsAny(value, "@") || strings.Contains(value, "://"):
		return "a URL"
	case len(value) > longest:
		return fmt.Sprintf("%q and so on", strings.ToValidUTF8(value[:longest], ""))
	}
	return strconv.Quote(value)
}

// problems is an error of one line for each of several things that are wrong.
type problems []error

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, err := range p {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "; ")
}

func (p problems) Unwrap() []error { return p }

package fromenv_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// environ makes an environment of NAME=VALUE texts.
func environ(vars ...string) map[string]string {
	m := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		m[name] = value
	}
	return m
}

// memory are defaults that need nothing else.
var memory = fromenv.Settings{Engine: "memory"}

func read(t *testing.T, defaults fromenv.Settings, vars ...string) fromenv.Settings {
	t.Helper()
	s, err := fromenv.ReadFrom(defaults, environ(vars...))
	if err != nil {
		t.Fatalf("with %q: %v", vars, err)
	}
	return s
}

func TestEachVariableIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		vars []string
		get  func(fromenv.Settings) any
		want any
	}{
		{[]string{"SESSION_ENGINE=cache"}, func(s fromenv.Settings) any { return s.Engine }, "cache"},
		{[]string{"SESSION_ENGINE=memory"}, func(s fromenv.Settings) any { return s.Engine }, "memory"},
		{[]string{"SESSION_ENGINE=db", "DATABASE_URL=sqlite:x.db"}, func(s fromenv.Settings) any { return s.Engine }, "db"},
		{[]string{"SESSION_ENGINE=django.contrib.sessions.backends.db", "DATABASE_URL=sqlite:x.db"}, func(s fromenv.Settings) any { return s.Engine }, "db"},
		{[]string{"SESSION_ENGINE=django.contrib.sessions.backends.cache"}, func(s fromenv.Settings) any { return s.Engine }, "cache"},
		{[]string{"SESSION_ENGINE=django.contrib.sessions.backends.cached_db", "DATABASE_URL=sqlite:x.db"}, func(s fromenv.Settings) any { return s.Engine }, "cached_db"},
		{[]string{"DATABASE_URL=sqlite:x.db"}, func(s fromenv.Settings) any { return s.DatabaseURL }, fromenv.URL("sqlite:x.db")},
		{[]string{"REDIS_URL=unix:///run/redis.sock"}, func(s fromenv.Settings) any { return s.RedisURL }, fromenv.URL("unix:///run/redis.sock")},
		{[]string{"SESSION_TABLE=app.sessions"}, func(s fromenv.Settings) any { return s.Table }, "app.sessions"},
		{[]string{"SESSION_PREFIX=shop:"}, func(s fromenv.Settings) any { return s.Prefix }, "shop:"},
		{[]string{"SESSION_MIGRATE=False"}, func(s fromenv.Settings) any { return *s.Migrate }, false},
		{[]string{"SESSION_COOKIE_NAME=sessionid"}, func(s fromenv.Settings) any { return s.CookieName }, "sessionid"},
		{[]string{"SESSION_COOKIE_AGE=1209600"}, func(s fromenv.Settings) any { return s.CookieAge }, 14 * 24 * time.Hour},
		{[]string{"SESSION_COOKIE_AGE=12h"}, func(s fromenv.Settings) any { return s.CookieAge }, 12 * time.Hour},
		{[]string{"SESSION_COOKIE_DOMAIN=example.com"}, func(s fromenv.Settings) any { return s.CookieDomain }, "example.com"},
		{[]string{"SESSION_COOKIE_PATH=/shop"}, func(s fromenv.Settings) any { return s.CookiePath }, "/shop"},
		{[]string{"SESSION_COOKIE_SECURE=False"}, func(s fromenv.Settings) any { return *s.CookieSecure }, false},
		{[]string{"SESSION_COOKIE_SECURE=1"}, func(s fromenv.Settings) any { return *s.CookieSecure }, true},
		{[]string{"SESSION_COOKIE_HTTPONLY=0"}, func(s fromenv.Settings) any { return *s.CookieHTTPOnly }, false},
		{[]string{"SESSION_COOKIE_HTTPONLY=true"}, func(s fromenv.Settings) any { return *s.CookieHTTPOnly }, true},
		{[]string{"SESSION_COOKIE_SAMESITE=Strict"}, func(s fromenv.Settings) any { return s.CookieSameSite }, http.SameSiteStrictMode},
		{[]string{"SESSION_COOKIE_SAMESITE=lax"}, func(s fromenv.Settings) any { return s.CookieSameSite }, http.SameSiteLaxMode},
		{[]string{"SESSION_COOKIE_SAMESITE=None"}, func(s fromenv.Settings) any { return s.CookieSameSite }, http.SameSiteNoneMode},
		{[]string{"SESSION_EXPIRE_AT_BROWSER_CLOSE=True"}, func(s fromenv.Settings) any { return s.ExpireAtBrowserClose }, true},
		{[]string{"SESSION_SAVE_EVERY_REQUEST=true"}, func(s fromenv.Settings) any { return s.SaveEveryRequest }, true},
		{[]string{"SESSION_IDLE_TIMEOUT= 30m\n"}, func(s fromenv.Settings) any { return s.IdleTimeout }, 30 * time.Minute},
		{[]string{"SESSION_IDLE_TIMEOUT=0"}, func(s fromenv.Settings) any { return s.IdleTimeout }, time.Duration(0)},
		{[]string{"SESSION_PRESET=AAL2"}, func(s fromenv.Settings) any { return s.Preset }, session.Preset("AAL2")},
		{[]string{"SESSION_MAX_SESSIONS=3"}, func(s fromenv.Settings) any { return s.MaxSessions }, 3},
		{[]string{"SESSION_MAX_SESSIONS_PREVENTS_LOGIN=True", "SESSION_MAX_SESSIONS=1"}, func(s fromenv.Settings) any { return s.MaxSessionsPreventsLogin }, true},
		{[]string{"SESSION_DEVICE_ADDRESS=truncated"}, func(s fromenv.Settings) any { return s.DeviceAddress }, "truncated"},
		{[]string{"SESSION_LIFETIME=24h"}, func(s fromenv.Settings) any { return s.Lifetime }, 24 * time.Hour},
		{
			[]string{"SESSION_TRANSITION_FROM=django.contrib.sessions.backends.db", "SESSION_TRANSITION_STEP=1", "SESSION_ENGINE=cached_db", "DATABASE_URL=sqlite:x.db"},
			func(s fromenv.Settings) any { return s.TransitionFrom }, "db",
		},
		{
			[]string{"SESSION_TRANSITION_STEP=2", "SESSION_TRANSITION_FROM=db", "SESSION_ENGINE=cached_db", "DATABASE_URL=sqlite:x.db"},
			func(s fromenv.Settings) any { return s.TransitionStep }, 2,
		},
		{
			[]string{"SESSION_TRANSITION_DATABASE_URL=sqlite:y.db", "SESSION_TRANSITION_STEP=2", "SESSION_TRANSITION_FROM=db", "SESSION_ENGINE=db", "DATABASE_URL=sqlite:x.db"},
			func(s fromenv.Settings) any { return s.TransitionDatabaseURL }, fromenv.URL("sqlite:y.db"),
		},
		{
			[]string{"SESSION_TRANSITION_REDIS_URL=redis://old", "SESSION_TRANSITION_STEP=2", "SESSION_TRANSITION_FROM=cache", "SESSION_ENGINE=cache", "REDIS_URL=redis://new"},
			func(s fromenv.Settings) any { return s.TransitionRedisURL }, fromenv.URL("redis://old"),
		},
	} {
		name, _, _ := strings.Cut(c.vars[0], "=")
		seen[name] = true
		if got := c.get(read(t, memory, c.vars...)); got != c.want {
			t.Errorf("with %q: %v, want %v", c.vars, got, c.want)
		}
	}
	for _, name := range fromenv.Variables() {
		if !seen[name] {
			t.Errorf("%s is not tried", name)
		}
	}
}

func TestAWrongValueIsToldWithItsVariableAndWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		vars string // the first is the wrong one
		says []string
	}{
		{"SESSION_ENGINE=redis", []string{`"redis"`, "db, cached_db, cache or memory"}},
		{"SESSION_ENGINE=django.contrib.sessions.backends.file", []string{"no sessions in files", "sqlite:FILE"}},
		{"SESSION_ENGINE=django.contrib.sessions.backends.signed_cookies", []string{"cannot be ended by the server", "cache"}},
		{"SESSION_ENGINE=shop.sessions", []string{`"shop.sessions"`, "memory"}},
		{"SESSION_ENGINE=" + strings.Repeat("x", 5000), []string{"and so on", "memory"}},
		{"DATABASE_URL=shop.db", []string{"sqlite:, postgres:// or mysql://"}},
		{"DATABASE_URL=sqlite::memory:", []string{"SESSION_ENGINE=memory"}},
		{"DATABASE_URL=mysql://u@h", []string{"must name a database"}},
		{"DATABASE_URL=mysql://u@h/db?timeout=1s&tls=odd", []string{`"tls"`, "parameter"}},
		{"DATABASE_URL=mysql://u@h/db?timeout=long", []string{`"timeout"`, "parameter"}},
		{"REDIS_URL=localhost:6379", []string{"redis://, rediss:// or unix://"}},
		{"REDIS_URL=redis://:a#b@h", []string{"%23"}},
		{"REDIS_URL=redis://h/shop", []string{"number of a database", "redis://HOST:PORT/0"}},
		{"REDIS_URL=redis://h?read_timeout=1s&bogus=1", []string{`"bogus"`, "parameter"}},
		{"REDIS_URL=redis://h?read_timeout=long", []string{`"read_timeout"`, "parameter"}},
		{"REDIS_URL=redis://h?addr=i:1&bogus=1", []string{`"bogus"`, "parameter"}},
		{"REDIS_URL=redis://h?master_name=shop&addr=i", []string{`"addr"`, "parameter"}},
		{"REDIS_URL=unix:///a.sock?db=shop", []string{`"db"`, "parameter"}},
		{"SESSION_TABLE=drop table", []string{`"drop table"`, "letters, digits and underscores"}},
		{"SESSION_PREFIX={shop}", []string{`"{shop}"`, "braces"}},
		{"SESSION_MIGRATE=later", []string{`"later"`, "True or False"}},
		{"SESSION_COOKIE_NAME=a b", []string{`"a b"`, "letters"}},
		{"SESSION_COOKIE_NAME=__Host-s SESSION_COOKIE_PATH=/shop", []string{"__Host-"}},
		{"SESSION_COOKIE_AGE=fortnight", []string{`"fortnight"`, "1209600", "336h"}},
		{"SESSION_COOKIE_AGE=-5s", []string{`"-5s"`, "positive"}},
		{"SESSION_COOKIE_AGE=0", []string{`"0"`, "positive"}},
		{"SESSION_COOKIE_AGE=99999999", []string{"400 days"}},
		{"SESSION_COOKIE_AGE=9999999999999999999", []string{"1209600"}},
		{"SESSION_COOKIE_DOMAIN=None", []string{`"None"`, "leave it out"}},
		{"SESSION_COOKIE_DOMAIN=a/b", []string{`"a/b"`, "example.com"}},
		{"SESSION_LIFETIME=0", []string{`"0"`, "positive"}},
		{"SESSION_COOKIE_PATH=shop", []string{`"shop"`, "begins with /"}},
		{"SESSION_COOKIE_SECURE=maybe", []string{`"maybe"`, "True or False"}},
		{"SESSION_COOKIE_HTTPONLY=2", []string{`"2"`, "True or False"}},
		{"SESSION_COOKIE_SAMESITE=Loose", []string{`"Loose"`, "Lax, Strict or None"}},
		{"SESSION_COOKIE_SAMESITE=False", []string{`"False"`, "Django", "Lax, Strict or None"}},
		{"SESSION_COOKIE_SAMESITE=None SESSION_COOKIE_SECURE=False", []string{"SESSION_COOKIE_SECURE=True"}},
		{"SESSION_EXPIRE_AT_BROWSER_CLOSE=yes", []string{`"yes"`, "True or False"}},
		{"SESSION_SAVE_EVERY_REQUEST=10", []string{`"10"`, "True or False"}},
		{"SESSION_IDLE_TIMEOUT=30", []string{`"30"`, "unit", "30m"}},
		{"SESSION_IDLE_TIMEOUT=-1m", []string{"positive"}},
		{"SESSION_IDLE_TIMEOUT=700h", []string{"700h", "336h", "SESSION_LIFETIME"}},
		{"SESSION_IDLE_TIMEOUT=1h SESSION_SAVE_EVERY_REQUEST=True", []string{"1h", "336h", "SESSION_SAVE_EVERY_REQUEST"}},
		{"SESSION_MAX_SESSIONS=few", []string{`"few"`, "whole number"}},
		{"SESSION_MAX_SESSIONS=-1", []string{`"-1"`, "whole number"}},
		{"SESSION_MAX_SESSIONS_PREVENTS_LOGIN=True", []string{"SESSION_MAX_SESSIONS is not set"}},
		{"SESSION_DEVICE_ADDRESS=on", []string{`"on"`, "off, truncated or full"}},
		{"SESSION_PRESET=high", []string{`"high"`, "aal1, aal2 or aal3"}},
		{"SESSION_PRESET=aal2 SESSION_LIFETIME=25h", []string{"SESSION_LIFETIME", "25h", "24h"}},
		{"SESSION_PRESET=aal3 SESSION_IDLE_TIMEOUT=1h", []string{"_IDLE_TIMEOUT", "1h", "15m"}},
		{"SESSION_LIFETIME=90", []string{`"90"`, "24h"}},
		{"SESSION_LIFETIME=9601h", []string{"400 days"}},
		{"SESSION_LIFETIME=24h SESSION_COOKIE_AGE=3600", []string{"24h", "1h", "set one of them"}},
		{"SESSION_COOKIE_AGE=3600 SESSION_LIFETIME=30m SESSION_SAVE_EVERY_REQUEST=True", []string{"above SESSION_LIFETIME"}},
		{"SESSION_TRANSITION_FROM=redis SESSION_TRANSITION_STEP=1", []string{`"redis"`, "db, cached_db, cache or memory"}},
		{"SESSION_TRANSITION_FROM=memory SESSION_TRANSITION_STEP=1 SESSION_ENGINE=cache REDIS_URL=redis://h", []string{"cannot be moved"}},
		{"SESSION_TRANSITION_FROM=cache SESSION_TRANSITION_STEP=1 SESSION_ENGINE=db DATABASE_URL=sqlite:x", []string{"SESSION_TRANSITION_REDIS_URL"}},
		{"SESSION_TRANSITION_FROM=db SESSION_TRANSITION_STEP=1 SESSION_ENGINE=cache REDIS_URL=redis://h", []string{"DATABASE_URL is not set"}},
		{"SESSION_TRANSITION_FROM=db SESSION_TRANSITION_STEP=1 SESSION_ENGINE=cache DATABASE_URL=sqlite:x", []string{"set REDIS_URL"}},
		{"SESSION_TRANSITION_FROM=db SESSION_TRANSITION_STEP=1 SESSION_ENGINE=db DATABASE_URL=sqlite:x", []string{"same place", "nothing to move"}},
		{
			"SESSION_TRANSITION_FROM=cached_db SESSION_TRANSITION_STEP=1 SESSION_ENGINE=cached_db DATABASE_URL=sqlite:x REDIS_URL=redis://a SESSION_TRANSITION_REDIS_URL=redis://b",
			[]string{"go to db"},
		},
		{
			"SESSION_TRANSITION_FROM=cached_db SESSION_TRANSITION_STEP=1 SESSION_ENGINE=cached_db DATABASE_URL=sqlite:x SESSION_TRANSITION_DATABASE_URL=sqlite:y REDIS_URL=redis://a",
			[]string{"same keys", "redis://HOST/1", "SESSION_TRANSITION_REDIS_URL"},
		},
		{"SESSION_TRANSITION_STEP=1", []string{"SESSION_TRANSITION_FROM is not set"}},
		{"SESSION_TRANSITION_STEP=3 SESSION_TRANSITION_FROM=db SESSION_ENGINE=cached_db DATABASE_URL=sqlite:x", []string{`"3"`, "1 or 2"}},
		{"SESSION_TRANSITION_STEP=first SESSION_TRANSITION_FROM=db SESSION_ENGINE=cached_db DATABASE_URL=sqlite:x", []string{`"first"`, "1 or 2"}},
		{"SESSION_TRANSITION_DATABASE_URL=x SESSION_TRANSITION_STEP=1 SESSION_TRANSITION_FROM=db", []string{"sqlite:"}},
		{"SESSION_TRANSITION_REDIS_URL=redis://h/shop SESSION_TRANSITION_STEP=1 SESSION_TRANSITION_FROM=cache", []string{"number of a database"}},
		{"SESSION_TRANSITION_REDIS_URL=x SESSION_TRANSITION_STEP=1 SESSION_TRANSITION_FROM=cache", []string{"redis://"}},
	} {
		vars := []string{c.vars}
		if strings.Contains(c.vars, " SESSION_") {
			vars = strings.Fields(c.vars)
		}
		_, err := fromenv.ReadFrom(memory, environ(vars...))
		if err == nil {
			t.Errorf("with %q there is no error", vars)
			continue
		}
		if many, ok := err.(interface{ Unwrap() []error }); !ok || len(many.Unwrap()) != 1 {
			t.Errorf("with %q it is not one error: %v", vars, err)
		}
		name, _, _ := strings.Cut(vars[0], "=")
		for _, part := range append(c.says, name) {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("with %q the error does not say %q: %v", vars, part, err)
			}
		}
		if strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
			t.Errorf("with %q the error is not a line: %q", vars, err)
		}
	}
}

func TestWithoutADatabaseTheErrorSaysWhatToSet(t *testing.T) {
	for _, engine := range []string{"", "db", "cached_db"} {
		_, err := fromenv.ReadFrom(fromenv.Settings{Engine: engine}, nil)
		if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is not set") {
			t.Errorf("engine %q: %v", engine, err)
		}
	}
}

func TestAMoveWithoutItsStepIsRefused(t *testing.T) {
	_, err := fromenv.ReadFrom(fromenv.Settings{}, environ("SESSION_TRANSITION_FROM=db", "SESSION_ENGINE=cached_db", "DATABASE_URL=sqlite:x"))
	if err == nil || !strings.Contains(err.Error(), "SESSION_TRANSITION_STEP is not set: give 1") {
		t.Error(err)
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := fromenv.ReadFrom(memory, environ("SESSION_ENGINE=x", "SESSION_COOKIE_SECURE=x", "SESSION_LIFETIME=x", "REDIS_URL=x", "SESSION_TRANSITION_STEP=1"))
	many, ok := err.(interface{ Unwrap() []error })
	if !ok || len(many.Unwrap()) != 5 {
		t.Fatalf("not five errors: %v", err)
	}
	for _, name := range []string{"SESSION_ENGINE", "SESSION_COOKIE_SECURE", "SESSION_LIFETIME", "REDIS_URL", "SESSION_TRANSITION_FROM"} {
		if !strings.Contains(err.Error(), name+" ") {
			t.Errorf("%s is not told: %v", name, err)
		}
	}
}

func TestABlankVariableHasItsDefault(t *testing.T) {
	blank := map[string]string{}
	for _, name := range fromenv.Variables() {
		blank[name] = " "
	}
	defaults := fromenv.Settings{Engine: "cache", CookieAge: time.Hour, CookieSecure: new(false)}
	got, err := fromenv.ReadFrom(defaults, blank)
	if err != nil || !reflect.DeepEqual(got, defaults) {
		t.Errorf("%+v, %v, want %+v", got, err, defaults)
	}
}

func TestTheEnvironmentGoesOverTheDefaultsAndLeavesThemAlone(t *testing.T) {
	defaults := fromenv.Settings{Engine: "cache", CookieSecure: new(true), SaveEveryRequest: true}
	got := read(t, defaults, "SESSION_ENGINE=memory", "SESSION_COOKIE_SECURE=False", "SESSION_SAVE_EVERY_REQUEST=False")
	if got.Engine != "memory" || *got.CookieSecure || got.SaveEveryRequest {
		t.Errorf("%+v", got)
	}
	if defaults.Engine != "cache" || !*defaults.CookieSecure || !defaults.SaveEveryRequest {
		t.Errorf("the defaults have become %+v", defaults)
	}
}

func TestAVariableOverrulesTheDefaultOfItsOtherName(t *testing.T) {
	if got := read(t, fromenv.Settings{Engine: "memory", Lifetime: time.Hour}, "SESSION_COOKIE_AGE=60"); got.CookieAge != time.Minute || got.Lifetime != 0 {
		t.Errorf("%+v", got)
	}
	if got := read(t, fromenv.Settings{Engine: "memory", CookieAge: 9600 * time.Hour, IdleTimeout: 9600 * time.Hour}, "SESSION_PRESET=aal3"); got.CookieAge != 0 || got.IdleTimeout != 0 {
		t.Errorf("%+v", got)
	}
	if got := read(t, fromenv.Settings{Engine: "memory", CookieAge: time.Hour}, "SESSION_LIFETIME=1m"); got.Lifetime != time.Minute || got.CookieAge != 0 {
		t.Errorf("%+v", got)
	}
}

func TestALifetimeStaysWhereTheEnvironmentMakesTheAgeAnIdleTimeout(t *testing.T) {
	set := read(t, fromenv.Settings{Engine: "memory", Lifetime: 720 * time.Hour}, "SESSION_SAVE_EVERY_REQUEST=True", "SESSION_COOKIE_AGE=3600")
	if set.Lifetime != 720*time.Hour || set.CookieAge != time.Hour {
		t.Errorf("the lifetime is %v, the age %v", set.Lifetime, set.CookieAge)
	}
	set = read(t, fromenv.Settings{Engine: "memory", SaveEveryRequest: true, CookieAge: time.Hour}, "SESSION_SAVE_EVERY_REQUEST=False", "SESSION_LIFETIME=24h")
	if set.Lifetime != 24*time.Hour || set.CookieAge != 0 {
		t.Errorf("the lifetime is %v, the age %v", set.Lifetime, set.CookieAge)
	}
}

func TestAVariableThatIsNoSettingIsAWarningWithANearName(t *testing.T) {
	const secret = "s3cret"
	env := environ("SESSION_ENGIN=db", "SESSION_COOKIE_SAME_SITE=Lax", "SESSION_SECRET="+secret, "SESSION_CACHE_ALIAS=default", "SESSION_FILE_PATH=/tmp", "SESSION_SERIALIZER=x",
		"SESSION_MANAGER=local/host", "SESSIONNAME=Console", "DBUS_SESSION_BUS_ADDRESS=x", "SESSION_EMPTY=")
	s, err := fromenv.ReadFrom(memory, env)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"SESSION_CACHE_ALIAS ", "REDIS_URL"},
		{"SESSION_COOKIE_SAME_SITE ", "did you mean SESSION_COOKIE_SAMESITE?"},
		{"SESSION_ENGIN ", "did you mean SESSION_ENGINE?"},
		{"SESSION_FILE_PATH ", "sqlite:FILE"},
		{"SESSION_SECRET ", "no such setting"},
		{"SESSION_SERIALIZER ", "Codec"},
	}
	if len(s.Warnings) != len(want) {
		t.Fatalf("%d warnings, want %d: %q", len(s.Warnings), len(want), s.Warnings)
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(s.Warnings[i], part) || strings.Contains(s.Warnings[i], secret) {
				t.Errorf("%q does not say %q, or the value", s.Warnings[i], part)
			}
		}
	}
	if strings.Contains(s.Warnings[4], "mean") {
		t.Errorf("nothing is near: %q", s.Warnings[4])
	}
}

func TestReadTakesTheEnvironmentOfTheProcessAndLogsWarnings(t *testing.T) {
	for _, name := range fromenv.Variables() {
		t.Setenv(name, "")
	}
	t.Setenv("SESSION_COOKIE_NAME", "sid")
	t.Setenv("SESSION_ENGIN", "db")
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	s, err := fromenv.Read(memory)
	if err != nil || s.CookieName != "sid" {
		t.Errorf("%+v, %v", s, err)
	}
	if text := logged.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=WARN") || !strings.Contains(text, "SESSION_ENGIN has no effect") {
		t.Errorf("logged %q", text)
	}
}

// The document has a row for each variable, in a table that begins with it.
func TestTheDocumentListsExactlyTheVariables(t *testing.T) {
	text, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	_, after, found := strings.Cut(string(text), "\n## The variables\n")
	if !found {
		t.Fatal("docs/settings.md has no section of the variables")
	}
	section, _, _ := strings.Cut(after, "\n## ")
	for line := range strings.Lines(section) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(cell, "`")
			if listed[name] {
				t.Errorf("%s stands twice", name)
			}
			listed[name] = true
		}
	}
	want := fromenv.Variables()
	for _, name := range want {
		if !listed[name] {
			t.Errorf("docs/settings.md does not list %s", name)
		}
		delete(listed, name)
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		t.Errorf("docs/settings.md lists %s, which is no variable", name)
	}
}

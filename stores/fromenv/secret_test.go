package fromenv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9/logging"

	"github.com/seshat-go/seshat/stores/fromenv"
)

func TestMain(m *testing.M) {
	logging.Disable() // of the Redis client
	os.Exit(m.Run())
}

const secret = "s3cret"

// urls are addresses of nobody with a password in any place that people put it.
var urls = []string{
	"postgres://u:" + secret + "@127.0.0.1:1/db",
	"postgres://u:" + secret + "@127.0.0.1:1/db?sslmode=odd",
	"postgres://u@127.0.0.1:1/db?password=" + secret,
	"postgres://u:" + secret + "/@127.0.0.1/db",
	"postgres://u:5432/" + secret + "@127.0.0.1/db",
	"postgres://u:%" + secret + "@127.0.0.1/db",
	"oracle://u:" + secret + "@127.0.0.1/db",
	"mysql://u:" + secret + "@127.0.0.1:1/db",
	"mysql://u:" + secret + "@127.0.0.1:1/db?tls=odd",
	"mysql://u:" + secret + "@127.0.0.1:1",
	"redis://:" + secret + "@127.0.0.1:1/0",
	"redis://" + secret + "@127.0.0.1:1/0",
	"rediss://u:" + secret + "@127.0.0.1:1/0",
	"redis://:" + secret + "/@127.0.0.1",
	"redis://:" + secret + "@127.0.0.1:1/first",
	"redis://:" + secret + "@127.0.0.1:1?addr=127.0.0.1:1&odd=" + secret,
	"redis://:" + secret + "@127.0.0.1:1?master_name=shop&sentinel_password=" + secret,
	"unix://u:" + secret + "@/no/such/socket",
}

func TestNoErrorHoldsAPassword(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits
	for _, u := range urls {
		for _, name := range fromenv.Variables() {
			env := environ("SESSION_ENGINE=cached_db", "DATABASE_URL=sqlite:"+t.TempDir()+"/x.db")
			if strings.Contains(name, "TRANSITION") {
				env["SESSION_TRANSITION_FROM"], env["SESSION_TRANSITION_STEP"] = "cached_db", "1"
			}
			env[name] = u
			s, err := fromenv.ReadFrom(fromenv.Settings{}, env)
			if err == nil {
				_, err = s.Open(ctx)
			}
			if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
				t.Errorf("%s=%s: %v", name, u, err)
			}
		}
	}
}

func TestSettingsPrintWithoutPasswords(t *testing.T) {
	for _, u := range urls {
		s := fromenv.Settings{DatabaseURL: fromenv.URL(u), RedisURL: fromenv.URL(u), TransitionDatabaseURL: fromenv.URL(u), TransitionRedisURL: fromenv.URL(u)}
		encoded, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("settings", "all", s, "one", s.RedisURL)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("settings", "all", s, "one", s.RedisURL)
		for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %q %s", s, s, s.RedisURL, s.RedisURL), string(encoded), logged.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("it prints the password: %s", text)
			}
		}
	}
}

func TestAURLIsShownWithItsServerOnly(t *testing.T) {
	for raw, want := range map[fromenv.URL]string{
		"":                                      "",
		"postgres://u:p@h:5/db?sslmode=disable": "postgres://u@h:5/db",
		"postgres://u@h/db":                     "postgres://u@h/db",
		"mysql://u:p@h/db":                      "mysql://u@h/db",
		"sqlite:shop.db":                        "sqlite:shop.db",
		"redis://u:p@h:6379/1":                  "redis://u@h:6379/1",
		"redis://p@h":                           "redis://h",
		"redis://:p@h?master_name=m&addr=i:1":   "redis://h",
		"unix:///run/redis.sock?db=2":           "unix:///run/redis.sock",
		"hunter2":                               "(not a URL)",
	} {
		if got := raw.String(); got != want {
			t.Errorf("%q is shown as %q, want %q", string(raw), got, want)
		}
	}
}

// A server that takes connections and says nothing is waited for, not for ever.
func TestAServerThatDoesNotAnswerIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 1)
	defer cancel()
	for _, vars := range [][]string{
		{"SESSION_ENGINE=cache", "REDIS_URL=redis://:" + secret + "@" + l.Addr().String()},
		{"SESSION_ENGINE=db", "DATABASE_URL=postgres://u:" + secret + "@" + l.Addr().String() + "/db"},
		{"SESSION_ENGINE=db", "DATABASE_URL=mysql://u:" + secret + "@" + l.Addr().String() + "/db"},
	} {
		_, err := read(t, fromenv.Settings{}, vars...).Open(ctx)
		name, _, _ := strings.Cut(vars[1], "=")
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), l.Addr().String()) || strings.Contains(err.Error(), secret) {
			t.Errorf("with %q: %v", vars, err)
		}
	}
}

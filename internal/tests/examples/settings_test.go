package examples_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Pieces of a password, which no message may quote.
const secret = "s3cret"

func refuseToStart(t *testing.T, app examples.App) {
	t.Parallel() // it mostly waits
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	const nobody = "127.0.0.1:1"
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ env, says string }{
		{"ADDR=8080", "ADDR"},
		{"ADDR=127.0.0.1:port", "ADDR"},
		{"ADDR=127.0.0.1:70000", "ADDR"},
		{"ADDR=" + busy.Addr().String(), "ADDR"},
		{"SESSION_ENGINE=redis", "SESSION_ENGINE"},
		{"SESSION_COOKIE_SECURE=maybe", "SESSION_COOKIE_SECURE"},
		{"SESSION_IDLE_TIMEOUT=30", "SESSION_IDLE_TIMEOUT"},
		{"SESSION_IDLE_TIMEOUT=-1m", "SESSION_IDLE_TIMEOUT"},
		{"SESSION_IDLE_TIMEOUT=10000h", "SESSION_LIFETIME"},
		{"SESSION_COOKIE_AGE=two weeks", "SESSION_COOKIE_AGE"},
		{"SESSION_TRANSITION_FROM=cache", "SESSION_TRANSITION_STEP"},

		{"DATABASE_URL=shop.db", "DATABASE_URL"},
		{"DATABASE_URL=oracle://u:" + secret + "@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=sqlite:", "DATABASE_URL"},
		{"DATABASE_URL=sqlite::memory:", "DATABASE_URL"},
		{"DATABASE_URL=sqlite:no/such/folder/shop.db", "DATABASE_URL"},
		{"DATABASE_URL=sqlite:" + garbage, "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:" + secret + "@" + nobody + "/db", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:" + secret + "@" + nobody + "/db?sslmode=odd", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u@" + nobody + "/db?password=" + secret, "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:" + secret + "/@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:5432/" + secret + "@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:5432?" + secret + "@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:5432#" + secret + "@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=postgres://u:%" + secret + "@127.0.0.1/db", "DATABASE_URL"},
		{"DATABASE_URL=mysql://u:" + secret + "@" + nobody + "/db", "DATABASE_URL"},
		{"DATABASE_URL=mysql://u:" + secret + "@" + nobody, "DATABASE_URL"},
		{"DATABASE_URL=mysql://u:" + secret + "@" + nobody + "/db?tls=odd", "DATABASE_URL"},

		{"REDIS_URL=127.0.0.1:6379", "REDIS_URL"},
		{"REDIS_URL=http://u:" + secret + "@127.0.0.1", "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "@" + nobody + "/0", "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "@" + nobody + "/first", "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "/@127.0.0.1", "REDIS_URL"},
		{"REDIS_URL=unix:///no/such/socket", "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "@" + nobody + "?master_name=shop", "REDIS_URL"},
		{"REDIS_URL=unix://u:" + secret + "@/no/such/socket?master_name=shop", "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "@" + nobody + "?addr=" + nobody, "REDIS_URL"},
		{"REDIS_URL=redis://:" + secret + "@" + nobody + "?addr=" + nobody + "&odd=" + secret, "REDIS_URL"},
	} {
		t.Run(c.env, func(t *testing.T) {
			t.Parallel()
			refused(t, app, c.says, c.env)
		})
	}
	t.Run("wrong passwords", func(t *testing.T) {
		needServers(t)
		redis := servers.Redis(t, "--requirepass", redisPassword)
		refused(t, app, "REDIS_URL", "REDIS_URL=redis://:"+secret+"@"+redis.Addr)
		refused(t, app, "REDIS_URL", "REDIS_URL=redis://"+redis.Addr)
		refused(t, app, "DATABASE_URL", "DATABASE_URL=postgres://seshat:"+secret+"@"+servers.SharedPostgres(t).Addr+"/postgres?sslmode=disable")
		refused(t, app, "DATABASE_URL", "DATABASE_URL=mysql://seshat:"+secret+"@"+servers.SharedMariaDB(t).Addr+"/seshat")
	})
	t.Run("servers that do not answer", func(t *testing.T) {
		t.Parallel()
		silent := busy.Addr().String() // takes connections, and no more
		for _, env := range []string{
			"REDIS_URL=redis://:" + secret + "@" + silent,
			"REDIS_URL=redis://:" + secret + "@" + silent + "?master_name=shop",
			"REDIS_URL=redis://:" + secret + "@" + silent + "?addr=" + silent,
			"DATABASE_URL=postgres://u:" + secret + "@" + silent + "/db",
			"DATABASE_URL=mysql://u:" + secret + "@" + silent + "/db",
		} {
			t.Run(env, func(t *testing.T) {
				t.Parallel()
				refused(t, app, "no answer within", env)
			})
		}
	})
}

// refused fails the test unless the shop says what is wrong, in one line that
// quotes no secret, and ends with status 1.
func refused(t *testing.T, app examples.App, says, env string) {
	t.Helper()
	vars := []string{env}
	if strings.HasPrefix(env, "REDIS_URL") { // that of cached_db may be down
		vars = append(vars, "SESSION_ENGINE=cache")
	}
	status, output := app.Run(t, t.TempDir(), vars...)
	if status != 1 || strings.Count(output, "\n") != 1 || !strings.HasPrefix(output, "shop: ") || !strings.Contains(output, says) {
		t.Errorf("with %s: status %d and\n%s", env, status, output)
	}
	if strings.Contains(output, secret) || strings.Contains(output, redisPassword) {
		t.Errorf("with %s it quotes the password:\n%s", env, output)
	}
}

// startWithoutCache: what may be lost while the shop runs may be missing at its start.
func startWithoutCache(t *testing.T, app examples.App) {
	const nobody = "127.0.0.1:1"
	shop := app.Start(t, t.TempDir(), "REDIS_URL=redis://:"+secret+"@"+nobody)
	v := visit(t, shop)
	v.mustPost("/login", "user", "alice")
	v.mustPost("/cart", "item", "tea")
	v.wantSession("alice", "tea")
	shop.Stop(t)
	if out := shop.Output(); !strings.Contains(out, "REDIS_URL: cannot use redis://"+nobody) || strings.Contains(out, secret) {
		t.Errorf("what it logs:\n%s", out)
	}
}

func tellWhatIsInUse(t *testing.T, app examples.App) {
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			if s.real {
				needServers(t)
			}
			env := s.env(t)
			shop := app.Start(t, t.TempDir(), env...)
			want := []string{shop.URL, "sessions: " + strings.TrimPrefix(env[0], "SESSION_ENGINE=")}
			for _, word := range []string{"SQLite", "PostgreSQL", "MariaDB", "Redis", "memory"} {
				if strings.Contains(s.name, word) {
					want = append(want, map[string]string{
						"SQLite":     "database: sqlite:shop.db",
						"PostgreSQL": "database: postgres://seshat@127.0.0.1:",
						"MariaDB":    "database: mysql://seshat@127.0.0.1:",
						"Redis":      "cache: redis://127.0.0.1:",
						"memory":     "for one process only",
					}[word])
				}
			}
			for _, part := range want {
				if !strings.Contains(shop.Line, part) {
					t.Errorf("the start-up line does not tell %q: %s", part, shop.Line)
				}
			}
			shop.Stop(t)
		})
	}
}

func chooseCookie(t *testing.T, app examples.App) {
	for _, c := range []struct {
		env    []string
		secure bool
	}{
		{[]string{"ADDR=127.0.0.1:0"}, false},
		{[]string{"ADDR=localhost:0"}, false},
		{[]string{"ADDR=:0"}, true},
		{[]string{"ADDR=0.0.0.0:0"}, true},
		{[]string{"ADDR=127.0.0.1:0", "SESSION_COOKIE_SECURE=true"}, true},
		{[]string{"ADDR=0.0.0.0:0", "SESSION_COOKIE_SECURE=false"}, false},
	} {
		shop := app.Start(t, t.TempDir(), append(c.env, "SESSION_ENGINE=memory")...)
		v := visit(t, shop)
		v.base = "http://127.0.0.1:" + shop.URL[strings.LastIndex(shop.URL, ":")+1:]
		res, _ := v.do(v.request(http.MethodPost, "/login", form("user", "alice")))
		name := map[bool]string{false: "session", true: "__Host-session"}[c.secure]
		set := res.Cookies()
		if len(set) != 1 || set[0].Name != name || set[0].Secure != c.secure || !set[0].HttpOnly ||
			set[0].SameSite != http.SameSiteLaxMode || set[0].Path != "/" || set[0].Domain != "" {
			t.Errorf("with %v the cookie is %v", c.env, set)
		}
		shop.Stop(t)
	}
}

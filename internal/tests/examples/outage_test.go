package examples_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// redisPassword is that of servers started by these tests.
const redisPassword = "a-password-of-redis"

func loseRedis(t *testing.T, app examples.App) {
	needServers(t)
	redis := servers.Redis(t, "--requirepass", redisPassword)
	shop := app.Start(t, t.TempDir(), "SESSION_ENGINE=cached_db", postgres(t),
		"REDIS_URL=redis://:"+redisPassword+"@"+redis.Addr)
	v := visit(t, shop)
	v.mustPost("/login", "user", "alice")
	v.mustPost("/cart", "item", "before")
	v.wantSession("alice", "before")
	with := run(t, shop)

	redis.Kill(t)
	v.wantSession("alice", "before")
	v.mustPost("/cart", "item", "without")
	v.wantSession("alice", "before", "without")
	same(t, "with Redis", "without", with, run(t, shop))
	gone := visit(t, shop)
	gone.mustPost("/login", "user", "bob")
	cookies := gone.cookies()
	gone.mustPost("/logout", "", "")

	redis.Restart(t)
	v.wantSession("alice", "before", "without")
	v.mustPost("/cart", "item", "after")
	v.wantSession("alice", "before", "without", "after")
	same(t, "with Redis", "with Redis again", with, run(t, shop))

	redis.Stop(t) // nobody answers, nobody refuses
	v.mustPost("/cart", "item", "frozen")
	v.wantSession("alice", "before", "without", "after", "frozen")
	same(t, "with Redis", "with Redis frozen", with, run(t, shop))
	redis.Cont(t)
	v.wantSession("alice", "before", "without", "after", "frozen")
	thief := visit(t, shop)
	thief.setCookies(cookies)
	thief.wantSession("")
	shop.Stop(t)
}

func loseDatabase(t *testing.T, apps []examples.App) {
	needServers(t)
	for _, kind := range []struct {
		name  string
		start func(testing.TB) *servers.SQLServer
	}{{"PostgreSQL", servers.Postgres}, {"MariaDB", servers.MariaDB}} {
		t.Run(kind.name, func(t *testing.T) {
			db := kind.start(t)
			visitors := make([]*visitor, len(apps))
			before := make([]summary, len(apps))
			for i, app := range apps {
				v := visit(t, app.Start(t, t.TempDir(), "SESSION_ENGINE=db", "DATABASE_URL="+db.URL))
				v.mustPost("/login", "user", "alice")
				fill(t, v) // which opens several connections
				visitors[i], before[i] = v, v.session()
			}
			db.Kill(t)
			for _, v := range visitors {
				v.meetsOutage()
			}
			db.Restart(t)
			for i, v := range visitors {
				v.reload()
				v.wantSession("alice", before[i].Cart...)
				v.mustPost("/cart", "item", "found")
				v.wantSession("alice", append(before[i].Cart, "found")...)
				v.shop.Stop(t)
			}
		})
	}
}

// reload does what a 503 asks for: it tries again. Connections that broke while
// the database was away are noticed when they are used, one by one.
func (v *visitor) reload() {
	v.t.Helper()
	const connections = 20 // that a shop opens
	for range connections {
		if status, _ := v.get("/"); status == http.StatusOK {
			return
		}
	}
}

// meetsOutage fails the test unless the shop says that it has no sessions at
// the moment, and leaves the browser its cookie.
func (v *visitor) meetsOutage() {
	v.t.Helper()
	for _, a := range []ask{
		{method: http.MethodGet, path: "/"},
		{method: http.MethodGet, path: "/api/session"},
		{method: http.MethodPost, path: "/cart", form: form("item", "lost")},
		{method: http.MethodPost, path: "/login", form: form("user", "bob")},
		{method: http.MethodPost, path: "/logout"},
		{method: http.MethodGet, path: "/devices"},
		{method: http.MethodPost, path: "/devices/end", form: form("id", strings.Repeat("A", 43))},
		{method: http.MethodPost, path: "/devices/end-others"},
	} {
		res, body := v.do(v.request(a.method, a.path, a.form))
		if res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) > 0 {
			v.t.Errorf("%s without the database: %s, cookies %v\n%s", a, res.Status, res.Cookies(), body)
		}
	}
	if status, body := v.get("/healthz"); status != http.StatusOK || body != "ok" {
		v.t.Errorf("GET /healthz without the database: %d %s", status, body)
	}
	if status := visit(v.t, v.shop).post("/cart", "item", "lost"); status != http.StatusServiceUnavailable {
		v.t.Errorf("a new visitor without the database: %d", status)
	}
}

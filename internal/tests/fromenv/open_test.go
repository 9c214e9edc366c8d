// Package fromenv_test opens each engine, on each kind of server, as settings
// name it.
package fromenv_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/fromenv"
)

func TestMain(m *testing.M) { servers.Main(m) }

const password = "s3cret"

// open opens what the variables name.
func open(t *testing.T, vars ...string) *fromenv.Sessions {
	t.Helper()
	environ := map[string]string{}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		environ[name] = value
	}
	set, err := fromenv.ReadFrom(fromenv.Settings{}, environ)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := set.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	opened.Options.Logger = slog.New(slog.DiscardHandler)
	return opened
}

var posts = session.NewKey[int]("posts")

// A visitor posts, and expects to be told how often it has.
type visitor struct {
	t      *testing.T
	cookie *http.Cookie
	posted int
}

func (v *visitor) do(method string, on *fromenv.Sessions) {
	v.t.Helper()
	h := session.Must(session.New(on.Options)).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		if r.Method == http.MethodPost {
			posts.Update(s, func(n int) int { return n + 1 })
		}
		_, _ = w.Write([]byte(strconv.Itoa(posts.Get(s))))
	}))
	r := httptest.NewRequest(method, "/", nil)
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		v.cookie = c
	}
	if method == http.MethodPost {
		v.posted++
	}
	if w.Code != http.StatusOK || w.Body.String() != strconv.Itoa(v.posted) {
		v.t.Fatalf("%s on %q: %d %q, want %d posts", method, on.Description, w.Code, w.Body, v.posted)
	}
}

func needServers(t *testing.T) {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
}

func postgres(t testing.TB) string { return servers.SharedPostgres(t).URL }
func mariaDB(t testing.TB) string  { return servers.SharedMariaDB(t).URL }
func redis(t testing.TB) string    { return "redis://" + servers.SharedRedis(t).Addr + "/1" }

func TestEachEngineOpensOnEachServer(t *testing.T) {
	needServers(t)
	guarded := servers.Redis(t, "--requirepass", password, "--unixsocket", "redis.sock", "--unixsocketperm", "777")
	socket := filepath.Join(folderOf(t, guarded), "redis.sock")
	nodes := servers.SharedRedisCluster(t)
	urls := map[string]string{
		"Redis":             "redis://:" + password + "@" + guarded.Addr + "/0",
		"a socket":          "unix://:" + password + "@" + socket + "?db=2",
		"a Sentinel":        servers.Sentinel(t).URL,
		"a Cluster":         "redis://" + nodes[0] + "?addr=" + strings.Join(nodes[1:], "&addr="),
		"a node of Cluster": "redis://" + nodes[0] + "?addr=" + nodes[0],
		"PostgreSQL":        postgres(t),
		"MariaDB":           mariaDB(t),
		"SQLite":            "sqlite:" + filepath.Join(t.TempDir(), "x.db"),
	}
	for _, c := range []struct{ engine, database, cache string }{
		{"db", "PostgreSQL", ""},
		{"db", "MariaDB", ""},
		{"cache", "", "Redis"},
		{"cache", "", "a socket"},
		{"cache", "", "a Sentinel"},
		{"cache", "", "a Cluster"},
		{"cache", "", "a node of Cluster"},
		{"cached_db", "PostgreSQL", "Redis"},
		{"cached_db", "MariaDB", "a socket"},
		{"cached_db", "SQLite", "a Cluster"},
		{"cached_db", "PostgreSQL", "a Sentinel"},
	} {
		t.Run(c.engine+" on "+c.database+c.cache, func(t *testing.T) {
			vars := []string{"SESSION_ENGINE=" + c.engine, "SESSION_TABLE=fromenv", "SESSION_PREFIX=fromenv:"}
			if c.database != "" {
				vars = append(vars, "DATABASE_URL="+urls[c.database])
			}
			if c.cache != "" {
				vars = append(vars, "REDIS_URL="+urls[c.cache])
			}
			one, other := open(t, vars...), open(t, vars...)
			if (one.DB != nil) != (c.database != "") || (one.Redis != nil) != (c.cache != "") {
				t.Errorf("the database is %v, Redis %v", one.DB, one.Redis)
			}
			if d := one.Description; !strings.HasPrefix(d, "sessions: "+c.engine+", ") || strings.Contains(d, password) || strings.Contains(d, "?") {
				t.Errorf("it describes itself as %q", d)
			}
			v := visitor{t: t}
			for _, on := range []*fromenv.Sessions{one, other, one} {
				v.do(http.MethodPost, on)
				v.do(http.MethodGet, other)
			}
			if one.Redis != nil {
				if keys, err := one.Redis.Keys(t.Context(), "fromenv:*").Result(); err != nil || len(keys) == 0 && !strings.Contains(c.cache, "Cluster") {
					t.Errorf("there is no key with the prefix: %v", err)
				}
			}
			if one.DB != nil {
				var n int64
				if err := one.DB.Table("fromenv").Count(&n).Error; err != nil || n == 0 {
					t.Errorf("the table has %d sessions: %v", n, err)
				}
			}
		})
	}
}

// folderOf asks a Redis in which folder it runs.
func folderOf(t *testing.T, r *servers.RedisServer) string {
	t.Helper()
	opened := open(t, "SESSION_ENGINE=cache", "REDIS_URL=redis://:"+password+"@"+r.Addr)
	dir, err := opened.Redis.ConfigGet(t.Context(), "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	return dir["dir"]
}

// The deployments of a move, each beside the one before: whoever signed in on
// one is known to the other, and each sees at once what the other wrote.
func TestNoDeploymentOfAMoveLosesASessionOrAWrite(t *testing.T) {
	needServers(t)
	at := []string{"DATABASE_URL=" + postgres(t), "REDIS_URL=" + redis(t)}
	for i, c := range []struct{ from, to, says string }{
		{"db", "db", "step 1 of 2 from db, database: mysql://"},
		{"db", "cached_db", "from db to cached_db, step 1 of 2"},
		{"cached_db", "db", "from cached_db to db, step 1 of 2"},
		{"db", "cache", "step 1 of 2 from db"},
		{"cached_db", "cache", "step 1 of 2 from cached_db"},
		{"cache", "cached_db", "step 1 of 2 from cache"},
		{"cache", "db", "step 1 of 2 from cache"},
	} {
		t.Run(c.from+" to "+c.to, func(t *testing.T) {
			at := append(at, "SESSION_TABLE=move"+strconv.Itoa(i), "SESSION_PREFIX=move"+strconv.Itoa(i)+":")
			moving := append(at, "SESSION_ENGINE="+c.to, "SESSION_TRANSITION_FROM="+c.from)
			before := open(t, append(at, "SESSION_ENGINE="+c.from)...)
			if c.from == c.to { // elsewhere
				before = open(t, append(at, "SESSION_ENGINE="+c.from, "DATABASE_URL="+mariaDB(t))...)
				moving = append(moving, "SESSION_TRANSITION_DATABASE_URL="+mariaDB(t))
			}
			first := open(t, append(moving, "SESSION_TRANSITION_STEP=1")...)
			second := open(t, append(moving, "SESSION_TRANSITION_STEP=2")...)
			if !strings.Contains(first.Description, c.says) || !strings.Contains(second.Description, "step 2 of 2 from "+c.from) {
				t.Errorf("they describe themselves as %q and %q", first.Description, second.Description)
			}
			for _, beside := range [][2]*fromenv.Sessions{{before, first}, {first, second}} {
				for _, begins := range beside {
					v := visitor{t: t}
					v.do(http.MethodPost, begins)
					for range 2 {
						for _, on := range beside {
							v.do(http.MethodGet, beside[0])
							v.do(http.MethodGet, beside[1])
							v.do(http.MethodPost, on)
						}
					}
				}
			}
		})
	}
}

package cli_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// A site is an application whose sessions the tool looks after.
type site struct {
	t       *testing.T
	env     []string
	opened  *fromenv.Sessions
	manager *session.Manager
	handler http.Handler
}

var cart = session.NewKey[[]string]("cart")

// secretTea is a value that no output may have unless asked.
const secretTea = "Silver-Needle"

// openSite opens the application that the environment says, and its table.
func openSite(t *testing.T, env ...string) *site {
	t.Helper()
	environ := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		environ[name] = value
	}
	settings, err := fromenv.ReadFrom(fromenv.Settings{}, environ)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := settings.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &site{t: t, env: env, opened: opened}
	o := opened.Options
	o.Logger = slog.New(slog.DiscardHandler)
	o.Events = session.SlogEvents(o.Logger)
	o.Device = func(r *http.Request) session.Device {
		return session.Device{Address: "192.0.2.7", UserAgent: r.UserAgent()}
	}
	if s.manager, err = session.New(o); err != nil {
		t.Fatal(err)
	}
	s.handler = s.manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := session.From(r.Context())
		if r.Method == http.MethodPost {
			if user := r.FormValue("user"); user != "" {
				v.Login(user)
			}
			cart.Set(v, []string{secretTea})
		}
		fmt.Fprint(w, v.Principal(), " ", len(cart.Get(v)))
	}))
	return s
}

// visit begins a session, of a user or anonymous, and returns its ID and the cookie.
func (s *site) visit(user string) (session.ID, string) {
	s.t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "https://shop.example/?user="+user, nil)
	r.Header.Set("User-Agent", "Firefox")
	s.handler.ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusOK || len(cookies) != 1 {
		s.t.Fatalf("the visit was answered %d %s", w.Code, w.Body)
	}
	id := session.ID("")
	probe := s.manager.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v := session.From(r.Context())
		_ = v.Load(r.Context())
		id = v.ID()
	}))
	s.through(probe, cookies[0].Value)
	return id, cookies[0].Value
}

// signedIn tells whether a cookie still opens a session.
func (s *site) signedIn(cookie string) bool {
	s.t.Helper()
	w := s.through(s.handler, cookie)
	if w.Code != http.StatusOK {
		s.t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return strings.HasSuffix(w.Body.String(), " 1")
}

func (s *site) through(h http.Handler, cookie string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-session", Value: cookie})
	h.ServeHTTP(w, r)
	return w
}

// expired stores n sessions that ended long ago.
func (s *site) expired(n int) {
	s.t.Helper()
	long := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	for i := range n {
		id := session.ID(fmt.Sprintf("%042dA", i))
		err := s.manager.Store().Create(context.Background(), id, session.Record{
			Version: 1, Created: long.Add(-time.Hour), LastSeen: long, Expires: long, LifetimeEnd: long,
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

var number atomic.Int64

// apart gives a test a table and keys of its own.
func apart() []string {
	n := number.Add(1)
	return []string{fmt.Sprintf("SESSION_TABLE=cli_%d", n), fmt.Sprintf("SESSION_PREFIX=cli_%d:", n)}
}

// engines are the environments of the three on real servers.
func engines(t *testing.T) map[string][]string {
	t.Helper()
	urls := []string{"DATABASE_URL=" + servers.SharedPostgres(t).URL, "REDIS_URL=" + servers.SharedRedis(t).URL()}
	all := map[string][]string{}
	for _, engine := range []string{"db", "cache", "cached_db"} {
		all[engine] = append(append([]string{"SESSION_ENGINE=" + engine}, urls...), apart()...)
	}
	return all
}

func needServers(t *testing.T) {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
}

// sqliteEnv is a database in a file.
func sqliteEnv(t *testing.T) []string {
	return []string{"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "shop.db")}
}

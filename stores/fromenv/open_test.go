package fromenv_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// Insecure, and a store by name, are warned of; tests have their own log.
func open(t *testing.T, s fromenv.Settings) *fromenv.Sessions {
	t.Helper()
	opened, err := s.Open(t.Context())
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

// A site counts the posts of each session.
type site struct {
	t      *testing.T
	h      http.Handler
	cookie *http.Cookie
	clock  time.Time
	posted int // in the session
}

var posts = session.NewKey[int]("posts")

func newSite(t *testing.T, o session.Options) *site {
	t.Helper()
	s := &site{t: t, clock: time.Now()}
	s.serve(o)
	return s
}

// serve is another process.
func (s *site) serve(o session.Options) {
	s.t.Helper()
	o.Clock = func() time.Time { return s.clock }
	m, err := session.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.h = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Update(session.From(r.Context()), func(n int) int { return n + 1 })
		}
		_, _ = w.Write([]byte(strconv.Itoa(posts.Get(session.From(r.Context())))))
	}))
}

func (s *site) do(method string) (status, counted int) {
	s.t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	if s.cookie != nil {
		r.AddCookie(s.cookie)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		s.cookie = c
	}
	counted, _ = strconv.Atoi(w.Body.String())
	return w.Code, counted
}

// begin begins a session by a post.
func (s *site) begin() {
	s.t.Helper()
	s.cookie, s.posted = nil, 0
	s.post()
}

func (s *site) post() {
	s.t.Helper()
	s.posted++
	if status, counted := s.do(http.MethodPost); status != 200 || counted != s.posted {
		s.t.Fatalf("%d, %d posts, want %d", status, counted, s.posted)
	}
}

// alive tells whether the session is there, with all that was posted.
func (s *site) alive() bool {
	s.t.Helper()
	_, counted := s.do(http.MethodGet)
	return counted == s.posted
}

func TestTheEmbeddedEnginesKeepASession(t *testing.T) {
	for _, c := range []struct {
		engine, says string
		db, survives bool
	}{
		{"memory", "sessions: memory of this process: for one process only", false, false},
		{"cache", "sessions: cache, cache: memory of this process", false, false},
		{"db", "sessions: db, database: sqlite:", true, true},
		{"cached_db", ", cache: memory of this process, right for one process only", true, true},
	} {
		t.Run(c.engine, func(t *testing.T) {
			set := fromenv.Settings{Engine: c.engine, DatabaseURL: fromenv.URL("sqlite:" + filepath.Join(t.TempDir(), "x.db"))}
			opened := open(t, set)
			if (opened.DB != nil) != c.db || opened.Redis != nil || !strings.Contains(opened.Description, c.says) {
				t.Errorf("%+v", opened)
			}
			s := newSite(t, opened.Options)
			s.begin()
			if !s.alive() {
				t.Fatal("the session is not there")
			}
			if err := errors.Join(opened.Close(), opened.Close()); err != nil {
				t.Fatal(err)
			}
			s.serve(open(t, set).Options)
			if s.alive() != c.survives {
				t.Errorf("after a restart it is there: %v", !c.survives)
			}
		})
	}
}

func TestACacheThatIsOnlyMemoryIsWarnedOf(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	open(t, fromenv.Settings{Engine: "cache"})
	if text := logged.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "without REDIS_URL") {
		t.Errorf("logged %q", text)
	}
}

func TestTheSettingsDecideCookieAndTimes(t *testing.T) {
	for _, c := range []struct {
		vars           string
		life, idle     time.Duration
		cookie, absent string
	}{
		{"", 336 * time.Hour, 0, "__Host-session=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=1209600", "Domain"},
		{"SESSION_COOKIE_AGE=3600", time.Hour, 0, "Max-Age=3600", ""},
		{"SESSION_LIFETIME=2h SESSION_IDLE_TIMEOUT=1h", 2 * time.Hour, time.Hour, "Max-Age=7200", ""},
		{"SESSION_LIFETIME=2h SESSION_COOKIE_AGE=7200", 2 * time.Hour, 0, "Max-Age=7200", ""},
		{"SESSION_SAVE_EVERY_REQUEST=True", 9600 * time.Hour, 336 * time.Hour, "Max-Age=34560000", ""},
		{"SESSION_SAVE_EVERY_REQUEST=True SESSION_COOKIE_AGE=3600 SESSION_LIFETIME=720h", 720 * time.Hour, time.Hour, "Max-Age=2592000", ""},
		{"SESSION_SAVE_EVERY_REQUEST=True SESSION_COOKIE_AGE=3600 SESSION_IDLE_TIMEOUT=1h", 9600 * time.Hour, time.Hour, "", ""},
		{"SESSION_PRESET=aal2", 24 * time.Hour, time.Hour, "Max-Age=86400", ""},
		{"SESSION_PRESET=AAL3 SESSION_LIFETIME=1h", time.Hour, 15 * time.Minute, "Max-Age=3600", ""},
		{"SESSION_PRESET=aal1 SESSION_SAVE_EVERY_REQUEST=1", 720 * time.Hour, 336 * time.Hour, "Max-Age=2592000", ""},
		{"SESSION_PRESET=aal2 SESSION_SAVE_EVERY_REQUEST=1 SESSION_COOKIE_AGE=600", 24 * time.Hour, 10 * time.Minute, "", ""},
		{"SESSION_EXPIRE_AT_BROWSER_CLOSE=True", 336 * time.Hour, 0, "__Host-session=", "Max-Age"},
		{"SESSION_COOKIE_SECURE=False", 336 * time.Hour, 0, "session=;", "Secure"},
		{"SESSION_COOKIE_HTTPONLY=False", 336 * time.Hour, 0, "Secure", "HttpOnly"},
		{"SESSION_COOKIE_SAMESITE=Strict", 336 * time.Hour, 0, "SameSite=Strict", ""},
		{"SESSION_COOKIE_SAMESITE=None", 336 * time.Hour, 0, "SameSite=None", ""},
		{"SESSION_COOKIE_NAME=sessionid SESSION_COOKIE_DOMAIN=example.com SESSION_COOKIE_PATH=/a", 336 * time.Hour, 0, "sessionid=; Path=/a; Domain=example.com;", ""},
	} {
		opened := open(t, read(t, memory, strings.Fields(c.vars)...))
		if p := session.Must(session.New(opened.Options)).Policy(); p.Lifetime != c.life || p.IdleTimeout != c.idle {
			t.Errorf("with %q the lifetime is %v and the idle timeout %v", c.vars, p.Lifetime, p.IdleTimeout)
		}
		s := newSite(t, opened.Options)
		s.begin()
		s.cookie.Value = ""
		line := s.cookie.String()
		for part := range strings.SplitSeq(c.cookie, "; ") {
			if !strings.Contains(line, strings.TrimSuffix(part, ";")) {
				t.Errorf("with %q the cookie is %q, want %q", c.vars, line, part)
			}
		}
		if c.absent != "" && strings.Contains(line, c.absent) {
			t.Errorf("with %q the cookie is %q, want no %s", c.vars, line, c.absent)
		}
	}
}

func TestSaveEveryRequestCountsTheAgeFromTheLastUse(t *testing.T) {
	const age, day = "SESSION_COOKIE_AGE=864000", 24 * time.Hour // ten days
	for _, every := range []bool{false, true} {
		vars := []string{age, "SESSION_SAVE_EVERY_REQUEST=False"}
		if every {
			vars[1] = "SESSION_SAVE_EVERY_REQUEST=True"
		}
		s := newSite(t, open(t, read(t, memory, vars...)).Options)
		s.begin()
		s.clock = s.clock.Add(9 * day)
		if !s.alive() {
			t.Fatal("it ended before its age")
		}
		s.clock = s.clock.Add(9 * day)
		if s.alive() != every {
			t.Errorf("%q: nine days after its last use, and 18 after it began, it is alive: %v", vars, !every)
		}
		s.clock = s.clock.Add(11 * day)
		if s.alive() {
			t.Errorf("%q: it outlived its age", vars)
		}
	}
}

func TestTableAndMigrationAreSettings(t *testing.T) {
	set := fromenv.Settings{DatabaseURL: fromenv.URL("sqlite:" + filepath.Join(t.TempDir(), "x.db")), Table: "logins", Migrate: new(false)}
	if status, _ := newSite(t, open(t, set).Options).do(http.MethodPost); status != 503 {
		t.Error("there is a table that nobody made")
	}
	set.Migrate = nil
	opened := open(t, set)
	newSite(t, opened.Options).begin()
	var n int64
	if err := opened.DB.Table("logins").Count(&n).Error; err != nil || n != 1 {
		t.Errorf("the table has %d sessions, %v", n, err)
	}
	set.Migrate = new(false)
	newSite(t, open(t, set).Options).begin()
}

func TestASQLiteFileIsNobodyElses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	open(t, fromenv.Settings{DatabaseURL: fromenv.URL("sqlite:" + file)})
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Settings made by hand are checked too, and a failure leaves nothing open.
func TestOpenChecksWhatReadFromChecks(t *testing.T) {
	_, err := fromenv.Settings{Engine: "redis"}.Open(context.Background())
	if err == nil || !strings.Contains(err.Error(), `SESSION_ENGINE is "redis"`) {
		t.Error(err)
	}
	_, err = fromenv.Settings{Engine: "cache", RedisURL: nobody}.Open(context.Background())
	if err == nil || !strings.HasPrefix(err.Error(), "REDIS_URL: cannot use "+nobody) {
		t.Error(err)
	}
}

const nobody = "redis://127.0.0.1:1"

// A program that starts while the cache is down is served as one that runs is.
func TestACacheThatIsDownAtTheStartIsOnlyAWarning(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	dir := t.TempDir()
	db, old := fromenv.URL("sqlite:"+filepath.Join(dir, "x.db")), fromenv.URL("sqlite:"+filepath.Join(dir, "old.db"))
	opened := open(t, fromenv.Settings{Engine: "cached_db", DatabaseURL: db, RedisURL: nobody})
	if said := log.String(); !strings.Contains(said, "REDIS_URL: cannot use "+nobody) || !strings.Contains(said, "the database serves") {
		t.Errorf("it logs %q", said)
	}
	if _, err := session.Must(session.New(opened.Options)).List(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
	moving := fromenv.Settings{Engine: "cached_db", DatabaseURL: db, RedisURL: nobody, TransitionFrom: "cache", TransitionStep: 1}
	if _, err := moving.Open(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "REDIS_URL: cannot use "+nobody) {
		t.Errorf("Redis is the only place of the old engine, and down: %v", err)
	}
	moving.TransitionFrom, moving.TransitionDatabaseURL = "db", old
	open(t, moving)
}

// One process after the other: each has a cache of its own.
func TestNoStepOfAMoveBetweenEnginesSignsAnybodyOut(t *testing.T) {
	dir := t.TempDir()
	db := "DATABASE_URL=sqlite:" + filepath.Join(dir, "new.db")
	other := "SESSION_TRANSITION_DATABASE_URL=sqlite:" + filepath.Join(dir, "old.db")
	for _, c := range []struct {
		name, before string
		steps        []string // the engine before, the two steps
		says         string
	}{
		{"db to cached_db, one table", db, []string{"db", "cached_db"}, "from db to cached_db, step 1 of 2"},
		{"cached_db to db, one table", db, []string{"cached_db", "db"}, "from cached_db to db, step 1 of 2"},
		{"db to db elsewhere", "DATABASE_URL=" + strings.TrimPrefix(other, "SESSION_TRANSITION_DATABASE_URL="), []string{"db", "db"}, "step 1 of 2 from db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			vars := []string{"SESSION_ENGINE=" + c.steps[1], db, "SESSION_TRANSITION_FROM=" + c.steps[0]}
			if !strings.Contains(c.name, "one table") {
				vars = append(vars, other)
			}
			var begun []*site
			for _, vars := range [][]string{
				{"SESSION_ENGINE=" + c.steps[0], c.before},
				slices.Concat(vars, []string{"SESSION_TRANSITION_STEP=1"}),
				slices.Concat(vars, []string{"SESSION_TRANSITION_STEP=2"}),
			} {
				opened := open(t, read(t, fromenv.Settings{}, vars...))
				if last := vars[len(vars)-1]; strings.HasSuffix(last, "STEP=1") != strings.Contains(opened.Description, c.says) ||
					strings.HasSuffix(last, "STEP=2") != strings.Contains(opened.Description, "step 2 of 2 from "+c.steps[0]) {
					t.Errorf("with %q it describes itself as %q", vars, opened.Description)
				}
				moves := len(vars) > 2 && !strings.Contains(c.name, "one table")
				if _, ok := opened.Options.Store.(*transition.Store); ok != moves {
					t.Errorf("with %q sessions are moved: %v", vars, ok)
				}
				begun = append(begun, newSite(t, opened.Options))
				begun[len(begun)-1].begin()
				for _, s := range begun {
					s.serve(opened.Options)
					if !s.alive() {
						t.Fatalf("%q does not have all the sessions from before", opened.Description)
					}
					s.post()
				}
			}
		})
	}
}

func TestTheAddressOfADeviceIsKeptAsSet(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "203.0.113.9:4711"
	for setting, want := range map[string]string{"": "", "off": "", "truncated": "203.0.113.0/24", "full": "203.0.113.9"} {
		got := ""
		if device := open(t, fromenv.Settings{Engine: "memory", DeviceAddress: setting}).Options.Device; device != nil {
			got = device(r).Address
		}
		if got != want {
			t.Errorf("SESSION_DEVICE_ADDRESS=%s keeps %q, want %q", setting, got, want)
		}
	}
}

package fromenv

import (
	"net/http"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Settings says where sessions live, and the policy of their cookie. Each field
// is the variable in its tag; docs/settings.md has their meaning, default and
// danger in full. The zero value of a field is its default. A Settings may be
// made by hand too: Open checks it as ReadFrom does.
type Settings struct {
	// Engine is db, cached_db, cache or memory, or one of Django's dotted
	// names for them. Default: db.
	Engine string `env:"SESSION_ENGINE"`
	// DatabaseURL is postgres://..., mysql://... or sqlite:FILE. db and
	// cached_db need it. No default.
	DatabaseURL URL `env:"DATABASE_URL"`
	// RedisURL is redis://..., rediss://... or unix://...; with master_name it
	// is Sentinel, with addr a Cluster. Default: none; a cache is then the
	// memory of this process, which is right for one process only.
	RedisURL URL `env:"REDIS_URL"`
	// Table is the table of sessions. Default: sessions.
	Table string `env:"SESSION_TABLE"`
	// Prefix begins the keys in Redis. Default: "sessions:".
	Prefix string `env:"SESSION_PREFIX"`
	// Migrate makes Open create the table, or add what an older one lacks.
	// Default: true, so that a program on an empty database starts.
	Migrate *bool `env:"SESSION_MIGRATE"`

	// CookieName. Default: __Host-session if the cookie is Secure with path /
	// and no domain, else session. Renaming signs everybody out.
	CookieName string `env:"SESSION_COOKIE_NAME"`
	// CookieAge ends a session this long after it began or its last login; with
	// SaveEveryRequest, after its last use. Seconds in the environment, or a
	// duration. Default: 14 days.
	CookieAge time.Duration `env:"SESSION_COOKIE_AGE"`
	// CookieDomain sends the cookie to all subdomains too. Default: none.
	CookieDomain string `env:"SESSION_COOKIE_DOMAIN"`
	// CookiePath. Default: /.
	CookiePath string `env:"SESSION_COOKIE_PATH"`
	// CookieSecure sends the cookie over https only. Default: true. false is
	// for development: anybody on the way can take sessions over.
	CookieSecure *bool `env:"SESSION_COOKIE_SECURE"`
	// CookieHTTPOnly hides the cookie from scripts. Default: true.
	CookieHTTPOnly *bool `env:"SESSION_COOKIE_HTTPONLY"`
	// CookieSameSite is Lax, Strict or None. Default: Lax.
	CookieSameSite http.SameSite `env:"SESSION_COOKIE_SAMESITE"`
	// ExpireAtBrowserClose ends the cookie with the browser. Default: false.
	ExpireAtBrowserClose bool `env:"SESSION_EXPIRE_AT_BROWSER_CLOSE"`
	// SaveEveryRequest counts CookieAge from the last use: it is the idle
	// timeout then, and Lifetime, 400 days unless set, is the other limit. The
	// use is stored once per tenth of it or hour, not with every request.
	// Default: false.
	SaveEveryRequest bool `env:"SESSION_SAVE_EVERY_REQUEST"`
	// IdleTimeout ends a session this long after its last use. Default: none.
	IdleTimeout time.Duration `env:"SESSION_IDLE_TIMEOUT"`
	// Preset gives the lifetime and idle timeout of a NIST level by its name:
	// aal1, aal2 or aal3. Shorter ones may be set besides. Default: none.
	Preset session.Preset `env:"SESSION_PRESET"`
	// Lifetime is CookieAge by its own name: how long after it began or its
	// last login a session ends at the latest. Default: CookieAge.
	Lifetime time.Duration `env:"SESSION_LIFETIME"`

	// MaxSessions is how many sessions one user may have at once; a sign-in
	// beyond it ends the oldest. Default: 0, any number.
	MaxSessions int `env:"SESSION_MAX_SESSIONS"`
	// MaxSessionsPreventsLogin refuses such a sign-in instead. Default: false.
	MaxSessionsPreventsLogin bool `env:"SESSION_MAX_SESSIONS_PREVENTS_LOGIN"`
	// DeviceAddress is what a session keeps of the address it was signed in
	// from: off, truncated to the network, or full. It is that of the connection;
	// behind a proxy an application sets Options.Device itself. Default: off.
	DeviceAddress string `env:"SESSION_DEVICE_ADDRESS"`

	// TransitionFrom is the engine that the application comes from, while its
	// sessions move to Engine. See docs/settings.md for the two deployments
	// that this takes. Default: none, nothing moves.
	TransitionFrom string `env:"SESSION_TRANSITION_FROM"`
	// TransitionStep is 1 in the first of the two deployments, 2 in the second.
	// No default: the two must not be confused.
	TransitionStep int `env:"SESSION_TRANSITION_STEP"`
	// TransitionDatabaseURL and TransitionRedisURL are where the engine that
	// the application comes from keeps its sessions. Default: DatabaseURL and
	// RedisURL.
	TransitionDatabaseURL URL `env:"SESSION_TRANSITION_DATABASE_URL"`
	TransitionRedisURL    URL `env:"SESSION_TRANSITION_REDIS_URL"`

	// Warnings say which variables of the environment begin with SESSION_ and
	// have no effect. Read logs them; ReadFrom only returns them.
	Warnings []string `env:"-"`
}

// The engines.
const (
	engineDB       = "db"
	engineCachedDB = "cached_db"
	engineCache    = "cache"
	engineMemory   = "memory"
)

const (
	defaultAge  = 14 * 24 * time.Hour
	longestLife = 400 * 24 * time.Hour // where browsers cap a cookie
)

func isTrueOrUnset(b *bool) bool { return b == nil || *b }

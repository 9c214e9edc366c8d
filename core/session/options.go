package session

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Options configures a [Manager]. The zero value is safe and works: sessions in
// memory, a `__Host-session` cookie with Secure, HttpOnly and SameSite=Lax, and
// a lifetime of 14 days. New refuses a combination that cannot work.
type Options struct {
	// Store keeps the sessions. Default: a [MemoryStore] with its defaults,
	// which is lost at restart and not shared between processes; a log line says so.
	Store Store

	// Cookie is the policy of the cookie that holds the token.
	Cookie Cookie

	// Insecure drops Secure from the cookie, for development over plain http.
	// Anybody on the network path can then take over sessions; a log line says
	// so at each start. Default: off.
	Insecure bool

	// Preset gives Lifetime and IdleTimeout by name: [AAL1], [AAL2] or [AAL3]. Either
	// may be set shorter besides; a longer one is an error. Default: none.
	Preset Preset

	// Lifetime ends a session this long after it began or its last login,
	// however much it is used; it is also the age of the cookie. Default: 14
	// days. At most 400 days, which is where browsers cap a cookie.
	Lifetime time.Duration

	// IdleTimeout ends a session this long after its last use. Uses are stored
	// once per TouchInterval, so a session may end earlier by that much.
	// Default: 0, never. Not above Lifetime.
	IdleTimeout time.Duration

	// TouchInterval is how often at most the time of last use is stored.
	// Default: a tenth of the session's idle timeout or an hour, whichever is
	// shorter. Not above IdleTimeout. Short means more writes.
	TouchInterval time.Duration

	// MaxSessions is how many sessions one principal may have at once. Default:
	// 0, any number. It is exact, also for parallel logins on many processes;
	// logging in again in a session does not count it twice, and Reauthenticate
	// begins none. A login beyond it ends the oldest sessions, by their login, each
	// with EventRevoked; if it then fails, they are ended all the same. The store
	// must be a [Lister]; a login costs a list call more.
	//
	// A login elsewhere that falls between the two writes of a login again may count
	// that one twice, and end, or be refused for, one session too many. Of a
	// double-clicked sign-in under a limit of 1 one ends the other, also if the
	// browser hears last of the one that was ended.
	MaxSessions int

	// MaxSessionsPreventsLogin refuses a login beyond MaxSessions, with
	// ErrTooManySessions, in place of ending older sessions. Default: off. Of logins
	// at the same moment, one that fits may be refused too where the store takes over a
	// second to let go of those that do not. A
	// session whose browser has lost its cookie, or whose login an outage cut
	// off, takes its place until it expires: set an IdleTimeout, and give users
	// another way to end it (RevokeAll).
	MaxSessionsPreventsLogin bool

	// MaxSize bounds the encoded values of one session, in bytes. Default: 64
	// KiB. Every load transfers all of them.
	MaxSize int

	// StoreTimeout bounds each call to the store. Default: 3 seconds. A request
	// makes one or two calls, one that logs in or renews four, and one more for each
	// conflict or unknown outcome; MaxSessions adds one and one for each session ended.
	StoreTimeout time.Duration

	// Preload loads the session before the handler runs and answers through
	// ErrorHandler, without calling it, if the store cannot be asked. Default:
	// off; a request that does not use its session costs no store call.
	Preload bool

	// ClearSiteData is what the browser is to clear of this site when Destroy signs it
	// out, by the header of that name: "cache" and "storage" leave no page and no script's
	// data behind. "cache" can take a browser seconds. Whoever can make the browser sign
	// out clears as well: check where such a request comes from. Default: nothing.
	ClearSiteData []string

	// Codec encodes the values of new sessions. Default: JSON. Sessions that
	// were begun under another codec keep it while it is JSON or this one.
	Codec Codec

	// Device describes the client, for lists of sessions; called when a
	// session is created or logged in, and not when it is used or renewed: the
	// address is where the user signed in, not where they were last seen. The
	// place to apply the application's trusted-proxy policy: see [DeviceAt].
	// Default: the User-Agent and no address. Fields are cut to their limits.
	Device func(*http.Request) Device

	// ErrorHandler writes the response in place of the handler's when the
	// session could not be loaded or saved. w has the headers from before the
	// handler. err is one for errors.Is: ErrUnavailable, ErrSessionEnded,
	// ErrConflict, ErrTooManySessions, ErrTooLarge, ErrInvalid, and of RequireFresh
	// and Reauthenticate ErrNotFresh. Default: DefaultErrorHandler.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Events observes. It may be a [CallObserver] as well, and a [Validator].
	// Default: SlogEvents(Logger).
	Events Events

	// Logger gets the start-up warnings. Default: slog.Default().
	Logger *slog.Logger

	// Clock tells the time. Default: time.Now. For tests.
	Clock func() time.Time
}

// Cookie is the policy of the session cookie, after RFC 6265bis.
type Cookie struct {
	// Name. Default: `__Host-session` if the cookie is Secure with Path "/" and
	// no Domain, else `session`. The prefixes `__Host-`, `__Secure-`, `__Http-`
	// and `__Host-Http-` are checked as browsers do, in any letter case. Two
	// managers on one site need two names. Renaming signs everybody out.
	Name string
	// Domain sends the cookie to all its subdomains as well: whoever controls
	// one of them can then read and set it. Default: none, this host only.
	Domain string
	// Path limits the cookie to URLs below it. Default: "/". It is no security
	// boundary.
	Path string
	// SameSite is Lax, Strict or None. Default (0): Lax. None needs Secure, and
	// sends the cookie with requests that other sites make.
	SameSite http.SameSite
	// Partitioned keeps one cookie per embedding site (CHIPS). It needs Secure.
	Partitioned bool
	// BrowserSession ends the cookie with the browser (Django's
	// SESSION_EXPIRE_AT_BROWSER_CLOSE); browsers that restore tabs keep it. A
	// session may choose for itself: SetPersistent. Default: off; the cookie
	// lasts for the lifetime.
	BrowserSession bool
	// ScriptReadable drops HttpOnly, so that a script on the page, also an
	// injected one, can read the token. Default: off.
	ScriptReadable bool
}

// The times of the presets of NIST SP 800-63B-4, by authenticator assurance level (sections
// 2.1.3, 2.2.3 and 2.3.3): the longest time that the standard recommends or allows.
const (
	LifetimeAAL1 = 30 * 24 * time.Hour // no idle timeout required
	LifetimeAAL2 = 24 * time.Hour
	IdleAAL2     = time.Hour
	LifetimeAAL3 = 12 * time.Hour
	IdleAAL3     = 15 * time.Minute
)

const (
	defaultLifetime     = 14 * 24 * time.Hour
	defaultMaxSize      = 64 << 10
	defaultStoreTimeout = 3 * time.Second
	maxLifetime         = 400 * 24 * time.Hour
	maxTouchInterval    = time.Hour
	defaultName         = "session"
	hostPrefix          = "__Host-"
	securePrefix        = "__Secure-"
	httpPrefix          = "__Http-"
	hostHTTPPrefix      = "__Host-Http-"
)

// withDefaults fills in every default and refuses what cannot work.
func (o Options) withDefaults() (Options, error) {
	if o.Events == nil {
		o.Events = SlogEvents(o.Logger)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o, err := o.withPreset()
	if err != nil {
		return o, err
	}
	if o.Lifetime == 0 {
		o.Lifetime = defaultLifetime
	}
	if o.MaxSize == 0 {
		o.MaxSize = defaultMaxSize
	}
	if o.StoreTimeout == 0 {
		o.StoreTimeout = defaultStoreTimeout
	}
	if o.Codec == nil {
		o.Codec = JSON
	}
	if o.Device == nil {
		o.Device = func(r *http.Request) Device { return Device{UserAgent: r.UserAgent()} }
	}
	if o.ErrorHandler == nil {
		o.ErrorHandler = DefaultErrorHandler
	}
	switch {
	case o.Lifetime < 0:
		return o, fmt.Errorf("session: Options.Lifetime is %v: give a positive duration", o.Lifetime)
	case o.Lifetime > maxLifetime:
		return o, fmt.Errorf("session: Options.Lifetime is %v: browsers keep no cookie longer than 400 days (%v)", o.Lifetime, maxLifetime)
	case o.IdleTimeout < 0:
		return o, fmt.Errorf("session: Options.IdleTimeout is %v: give a positive duration, or 0 for none", o.IdleTimeout)
	case o.IdleTimeout > o.Lifetime:
		return o, fmt.Errorf("session: Options.IdleTimeout (%v) is above Lifetime (%v) and would never count", o.IdleTimeout, o.Lifetime)
	case o.TouchInterval < 0:
		return o, fmt.Errorf("session: Options.TouchInterval is %v: give a positive duration, or 0 for the default", o.TouchInterval)
	case o.IdleTimeout > 0 && o.TouchInterval > o.IdleTimeout:
		return o, fmt.Errorf("session: Options.TouchInterval (%v) is above IdleTimeout (%v): sessions in use would end", o.TouchInterval, o.IdleTimeout)
	case o.MaxSessions < 0:
		return o, fmt.Errorf("session: Options.MaxSessions is %d: give a positive number, or 0 for no limit", o.MaxSessions)
	case o.MaxSessionsPreventsLogin && o.MaxSessions == 0:
		return o, errors.New("session: Options.MaxSessionsPreventsLogin needs MaxSessions: give the number of sessions that a principal may have")
	case o.MaxSize < 0:
		return o, fmt.Errorf("session: Options.MaxSize is %d: give a positive number of bytes", o.MaxSize)
	case o.StoreTimeout < 0:
		return o, fmt.Errorf("session: Options.StoreTimeout is %v: give a positive duration", o.StoreTimeout)
	case o.Codec.Name() == "" || len(o.Codec.Name()) > maxCodecName:
		return o, fmt.Errorf("session: Options.Codec has the name %q: give one of 1 to %d bytes", o.Codec.Name(), maxCodecName)
	}
	o.Lifetime, o.IdleTimeout = micros(o.Lifetime), micros(o.IdleTimeout)
	if err := checkClearable(o.ClearSiteData); err != nil {
		return o, err
	}
	o.Cookie, err = o.Cookie.withDefaults(!o.Insecure)
	return o, err
}

func (c Cookie) withDefaults(secure bool) (Cookie, error) {
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	hostOnly := secure && c.Path == "/" && c.Domain == ""
	if c.Name == "" {
		c.Name = defaultName
		if hostOnly {
			c.Name = hostPrefix + defaultName
		}
	}
	switch {
	case hasPrefixFold(c.Name, hostPrefix) && !hostOnly:
		return c, fmt.Errorf("session: cookie name %q needs Secure, Path \"/\" and no Domain: drop the prefix %s or set them so", c.Name, hostPrefix)
	case hasPrefixFold(c.Name, securePrefix) && !secure:
		return c, fmt.Errorf("session: cookie name %q needs Secure: drop the prefix %s or Insecure", c.Name, securePrefix)
	case (hasPrefixFold(c.Name, httpPrefix) || hasPrefixFold(c.Name, hostHTTPPrefix)) && (!secure || c.ScriptReadable):
		return c, fmt.Errorf("session: cookie name %q needs Secure and HttpOnly: drop the prefix, or Insecure and ScriptReadable", c.Name)
	case c.SameSite == http.SameSiteNoneMode && !secure:
		return c, errors.New("session: SameSite=None needs Secure: browsers refuse the cookie with Insecure")
	case c.Partitioned && !secure:
		return c, errors.New("session: a Partitioned cookie needs Secure: browsers refuse it with Insecure")
	}
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode:
	default:
		return c, fmt.Errorf("session: unknown Cookie.SameSite %d: give http.SameSiteLaxMode, SameSiteStrictMode or SameSiteNoneMode", c.SameSite)
	}
	if strings.HasPrefix(c.Path, "/") {
		sample := http.Cookie{Name: c.Name, Value: "v", Path: c.Path, Domain: c.Domain, Partitioned: c.Partitioned, Secure: secure}
		if err := sample.Valid(); err != nil {
			return c, fmt.Errorf("session: the cookie cannot be sent: check Cookie.Name, Domain and Path: %w", err)
		}
	} else {
		return c, fmt.Errorf("session: Cookie.Path is %q: it must begin with \"/\"", c.Path)
	}
	if size := len(c.Name) + encodedLen; size > 4096 || len(c.Path) > 1024 || len(c.Domain) > 1024 {
		return c, errors.New("session: Cookie.Name, Path or Domain is too long: browsers drop the cookie (4096 bytes for name and value, 1024 for an attribute)")
	}
	return c, nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

package session

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Record is what a store keeps under an ID.
//
// The engine gives stores only records with these limits: Principal, Address
// and UserAgent are valid UTF-8 without NUL, of at most [MaxPrincipal],
// [MaxAddress] and [MaxUserAgent] bytes; times are whole microseconds in UTC,
// the zero time or after 1970; MovedTo is "" or valid. Payload may hold any
// bytes. IdleTimeout is a whole number of microseconds.
type Record struct {
	// Version grows by one with every data write; it is what compare-and-set
	// compares. The first is 1.
	Version uint64
	// Mark is random, of the last data write: it tells one's own write after an
	// unknown outcome.
	Mark [8]byte
	// Principal is the application's user ID; "" is an anonymous session. It
	// never changes under one ID, but that a moved mark has none.
	Principal string
	// Created is when the session began. Renew keeps it; a login begins anew.
	Created time.Time
	// Authenticated is when the principal last logged in; zero if anonymous.
	Authenticated time.Time
	// LastSeen is when the session was last used, as far as touches tell.
	LastSeen time.Time
	// Expires is when the session ends unless it is used before.
	Expires time.Time
	// LifetimeEnd is when the session ends however much it is used.
	LifetimeEnd time.Time
	// IdleTimeout is how long after LastSeen the session ends; 0 is never.
	IdleTimeout time.Duration
	// Persistent tells that the cookie outlives the browser.
	Persistent bool
	// MovedTo names the successor; set only on a moved mark, which is all that
	// a renewed or logged-in session leaves under its old ID, for a minute. It
	// gives no access: an ID cannot be turned back into a token.
	MovedTo ID
	// Device is where the session was used when it was created or last logged in.
	Device Device
	// Payload is the values, encoded by the engine; stores do not look into it.
	Payload []byte
}

// Device tells a person which of their devices a session belongs to.
type Device struct {
	// Address is the client's network address as the application's own
	// trusted-proxy policy gives it; "" if it gives none.
	Address string
	// UserAgent is the User-Agent header, cut to MaxUserAgent bytes.
	UserAgent string
}

// Limits of the text in a record, in bytes.
const (
	MaxPrincipal = 256
	MaxAddress   = 64
	MaxUserAgent = 255
)

// live tells whether the record is a session that has not ended by now.
func (r *Record) live(now time.Time) bool {
	return r.MovedTo == "" && now.Before(r.Expires) && now.Before(r.LifetimeEnd)
}

// check returns ErrUndecodable for a record outside the limits of [Record]: no
// engine wrote it, and not every store could keep what comes of it.
func (r *Record) check() error {
	for _, t := range [...]time.Time{r.Created, r.Authenticated, r.LastSeen, r.Expires, r.LifetimeEnd} {
		if !t.IsZero() && (t.Unix() < 0 || t.Unix() > lastSecond) {
			return fmt.Errorf("%w: a time before 1970 or after 9999", ErrUndecodable)
		}
	}
	switch {
	case r.Version == 0 || r.Version > maxVersion:
		return fmt.Errorf("%w: version %d", ErrUndecodable, r.Version)
	case r.IdleTimeout < 0:
		return fmt.Errorf("%w: negative idle timeout", ErrUndecodable)
	case r.MovedTo != "" && !r.MovedTo.Valid():
		return fmt.Errorf("%w: moved to no ID", ErrUndecodable)
	case !plain(r.Principal, MaxPrincipal) || !plain(r.Device.Address, MaxAddress) || !plain(r.Device.UserAgent, MaxUserAgent):
		return fmt.Errorf("%w: a text is too long, or no UTF-8 without NUL", ErrUndecodable)
	}
	return nil
}

const (
	maxVersion = 1 << 62      // so that there is always a next one
	lastSecond = 253402300799 // of the year 9999: JSON has no later times
)

// plain tells whether every store keeps the text as it is.
func plain(s string, most int) bool {
	return len(s) <= most && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// seen sets LastSeen and, from it, Expires.
func (r *Record) seen(now time.Time) {
	if now.After(r.LastSeen) {
		r.LastSeen = now
	}
	r.Expires = r.LifetimeEnd
	if r.IdleTimeout > 0 {
		if end := r.LastSeen.Add(r.IdleTimeout); end.Before(r.Expires) {
			r.Expires = end
		}
	}
}

// micros is d as records keep it: in whole microseconds, rounded up, so that a
// very short timeout does not become 0, which is none.
func micros(d time.Duration) time.Duration {
	if whole := d.Truncate(time.Microsecond); whole == d || whole > math.MaxInt64-time.Microsecond {
		return whole
	}
	return (d + time.Microsecond - 1).Truncate(time.Microsecond)
}

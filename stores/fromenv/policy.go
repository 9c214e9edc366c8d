package fromenv

import (
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// options is the policy for cookie and times, without a store. Times that are
// 0 are those of the preset.
func (s Settings) options() session.Options {
	o := session.Options{
		Insecure:    !isTrueOrUnset(s.CookieSecure),
		Preset:      s.Preset,
		Lifetime:    first(s.Lifetime, s.CookieAge),
		IdleTimeout: s.IdleTimeout,
		Cookie: session.Cookie{
			Name:           s.CookieName,
			Domain:         s.CookieDomain,
			Path:           s.CookiePath,
			SameSite:       s.CookieSameSite,
			BrowserSession: s.ExpireAtBrowserClose,
			ScriptReadable: !isTrueOrUnset(s.CookieHTTPOnly),
		},
	}
	o.MaxSessions, o.MaxSessionsPreventsLogin = s.MaxSessions, s.MaxSessionsPreventsLogin
	switch s.DeviceAddress {
	case addressFull:
		o.Device = session.DeviceAt(session.RemoteAddress)
	case addressTruncated:
		o.Device = session.DeviceAt(session.Truncated(session.RemoteAddress))
	}
	longest := defaultAge
	if s.SaveEveryRequest {
		o.Lifetime, o.IdleTimeout, longest = s.Lifetime, s.CookieAge, longestLife
		if s.Preset == "" || strings.EqualFold(string(s.Preset), string(session.AAL1)) { // which has no idle timeout
			o.IdleTimeout = first(s.CookieAge, defaultAge)
		}
	}
	if s.Preset == "" {
		o.Lifetime = first(o.Lifetime, longest)
	}
	return o
}

// What SESSION_DEVICE_ADDRESS may be.
const (
	addressOff       = "off"
	addressTruncated = "truncated"
	addressFull      = "full"
)

func first(values ...time.Duration) time.Duration {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

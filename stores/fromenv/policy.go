package fromenv

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// options is the policy for cookie and times, without a store.
func (s Settings) options() session.Options {
	o := session.Options{
		Insecure:    !isTrueOrUnset(s.CookieSecure),
		Lifetime:    first(s.Lifetime, s.CookieAge, defaultAge),
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
	if s.SaveEveryRequest {
		o.IdleTimeout = first(s.CookieAge, defaultAge)
		o.Lifetime = first(s.Lifetime, longestLife)
	}
	return o
}

func first(values ...time.Duration) time.Duration {
	for _, v := range values {
		if v != 0 {
			return v
		}
	}
	return 0
}

package doctor

import (
	"context"
	"log/slog"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// policy compares the cookie and the times with the checklist of the engine.
func (p place) policy(ctx context.Context, s fromenv.Settings) {
	policy, err := policyOf(ctx, s)
	if err != nil {
		p.add(Problem, "settings.invalid", err.Error(), "The application does not start with it.", "Correct the settings.")
		return
	}
	for _, f := range policy.Findings() {
		do := f.Do
		if variable, ok := variables[f.Check]; ok {
			do = variable
		}
		p.add(severityOf(f), f.Check, f.Found, f.Means, do)
	}
}

// policyOf is that of the settings, over a store in memory: no server is asked.
func policyOf(ctx context.Context, s fromenv.Settings) (session.Policy, error) {
	s = alone(s)
	s.Engine = "memory"
	opened, err := s.Open(ctx)
	if err != nil {
		return session.Policy{}, err
	}
	opened.Options.Logger = slog.New(slog.DiscardHandler)
	m, err := session.New(opened.Options)
	if err != nil {
		return session.Policy{}, err
	}
	return m.Policy(), nil
}

// severityOf: what is not serious is a warning where it weakens the cookie, and a
// note where it is a matter of how long one stays signed in.
func severityOf(f session.Finding) Severity {
	switch {
	case f.Serious:
		return Problem
	case f.Check == "cookie.persistent" || f.Check == "times.idle":
		return Note
	}
	return Warning
}

// variables say what to do in the words of the environment.
var variables = map[string]string{
	"cookie.insecure":   "Serve over https, and set SESSION_COOKIE_SECURE=True or leave it out.",
	"cookie.scripts":    "Set SESSION_COOKIE_HTTPONLY=True, or leave it out.",
	"cookie.samesite":   "Leave SESSION_COOKIE_SAMESITE out, unless other sites embed this one; then check the origin of every request that changes something.",
	"cookie.domain":     "Leave SESSION_COOKIE_DOMAIN out, or have no subdomain that is not trusted as this host is.",
	"cookie.prefix":     "Leave SESSION_COOKIE_NAME, _DOMAIN and _PATH out, or begin the name with __Secure-. Renaming signs everybody out.",
	"cookie.persistent": "Set SESSION_EXPIRE_AT_BROWSER_CLOSE=True, and let the application call SetPersistent(true) for users who ask to stay signed in.",
	"times.idle":        "Set SESSION_IDLE_TIMEOUT, such as 1h.",
	"times.lifetime":    "Shorten SESSION_COOKIE_AGE, or write down why it is longer.",
}

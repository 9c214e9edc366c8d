package session

import (
	"fmt"
	"strings"
	"time"
)

// A Preset is the times that NIST SP 800-63B-4 gives for an authenticator assurance level, by
// name: Options{Preset: session.AAL2}, or from a setting
// session.Preset(os.Getenv("SESSION_PRESET")). Letter case does not matter.
//
// The level of a session is that of how its user authenticated, which is the
// application's to see to: a preset gives the times, and raises nothing.
type Preset string

// The presets; the times are those of LifetimeAAL1 and its neighbours.
const (
	AAL1 Preset = "aal1" // 30 days, and no idle timeout
	AAL2 Preset = "aal2" // 24 hours, and 1 hour unused
	AAL3 Preset = "aal3" // 12 hours, and 15 minutes unused
)

// times returns the longest lifetime and idle timeout, 0 for none.
func (p Preset) times() (lifetime, idle time.Duration, ok bool) {
	switch p {
	case AAL1:
		return LifetimeAAL1, 0, true
	case AAL2:
		return LifetimeAAL2, IdleAAL2, true
	case AAL3:
		return LifetimeAAL3, IdleAAL3, true
	}
	return 0, 0, false
}

// withPreset fills in the times of the preset, and refuses longer ones.
func (o Options) withPreset() (Options, error) {
	if o.Preset == "" {
		return o, nil
	}
	lifetime, idle, ok := Preset(strings.ToLower(string(o.Preset))).times()
	switch {
	case !ok:
		return o, fmt.Errorf("session: Options.Preset is %q: give %q, %q or %q, or none", o.Preset, AAL1, AAL2, AAL3)
	case o.Lifetime > lifetime:
		return o, fmt.Errorf("session: Options.Lifetime is %v, and Preset %q allows %v: shorten it, or leave one of the two out", o.Lifetime, o.Preset, lifetime)
	case idle > 0 && o.IdleTimeout > idle:
		return o, fmt.Errorf("session: Options.IdleTimeout is %v, and Preset %q allows %v: shorten it, or leave one of the two out", o.IdleTimeout, o.Preset, idle)
	}
	if o.Lifetime == 0 {
		o.Lifetime = lifetime
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = min(idle, o.Lifetime)
	}
	return o, nil
}

package cacheddb

import (
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Options are the settings of a [Store]. The zero value is valid: every field
// that is zero has its default.
type Options struct {
	// RecheckAge is how old an entry may grow before it is compared with the
	// database again, which costs one statement. Default: one minute.
	//
	// It bounds what nothing else can: a process that died between its two
	// writes, a Redis failover that forgot one, another process that still
	// reaches the cache while a writer cannot. Danger: in those cases, and only
	// in those, an old value or an ended session may be seen for this long.
	RecheckAge time.Duration

	// RecheckTimeout is how long a load waits for that comparison before it is
	// served from the cache instead; a touch waits no longer either. Default: one second. Loads that only the
	// database may answer wait for as long as the database store lets them.
	RecheckTimeout time.Duration

	// LeaseTTL is how long a load may take from its first look into the cache
	// to filling it. Default: ten seconds. It should be longer than the time
	// limit of the database store. Danger: a load slower than this caches
	// nothing; after a load that was cut off, or found nothing, the ID stays
	// uncached for this long.
	LeaseTTL time.Duration

	// CacheTimeout is how long one call of the cache may take. Default: one
	// second. Danger, if it is long: it is what requests wait for, twice at
	// most, when the cache freezes, until the breaker opens. If it is short: a
	// write that a slow cache was not told in time counts as one that it
	// missed, and until that is made good other processes may see the old entry.
	CacheTimeout time.Duration

	// BreakerFailures is how many calls of the cache in a row must fail for it
	// to be left alone. Default: 3.
	BreakerFailures int

	// BreakerCooldown is how long the cache is left alone before it is tried
	// again, in the background. Default: one second. It doubles with every
	// attempt that fails, up to 30 seconds or itself, whichever is longer.
	// Danger: a long one keeps all reads on the database after a short fault.
	BreakerCooldown time.Duration

	// MaxPending is how many IDs are remembered, at about 150 bytes each, for
	// which the cache could not be told of a write. Default: 10,000. Danger:
	// beyond it all entries of that time are re-checked in the database, once
	// each, and not served while the database is down.
	MaxPending int

	// ReadTruth has loads ask the database and leave the cache alone, while writes tell
	// the cache as always. It is for the deployment in between when an application
	// changes from the database alone to cached_db, or back: see "Switching" in the
	// package comment. Default: false.
	ReadTruth bool

	// Events hears of faults: EventCacheError, EventCacheDown, EventCacheUp,
	// EventPending, and EventStoreError for a re-check that failed. It may be a
	// session.CallObserver and a session.CacheObserver as well: then it is told
	// of the calls of the cache and the database, and how loads came out.
	// Default: session.SlogEvents(nil).
	Events session.Events
}

const (
	// clockMargin is by how much the clocks of two processes may differ before
	// it shows: entries carry the time of the process that wrote them.
	clockMargin = 5 * time.Second
	// longestCooldown is where the doubling of BreakerCooldown ends.
	longestCooldown = 30 * time.Second
)

func (o Options) withDefaults() Options {
	o.RecheckAge = orDefault(o.RecheckAge, time.Minute)
	o.RecheckTimeout = orDefault(o.RecheckTimeout, time.Second)
	o.LeaseTTL = orDefault(o.LeaseTTL, 10*time.Second)
	o.CacheTimeout = orDefault(o.CacheTimeout, time.Second)
	o.BreakerFailures = orDefault(o.BreakerFailures, 3)
	o.BreakerCooldown = orDefault(o.BreakerCooldown, time.Second)
	o.MaxPending = orDefault(o.MaxPending, 10_000)
	if o.Events == nil {
		o.Events = session.SlogEvents(nil)
	}
	return o
}

func orDefault[T comparable](value, def T) T {
	var zero T
	if value == zero {
		return def
	}
	return value
}

// validate is called after withDefaults.
func (o Options) validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"RecheckAge", o.RecheckAge},
		{"RecheckTimeout", o.RecheckTimeout},
		{"LeaseTTL", o.LeaseTTL},
		{"CacheTimeout", o.CacheTimeout},
		{"BreakerCooldown", o.BreakerCooldown},
	} {
		if f.value < time.Millisecond {
			return fmt.Errorf("cacheddb: Options.%s is %v; it must be at least a millisecond, or 0 for its default: %w", f.name, f.value, session.ErrInvalid)
		}
	}
	switch {
	case o.LeaseTTL <= o.CacheTimeout:
		return fmt.Errorf("cacheddb: Options.LeaseTTL is %v; it must be longer than CacheTimeout, %v: %w", o.LeaseTTL, o.CacheTimeout, session.ErrInvalid)
	case o.BreakerFailures < 0:
		return fmt.Errorf("cacheddb: Options.BreakerFailures is %d; it must be positive, or 0 for its default: %w", o.BreakerFailures, session.ErrInvalid)
	case o.MaxPending < 0:
		return fmt.Errorf("cacheddb: Options.MaxPending is %d; it must be positive, or 0 for its default: %w", o.MaxPending, session.ErrInvalid)
	}
	return nil
}

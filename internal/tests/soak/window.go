package soak

import (
	"slices"
	"strings"
	"time"

	"github.com/seshat-go/seshat/internal/tests/faults"
)

// Tier is what a fault strikes.
type Tier string

// The tiers.
const (
	Cache    Tier = "cache"    // Redis
	Database Tier = "database" // SQL
	Shops    Tier = "shops"    // the processes of the application
)

// A Window is the time of one fault, and what may be seen because of it.
type Window struct {
	Fault string
	Tier  Tier
	Loss  faults.Loss

	From      time.Time
	To        time.Time // mended; zero while it lasts
	Recovered time.Time // every process has served again; zero until then
}

// What the promises leave open around a fault.
const (
	// recheckAge is the default of cacheddb.Options.RecheckAge, with a second
	// for the read's own way: for so long cached_db may show an old entry.
	recheckAge = 61 * time.Second
	// reunion is how long after a fault of the cache a process may still keep
	// away from it: its breaker is tried again after 30 seconds at the latest,
	// and so is whatever else it has to make good.
	reunion = 35 * time.Second
	// replicaLag is by how much the older state may be older than the fault
	// after which a server goes on from it.
	replicaLag = 10 * time.Second
	// recoverWithin is how soon after it every process must serve again,
	// without a restart, and settled how soon then the last connection that
	// broke meanwhile must have been noticed.
	recoverWithin = 30 * time.Second
	settled       = 5 * time.Second
)

// over is when the fault no longer excuses a 503.
func (w *Window) over() time.Time {
	switch {
	case w.To.IsZero():
		return distant
	case w.Recovered.IsZero():
		return w.To.Add(recoverWithin)
	default:
		return w.Recovered.Add(settled)
	}
}

// mended is To, or later than anything.
func (w *Window) mended() time.Time {
	if w.To.IsZero() {
		return distant
	}
	return w.To
}

var distant = time.Unix(1<<40, 0)

// within tells whether t lies between from and to.
func within(t, from, to time.Time) bool { return !t.Before(from) && !t.After(to) }

// mayFail tells whether x may be answered 503 (or not at all by a process that
// is struck itself).
func (o *Oracle) mayFail(x *Exchange) bool {
	for _, w := range o.windows {
		if o.engine == "cached_db" && w.Tier == Cache {
			continue // survived with unchanged results
		}
		if x.Done.After(w.From) && x.Sent.Before(w.over()) && (x.Status != 0 || w.Tier == Shops) {
			return true
		}
	}
	return false
}

// maySeeOlder tells whether x, a read, may show the state from before what a
// process acknowledged at acked, and by which stated bound. writer is "" where
// that was not one of the shops.
func (o *Oracle) maySeeOlder(acked time.Time, writer string, x *Exchange) (bound string) {
	sent := x.Sent
	for _, w := range o.windows {
		switch {
		case o.engine == "cached_db" && w.Tier == Cache:
			if w.parts() && within(acked, w.From.Add(-w.lag()), w.mended().Add(reunion)) &&
				(w.Loss == faults.Recent || !o.remembers(acked, writer, x)) &&
				sent.Sub(acked) <= recheckAge+o.away(acked, sent) {
				return boundRecheck
			}
		case o.engine == "cache" && w.Loss == faults.Recent:
			if within(acked, w.From.Add(-replicaLag), w.over()) {
				return boundFailover
			}
		}
	}
	return ""
}

// dropOnly are in the names of the faults of a cache that stays in everybody's
// reach. Nobody fails to tell it of a write; it only forgets entries, which are
// then read from the database, or not even that.
var dropOnly = []string{
	"is flushed",
	"evicts what was used least recently",
	"forgets its scripts",
	"forks to save",
}

// parts tells whether a fault of the cache may keep a process from telling it
// of a write, or make it forget one.
func (w *Window) parts() bool {
	return w.Loss == faults.Recent ||
		!slices.ContainsFunc(dropOnly, func(name string) bool { return strings.Contains(w.Fault, name) })
}

// remembers tells whether x was asked of the very process that acknowledged a
// write: it knows what it could not tell the cache, as long as it lives.
func (o *Oracle) remembers(acked time.Time, writer string, x *Exchange) bool {
	return writer != "" && writer == x.Process && !slices.ContainsFunc(o.windows, func(w *Window) bool {
		return w.Tier == Shops && !w.From.After(x.Done) && !w.mended().Before(acked)
	})
}

// lag is how long before the fault an acknowledged write may have been made that
// it undoes.
func (w *Window) lag() time.Duration {
	if w.Loss == faults.Recent {
		return replicaLag
	}
	return 0
}

// away is for how long in that time the database did not answer, so that nothing
// could be compared with it.
func (o *Oracle) away(from, to time.Time) (d time.Duration) {
	for _, w := range o.windows {
		if w.Tier == Database && w.From.Before(to) && w.over().After(from) {
			begin, end := w.From, w.over()
			if begin.Before(from) {
				begin = from
			}
			if end.After(to) {
				end = to
			}
			d += end.Sub(begin)
		}
	}
	return d
}

// survive counts the reads of live sessions while the database was away, and
// how many of them the cache answered: cached_db promises that reads go on.
func (o *Oracle) survive(l *Line, x *Exchange) {
	if o.engine != "cached_db" || x.Kind != Read || len(l.ends) > 0 {
		return
	}
	for _, w := range o.windows {
		if w.Tier == Database && x.Sent.After(w.From) && x.Done.Before(w.mended()) {
			o.reads++
			if x.Status == 200 {
				o.served++
			}
			return
		}
	}
}

// survived judges them in the end. A session that nobody has read since it
// began is not in the cache yet; most are.
func (o *Oracle) survived() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.reads >= enoughReads && o.served*2 < o.reads {
		o.violate(OutageNoLogout, nil, "of %d reads while the database was away, the cache answered %d only", o.reads, o.served)
	}
}

const enoughReads = 20

// mayBeLost tells whether a session that began at born may be gone as a whole.
func (o *Oracle) mayBeLost(born, seen time.Time) (bound string) {
	if o.engine != "cache" {
		return ""
	}
	for _, w := range o.windows {
		if !seen.After(w.From) {
			continue
		}
		if w.Loss == faults.Records && !born.After(w.over()) {
			return boundRecords
		}
		if w.Loss == faults.Recent && within(born, w.From.Add(-replicaLag), w.over()) {
			return boundFailover
		}
	}
	return ""
}

// The stated bounds, as the README has them.
const (
	boundRecheck  = "cached_db: an old entry until it is checked again (at most a minute)"
	boundRecords  = "cache: what Redis lost is lost, each session as a whole"
	boundUnlisted = "cache: with what Redis lost, the list of a user's sessions may be shorter"
	boundFailover = "cache: a failover forgot the last changes"
	boundOutage   = "503 while the store was away"
	boundBusy     = "503 while the machine kept the shops waiting"
	boundUnknown  = "answered by nobody: the process was struck"
)

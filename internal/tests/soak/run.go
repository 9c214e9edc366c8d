package soak

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/faults"
)

// A run is a site under load.
type run struct {
	*site
	load   *load
	oracle *Oracle

	struck  map[string]int // faults, by name
	slowest time.Duration  // recovery

	rulers string    // who was master at the end of the last fault
	looked time.Time // when that was
}

func (s *site) run(browsers, first int, seed uint64) *run {
	o := NewOracle(s.engine, idleTimeout)
	return &run{site: s, oracle: o, load: startLoad(s.fleet, o, s.op, browsers, first, seed), struck: map[string]int{}}
}

// strike makes a fault happen under load, mends it after a while, waits until
// every process serves again, and has every browser look at its session.
func (r *run) strike(t testing.TB, f fault, lasts time.Duration) {
	t.Helper()
	if f.ready != nil {
		f.ready(t)
	}
	r.unasked(t)
	shops := r.fleet.running()
	w := r.oracle.Begin(f.Name, f.Tier, f.Loss)
	f.Inject(t)
	time.Sleep(lasts) // the fault itself
	f.Mend(t)
	if r.overthrown(t) && f.Loss == faults.Nothing && !strings.Contains(f.Name, inAgreement) {
		r.oracle.lost(w, faults.Recent)
	}
	r.oracle.Mended(w)
	mended := time.Now()
	if r.recover() {
		r.slowest = max(r.slowest, time.Since(mended))
	}
	r.oracle.Recovered(w)
	r.load.audit()
	r.struck[f.Name]++
	if f.Tier == Shops {
		return
	}
	for place, p := range shops {
		if r.fleet.shop(place) != p {
			continue
		}
		select {
		case <-p.Ended():
			r.oracle.Violate(InOperation, "%s ended: %v\n%s", r.fleet.apps[place].Name, p.Failure(), lastLines(p))
		default:
		}
	}
}

// inAgreement is in the name of a fault that makes a replica the master without
// loss.
const inAgreement = "in agreement"

// overthrown tells whether others are masters than when it was asked last. Redis
// chooses others where a machine is so busy that a master, or one that was to
// be paused for a moment only, is silent for too long; and a failover may forget.
func (r *run) overthrown(t testing.TB) bool {
	t.Helper()
	if r.masters == nil {
		return false
	}
	before := r.rulers
	r.rulers, r.looked = r.masters(t), time.Now()
	return before != "" && before != r.rulers
}

// unasked notes a failover that came about between two faults.
func (r *run) unasked(t testing.TB) {
	t.Helper()
	since := r.looked
	if !r.overthrown(t) {
		return
	}
	w := r.oracle.Begin("a failover that nobody asked for", Cache, faults.Recent)
	r.oracle.mu.Lock()
	defer r.oracle.mu.Unlock()
	w.From, w.To, w.Recovered = since, time.Now(), time.Now()
}

// recover waits until every process has begun a session and read it.
func (r *run) recover() bool {
	end := time.Now().Add(recoverWithin)
	served := make([]bool, len(r.fleet.apps))
	var all sync.WaitGroup
	for place := range r.fleet.apps {
		all.Go(func() {
			for n := 0; time.Now().Before(end) && !served[place]; n++ {
				served[place] = r.serves(place, n)
			}
			if !served[place] {
				r.oracle.Violate(InOperation, "%s does not serve within %v", r.fleet.apps[place].Name, recoverWithin)
			}
		})
	}
	all.Wait()
	for _, ok := range served {
		if !ok {
			return false
		}
	}
	return true
}

// serves tells whether a process keeps what a new visitor does.
func (r *run) serves(place, n int) bool {
	name := fmt.Sprintf("probe-%d-%d", place, n)
	x := r.fleet.send(ask{kind: Add, place: place, item: name})
	born := r.oracle.Judge(nil, x)
	if x.Status != http.StatusSeeOther || len(born) == 0 {
		time.Sleep(20 * time.Millisecond) // the next visitor
		return false
	}
	for _, kind := range []Kind{Read, Add, Logout} {
		x = r.fleet.send(ask{kind: kind, place: place, token: born[0].Token, item: name + "again"})
		r.oracle.Judge(born[0], x)
		if x.Status >= 500 || x.Status == 0 {
			return false
		}
	}
	return true
}

// finish ends the load and looks for what is left behind. The processes end.
// Patiently, it waits until no work that a fault left to do is excused any more.
func (r *run) finish(patiently bool) {
	r.load.audit()
	r.load.end()
	if patiently {
		time.Sleep(reunion)
	}
	r.fleet.http.CloseIdleConnections()
	r.oracle.judgeTimes(&r.load.pings)
	r.oracle.survived()
	for _, check := range r.checks {
		if open, most, what := check(); open > most {
			r.oracle.Violate(InOperation, "%d %s, which has a pool of %d", open, what, most)
		}
	}
	for place := range r.fleet.apps {
		r.stacks(place)
	}
	for _, p := range r.fleet.started() {
		r.output(p)
	}
}

// save writes what the processes printed, and the times of the faults, into a
// folder: to find out what a violation comes from.
func (r *run) save(dir string) error {
	r.oracle.mu.Lock()
	var text strings.Builder
	for _, w := range r.oracle.windows {
		fmt.Fprintf(&text, "%s to %s, recovered %s: %s\n",
			w.From.Format(clock), w.mended().Format(clock), w.Recovered.Format(clock), w.Fault)
	}
	for _, v := range r.oracle.violations {
		fmt.Fprintf(&text, "%s: %s: %s\n", v.At.Format(clock), v.Law, v.What)
	}
	r.oracle.mu.Unlock()
	name := strings.ReplaceAll(r.name, " ", "-")
	err := os.WriteFile(filepath.Join(dir, name+"-faults.log"), []byte(text.String()), 0o600)
	for n, p := range r.fleet.started() {
		file := fmt.Sprintf("%s-%d-%s.log", name, n, filepath.Base(p.URL))
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, file), []byte(p.Output()), 0o600))
	}
	return err
}

const clock = "15:04:05.000"

// output looks for secrets, values and panics in what a process printed.
func (r *run) output(p *examples.Process) {
	printed, _, _ := strings.Cut(p.Output(), "SIGQUIT: quit")
	r.oracle.leaks(printed)
	if at := strings.Index(printed, "panic"); at >= 0 || strings.Contains(printed, "fatal error") {
		r.oracle.Violate(HostileInput, "a process printed\n%s", printed[max(at-200, 0):min(max(at, 0)+2000, len(printed))])
	}
}

// lastLines is the end of what a process printed.
func lastLines(p *examples.Process) string {
	text := p.Output()
	return text[max(0, len(text)-2000):]
}

// shortFault is how long a fault lasts in which nothing but its being there
// matters.
const shortFault = 1500 * time.Millisecond

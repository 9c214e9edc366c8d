package soak

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The time limits of the shops, and how an answer's limit follows from them.
// One call to a store takes at most session.Options.StoreTimeout, 3 seconds,
// and under cached_db one of cacheddb.Options.CacheTimeout more, in which the
// cache is told. A write whose outcome is unknown is four calls: the write, what
// became of it, the write again, what became of that.
const (
	perCall  = 4 * time.Second
	perWrite = 4
	// margin is for a busy machine, beside what the machine itself shows: how
	// long requests took that use no session.
	margin = 5 * time.Second
)

// limit is how long the answer to x may take. Writes of one session in one
// process wait for each other.
func limit(x *Exchange) time.Duration {
	calls := 2 // load, touch
	switch x.Kind {
	case Page, Add, Remove:
		calls += perWrite
	case Login:
		calls += 2*perWrite + 2 // the new session, a look at the old one, its mark; what must be undone
	case Logout:
		calls += perWrite
	case Health:
		calls = 0
	}
	if x.Peers > 1 {
		calls *= x.Peers
	}
	return time.Duration(calls)*perCall + margin
}

// count is for the report; mu is held.
func (o *Oracle) count(x *Exchange) {
	if o.counts[x.Kind] == nil {
		o.counts[x.Kind] = map[int]int{}
	}
	o.counts[x.Kind][x.Status]++
	took := x.Done.Sub(x.Sent)
	o.slowest[x.Kind] = max(o.slowest[x.Kind], took)
	if took > limit(x) {
		o.slow = append(o.slow, *x)
	}
}

// pings are requests that use no session, one after the other to each process:
// they tell how long the process itself, or the machine, took. Those to the
// store are an operator's, who has connections of his own.
type pings struct {
	mu  sync.Mutex
	all map[string][]ping
}

const theStore = "store"

type ping struct{ sent, done time.Time }

func (p *pings) add(process string, sent, done time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string][]ping{}
	}
	p.all[process] = append(p.all[process], ping{sent, done})
}

// stall is the longest of those that a process answered meanwhile.
func (p *pings) stall(process string, from, to time.Time) (d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.all[process] {
		if a.sent.Before(to) && a.done.After(from) {
			d = max(d, a.done.Sub(a.sent))
		}
	}
	return d
}

// A shop gives up a call to a store after 3 seconds, or after 2 where a cache was
// asked before. Where no fault is on, and yet a request without a session, or one
// look into the store from elsewhere, takes this long, the machine is too busy.
const (
	mostPatient = 2 * time.Second
	busy        = time.Second
)

// judgeTimes reports the answers that took longer than their limit, at the end.
func (o *Oracle) judgeTimes(p *pings) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.slow {
		x := &o.slow[i]
		if took, most := x.Done.Sub(x.Sent), limit(x)+p.stall(x.Process, x.Sent, x.Done); took > most {
			o.violate(InOperation, x, "took %v, and the limit is %v", took, most)
		}
	}
	for i := range o.late {
		x := &o.late[i]
		stall := max(p.stall(x.Process, x.Sent, x.Done), p.stall(theStore, x.Sent, x.Done))
		o.excuse(stall >= busy, boundBusy, OutageNoLogout, x, "the store was not away")
	}
	o.slow, o.late = nil, nil
}

// statuses is a line of a report for each kind: how often it was answered how.
func (o *Oracle) statuses() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(o.counts)) {
		fmt.Fprintf(&b, "    %-7s", kind)
		for _, status := range slices.Sorted(maps.Keys(o.counts[kind])) {
			name := fmt.Sprint(status)
			if status == 0 {
				name = "none"
			}
			fmt.Fprintf(&b, "  %s: %d", name, o.counts[kind][status])
		}
		fmt.Fprintf(&b, "  slowest %v\n", o.slowest[kind].Round(time.Millisecond))
	}
	return b.String()
}

// requests is how many were made, and how many were answered 503.
func (o *Oracle) requests() (all, unavailable int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, byStatus := range o.counts {
		for status, n := range byStatus {
			all += n
			if status == http.StatusServiceUnavailable {
				unavailable += n
			}
		}
	}
	return all, unavailable
}

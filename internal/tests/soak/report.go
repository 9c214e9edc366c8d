package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// report says what a run has seen.
func (r *run) report() string {
	var b strings.Builder
	all, unavailable := r.oracle.requests()
	struck := 0
	for _, n := range r.struck {
		struck += n
	}
	fmt.Fprintf(&b, "  %s: %d requests, %d answered 503; %d faults of %d kinds, slowest recovery %v\n",
		r.name, all, unavailable, struck, len(r.struck), r.slowest.Round(time.Millisecond))
	if reads, served := r.oracle.outages(); reads > 0 {
		fmt.Fprintf(&b, "    while the database was away, the cache answered %d of %d reads\n", served, reads)
	}
	return b.String() + r.oracle.statuses()
}

// summary is the report of several runs.
func summary(runs []*run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "requests, by setup, kind and status (none: a process was struck)\n")
	struck, seen, laws, engines := map[string]int{}, map[string]int{}, map[Law]int{}, map[string]map[string]bool{}
	for _, r := range runs {
		b.WriteString(r.report())
		if engines[r.engine] == nil {
			engines[r.engine] = map[string]bool{}
		}
		for name, n := range r.struck {
			struck[name] += n
			engines[r.engine][name] = true
		}
		for bound, n := range r.oracle.Seen() {
			seen[bound] += n
		}
		for _, v := range r.oracle.Violations() {
			laws[v.Law]++
		}
	}
	fmt.Fprintf(&b, "faults\n")
	for _, name := range slices.Sorted(maps.Keys(struck)) {
		fmt.Fprintf(&b, "  %4d  %s\n", struck[name], name)
	}
	for _, engine := range slices.Sorted(maps.Keys(engines)) {
		fmt.Fprintf(&b, "  different faults on %s: %d\n", engine, len(engines[engine]))
	}
	fmt.Fprintf(&b, "seen within the stated bounds\n")
	for _, bound := range slices.Sorted(maps.Keys(seen)) {
		fmt.Fprintf(&b, "  %4d  %s\n", seen[bound], bound)
	}
	fmt.Fprintf(&b, "violations\n")
	for _, law := range slices.Sorted(maps.Keys(lawNames)) {
		fmt.Fprintf(&b, "  %4d  %s\n", laws[law], law)
	}
	return b.String()
}

// progress is one line on several runs.
func progress(runs []*run, since time.Time) string {
	requests, unavailable, struck, violations := 0, 0, 0, 0
	for _, r := range runs {
		all, away := r.oracle.requests()
		requests, unavailable = requests+all, unavailable+away
		violations += len(r.oracle.Violations())
		struck += r.oracle.faults()
	}
	return fmt.Sprintf("%4.0fs: %d requests, %d answered 503, %d faults, %d violations",
		time.Since(since).Seconds(), requests, unavailable, struck, violations)
}

func (o *Oracle) faults() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.windows)
}

func (o *Oracle) outages() (reads, served int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reads, o.served
}

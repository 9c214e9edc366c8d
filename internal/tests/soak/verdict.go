package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Law is one of the README's guarantees.
type Law int

// The laws that the oracle can see broken.
const (
	NoLostUpdate   Law = 1
	NoResurrection Law = 2
	ReadYourWrites Law = 3
	ServerMints    Law = 6
	EitherOrder    Law = 7
	OutageNoLogout Law = 8
	Expiry         Law = 9
	HostileInput   Law = 10
	LeaksNothing   Law = 12
	InOperation    Law = 13 // recovery, time limits, connections, goroutines
)

const (
	mostShown      = 10 // violations in a report
	everythingElse = "in operation: time limits, recovery, leaks"
)

var lawNames = map[Law]string{
	NoLostUpdate:   "1 no lost update",
	NoResurrection: "2 no resurrection",
	ReadYourWrites: "3 read your writes",
	ServerMints:    "6 the server makes the tokens",
	EitherOrder:    "7 of two sign-ins at once, one gets the cart",
	OutageNoLogout: "8 an outage is not a sign-out",
	Expiry:         "9 expiry is decided on reading",
	HostileInput:   "10 hostile input is only input",
	LeaksNothing:   "12 the stored form leaks nothing",
	InOperation:    everythingElse,
}

func (l Law) String() string { return lawNames[l] }

// A Violation is one thing seen that a law forbids.
type Violation struct {
	Law  Law
	What string
	At   time.Time
}

// violate notes a violation; mu is held.
func (o *Oracle) violate(law Law, x *Exchange, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	at := time.Now()
	if x != nil {
		at = x.Done
		what = fmt.Sprintf("%s at %s, %v to %v: %d %s: %s", x.Kind, x.Process, o.since(x.Sent), o.since(x.Done), x.Status, x.Err, what)
	}
	if f := o.lastFault(at); f != "" {
		what += " [" + f + "]"
	}
	o.violations = append(o.violations, Violation{law, what, at})
}

// since is a time as seconds of the run.
func (o *Oracle) since(t time.Time) string { return fmt.Sprintf("%.3fs", t.Sub(o.began).Seconds()) }

// lastFault is the fault during which or after which something was seen.
func (o *Oracle) lastFault(at time.Time) string {
	for _, w := range slices.Backward(o.windows) {
		if !w.From.After(at) {
			to := "still on"
			if !w.To.IsZero() {
				to = "mended at " + o.since(w.To)
			}
			return fmt.Sprintf("%s, from %s, %s", w.Fault, o.since(w.From), to)
		}
	}
	return ""
}

// Violations returns what was seen so far.
func (o *Oracle) Violations() []Violation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.violations)
}

// Violate notes what was seen elsewhere than in an answer.
func (o *Oracle) Violate(law Law, format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.violate(law, nil, format, args...)
}

// Seen returns how often each stated bound was made use of.
func (o *Oracle) Seen() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.seen)
}

// list shows violations, one a line.
func list(all []Violation) string {
	var b strings.Builder
	for i, v := range all {
		if i == mostShown {
			fmt.Fprintf(&b, "\n  and %d more", len(all)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", v.Law, v.What)
	}
	return b.String()
}

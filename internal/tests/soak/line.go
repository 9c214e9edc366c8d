package soak

import (
	"slices"
	"time"
)

// A Line is what one token stands for: a session, or what is left of it. Its
// browser and the oracle know of it; it is changed under the oracle's lock.
type Line struct {
	Token, ID string
	User      string // "" is anonymous

	born  time.Time // the request was sent whose answer brought the token
	wrote time.Time // the last acknowledged write was sent
	used  time.Time // the last answer came

	items  items
	either bool  // the items were carried over, or none: one of two sign-ins got them
	full   bool  // once either is known: they were
	twin   *Line // of the other one
	ends   []end

	past []string // the last that was done with it, for a report
}

// remembered is how much of a line's past a report shows.
const remembered = 12

func (l *Line) remember(what string) {
	if l.past = append(l.past, what); len(l.past) > remembered {
		l.past = l.past[1:]
	}
}

// An end is an attempt to end the session under this token: a sign-out, a
// revocation, a sign-in, which gives it another token.
type end struct {
	sent    time.Time
	acked   time.Time // zero: nobody said whether it was done
	process string    // that did it; "" is the operator's
	law     Law       // that is broken if the token still opens the session
	by      string
}

// items are those that a browser has put into the cart, by name. A sign-in
// carries them over.
type items map[string]*item

type item struct {
	sent    time.Time // to be added
	acked   time.Time // zero: may be there, once
	process string    // that added it
	gone    []end     // removals
	never   bool      // refused
	among   bool      // other writes of the session
}

// fork is what a sign-in carries over that was sent at t and never settled: what
// was acknowledged meanwhile may have stayed with the token from before.
func (all items) fork(t time.Time) items {
	out := make(items, len(all))
	for name, it := range all {
		left := *it
		if left.acked.After(t) {
			left.acked = time.Time{}
		}
		left.gone = slices.Clone(it.gone)
		for i := range left.gone {
			if left.gone[i].acked.After(t) {
				left.gone[i].acked = time.Time{}
			}
		}
		out[name] = &left
	}
	return out
}

func newLine(token, user string, born time.Time) *Line {
	return &Line{Token: token, ID: publicID(token), User: user, born: born, wrote: born, used: born, items: items{}}
}

// Items are the names of the items that are certainly in the cart.
func (l *Line) Items() (names []string) {
	for name, it := range l.items {
		if !it.acked.IsZero() && len(it.gone) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// endedBy is the first acknowledged end before t.
func (l *Line) endedBy(t time.Time) *end {
	for i := range l.ends {
		if e := &l.ends[i]; !e.acked.IsZero() && e.acked.Before(t) {
			return e
		}
	}
	return nil
}

// mayHaveEnded tells whether somebody had tried to end it before t.
func (l *Line) mayHaveEnded(t time.Time) bool {
	for _, e := range l.ends {
		if e.sent.Before(t) {
			return true
		}
	}
	return false
}

// required tells whether the item must be in a cart that was read in that time.
func (it *item) required(sent, done time.Time) bool {
	if it.never || it.acked.IsZero() || !it.acked.Before(sent) {
		return false
	}
	for _, r := range it.gone {
		if r.sent.Before(done) {
			return false
		}
	}
	return true
}

// removedBy is a removal that was acknowledged before t, nil if there is none.
func (it *item) removedBy(t time.Time) *end {
	for i := range it.gone {
		if r := &it.gone[i]; !r.acked.IsZero() && r.acked.Before(t) {
			return r
		}
	}
	return nil
}

package soak

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seshat-go/seshat/internal/tests/faults"
)

// An Oracle knows what the answers to browsers may be. Each browser hands it
// the requests it made, with the times at which they were sent and answered;
// what was acknowledged before a read was sent must show in it, and nothing may
// that was sent after its answer.
type Oracle struct {
	engine string        // as SESSION_ENGINE
	idle   time.Duration // idle timeout
	began  time.Time

	mu         sync.Mutex
	windows    []*Window
	violations []Violation
	seen       map[string]int
	counts     map[Kind]map[int]int
	slowest    map[Kind]time.Duration
	slow       []Exchange // longer than the limit of its kind
	late       []Exchange // 503 after a long time, without a fault
	tokens     map[string]bool
	dead       []*Line

	reads, served int // while the database was away
}

// NewOracle returns an oracle for an engine whose sessions end when they are
// idle for so long.
func NewOracle(engine string, idle time.Duration) *Oracle {
	return &Oracle{
		engine: engine, idle: idle, began: time.Now(), seen: map[string]int{},
		counts: map[Kind]map[int]int{}, slowest: map[Kind]time.Duration{}, tokens: map[string]bool{},
	}
}

// Begin notes that a fault is about to happen.
func (o *Oracle) Begin(fault string, tier Tier, loss faults.Loss) *Window {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := &Window{Fault: fault, Tier: tier, Loss: loss, From: time.Now()}
	o.windows = append(o.windows, w)
	return w
}

// Mended notes that the fault is over, and Recovered that every process serves.
func (o *Oracle) Mended(w *Window) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.To = time.Now()
}

// lost notes that a fault has made servers forget more than it was to.
func (o *Oracle) lost(w *Window, loss faults.Loss) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Loss = loss
	w.Fault += " (and there was a failover)"
}

// Recovered notes that every process serves again.
func (o *Oracle) Recovered(w *Window) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Recovered = time.Now()
}

// Judge takes what a browser did with one token: one request, or several that
// were under way together. l is the session of the token, nil if none was sent.
// It returns the sessions that came of it, in the order of the answers.
func (o *Oracle) Judge(l *Line, xs ...*Exchange) (born []*Line) {
	slices.SortFunc(xs, func(a, b *Exchange) int { return a.Done.Compare(b.Done) })
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, x := range xs {
		o.count(x)
		if l != nil {
			o.intend(l, x)
			if x.Kind != Stolen && x.Kind != Health {
				l.remember(o.told(x))
			}
		}
	}
	logins := 0
	for _, x := range xs {
		o.answer(l, x)
		if l != nil {
			o.survive(l, x)
		}
		if n := o.birth(l, x, xs); n != nil {
			born = append(born, n)
			if x.Kind == Login && x.Status == 303 {
				logins++
			}
		}
		if l != nil && x.Done.After(l.used) {
			l.used = x.Done
		}
	}
	if logins == 2 && len(born) == 2 && born[0].either && len(l.ends) == 2 && o.certain(l, xs[len(xs)-1]) {
		born[0].twin, born[1].twin = born[1], born[0]
	}
	return born
}

// intend notes what x wanted of the session, and whether it was told that it
// got it.
func (o *Oracle) intend(l *Line, x *Exchange) {
	var acked time.Time
	if x.Status == 303 {
		acked = x.Done
	}
	switch x.Kind {
	case Add:
		it := &item{sent: x.Sent, acked: acked, process: x.Process, among: x.Peers > 1, never: x.NewToken != "" || x.Status == 409 || x.Status == 400}
		if it.never {
			it.acked = time.Time{}
		}
		l.items[x.Item] = it
	case Remove:
		it := l.items[x.Item]
		if it == nil {
			return
		}
		// A shop that sees an older cart has nothing to remove, and says so as well.
		if it.acked.IsZero() || !it.acked.Before(x.Sent) || o.maySeeOlder(it.acked, it.process, x) != "" || l.either || l.mayHaveEnded(x.Done) {
			acked = time.Time{}
		}
		if x.Status != 409 {
			it.gone = append(it.gone, end{sent: x.Sent, acked: acked, process: x.Process})
		}
	case Login:
		if acked.IsZero() && x.Status != 0 && x.NewToken == "" {
			return // no second step was tried
		}
		if x.Status == 503 {
			acked = time.Time{} // it stays unknown whether the old token is worthless
		}
		l.ends = append(l.ends, end{sent: x.Sent, acked: acked, process: x.Process, law: ServerMints, by: "a sign-in gave it another token"})
		if !acked.IsZero() {
			o.dead = append(o.dead, l)
		}
	case Logout:
		l.ends = append(l.ends, end{sent: x.Sent, acked: acked, process: x.Process, law: NoResurrection, by: "it was signed out"})
		if !acked.IsZero() {
			o.dead = append(o.dead, l)
		}
	}
	if !acked.IsZero() && x.Kind != Logout && x.Kind != Login && x.Kind != Remove && x.NewToken == "" && x.Sent.After(l.wrote) {
		l.wrote = x.Sent
	}
}

// answer judges the answer by itself, and by what is known of the session.
func (o *Oracle) answer(l *Line, x *Exchange) {
	switch x.Status {
	case 200, 303, 409:
		if x.Err != "" {
			o.violate(HostileInput, x, "an answer that is not whole")
		}
	case 503:
		if x.Done.Sub(x.Sent) >= mostPatient && !o.mayFail(x) {
			o.late = append(o.late, *x)
			break
		}
		o.excuse(o.mayFail(x), boundOutage, OutageNoLogout, x, "the store was not away")
	case 0:
		o.excuse(o.mayFail(x), boundUnknown, InOperation, x, "no answer, and the process was not struck")
	default:
		o.violate(HostileInput, x, "not an answer to be expected")
	}
	if x.Dropped && (x.Kind != Logout || x.Status != 303) {
		o.violate(OutageNoLogout, x, "the cookie was removed")
	}
	if x.NewToken != "" {
		known := o.tokens[x.NewToken]
		o.tokens[x.NewToken] = true
		switch {
		case x.NewToken == x.Token:
			o.violate(ServerMints, x, "the token of the request was adopted")
		case known:
			o.violate(ServerMints, x, "a token was given twice")
		case x.Status == 409, x.Kind != Login && (x.Kind != Add || x.Status != 303):
			o.violate(ServerMints, x, "a cookie was set")
		}
	}
	if l == nil {
		o.nobody(x)
		return
	}
	switch {
	case x.Kind == Health:
		if x.Status == 409 {
			o.violate(HostileInput, x, "not an answer to be expected")
		}
	case x.Status == 409, x.Kind == Add && x.NewToken != "":
		o.absent(l, x)
	case x.Shown != nil:
		o.shown(l, x)
	case x.Kind == Add && x.Status == 303:
		o.present(l, x)
	case x.Kind == Logout && x.Status == 303 && !x.Dropped && len(l.ends) == 1 && o.certain(l, x):
		o.violate(NoResurrection, x, "signed out, and the cookie stays")
	}
}

// nobody judges the answer to a request without a session of ours.
func (o *Oracle) nobody(x *Exchange) {
	switch {
	case x.Status == 409:
		o.violate(OutageNoLogout, x, "there was no session that could have ended")
	case x.Shown != nil && !x.Shown.empty():
		o.violate(ServerMints, x, "shows %+v to somebody without a session", *x.Shown)
	case (x.Kind == Add || x.Kind == Login) && x.Status == 303 && x.NewToken == "":
		o.violate(ServerMints, x, "a session began without a cookie")
	}
}

// birth is the session that the answer's cookie opens.
func (o *Oracle) birth(l *Line, x *Exchange, together []*Exchange) *Line {
	if x.NewToken == "" {
		return nil
	}
	n := newLine(x.NewToken, x.User, x.Sent)
	n.used = x.Done
	n.remember("begun by " + o.told(x))
	if l != nil {
		n.remember("where there was session " + l.ID)
	}
	switch {
	case x.Kind == Add:
		n.items[x.Item] = &item{sent: x.Sent, acked: x.Done, process: x.Process}
	case l == nil, l.User != "" && l.User != x.User:
	case slices.ContainsFunc(l.ends, func(e end) bool { return e.law == NoResurrection && !e.acked.IsZero() && e.acked.Before(x.Sent) }) &&
		o.maySeeOlder(l.ends[0].sent, "", x) == "":
	default:
		if n.items = l.items; x.Status == 503 {
			n.items = l.items.fork(x.Sent)
		}
		others := 0
		for _, y := range together {
			if y.Kind == Login || y.Kind == Logout {
				others++
			}
		}
		earlier := slices.ContainsFunc(l.ends, func(e end) bool { return e.sent.Before(x.Sent) })
		n.either = l.either || others > 1 || earlier || o.mayExpire(l, x.Done) || o.mayBeLost(l.born, x.Done) != ""
		if n.either {
			n.items = items{}
			for name, it := range l.items {
				n.items[name] = it
			}
		}
	}
	return n
}

// shown judges a read that was answered.
func (o *Oracle) shown(l *Line, x *Exchange) {
	s := x.Shown
	if s.empty() {
		if s.Page && l.User == "" && !slices.ContainsFunc(l.Items(), func(name string) bool { return l.items[name].required(x.Sent, x.Done) }) {
			return // looks the same
		}
		if s.Page && l.User == "" && l.either {
			return
		}
		o.absent(l, x)
		return
	}
	if !o.present(l, x) {
		return
	}
	if !s.Page && s.ID != l.ID {
		o.violate(ServerMints, x, "shows the session %s, but the token is that of %s", s.ID, l.ID)
	}
	if s.User != l.User {
		o.violate(ServerMints, x, "shows the user %q, but the session is that of %q", s.User, l.User)
	}
	o.cart(l, x)
}

// present judges that a token opens a session; false if it should not.
func (o *Oracle) present(l *Line, x *Exchange) bool {
	if e := l.endedBy(x.Sent); e != nil {
		bound := o.maySeeOlder(e.acked, e.process, x)
		o.excuse(bound != "", bound, e.law, x, fmt.Sprintf("session %s is open, but %s at %s; %q", l.ID, e.by, o.since(e.acked), l.past))
		return false
	}
	if x.Sent.Sub(l.used) > o.idle+expirySlack {
		o.violate(Expiry, x, "session %s is open, but was not used since %s", l.ID, o.since(l.used))
		return false
	}
	return true
}

// expirySlack is for a request whose answer never came, but which was made.
const expirySlack = 10 * time.Second

// mayExpire tells whether the session may have been idle for too long at t.
// Touches count only where they were certainly stored: as writes.
func (o *Oracle) mayExpire(l *Line, t time.Time) bool { return t.Sub(l.wrote) > o.idle*3/4 }

// certain tells whether the session was certainly alive all through x.
func (o *Oracle) certain(l *Line, x *Exchange) bool {
	return !o.mayExpire(l, x.Done) && o.mayBeLost(l.born, x.Done) == ""
}

// absent judges that a token opens no session.
func (o *Oracle) absent(l *Line, x *Exchange) {
	if l.mayHaveEnded(x.Done) || o.mayExpire(l, x.Done) {
		return
	}
	bound := o.mayBeLost(l.born, x.Done)
	o.excuse(bound != "", bound, OutageNoLogout, x, fmt.Sprintf("session %s is gone, and nobody ended it; %q", l.ID, l.past))
}

// cart judges the content.
func (o *Oracle) cart(l *Line, x *Exchange) {
	cart := x.Shown.Cart
	for i, name := range cart {
		it := l.items[name]
		switch {
		case it == nil || it.sent.After(x.Done):
			o.violate(ServerMints, x, "%q is in the cart of a browser that did not put it there", name)
			return
		case slices.Contains(cart[:i], name):
			o.violate(NoLostUpdate, x, "%q is in the cart twice: %q", name, cart)
			return
		}
	}
	if l.either {
		o.settle(l, x)
	}
	for name, it := range l.items {
		in := slices.Contains(cart, name)
		if !in && it.required(x.Sent, x.Done) {
			bound := o.maySeeOlder(it.acked, it.process, x)
			law := ReadYourWrites
			if it.among {
				law = NoLostUpdate
			}
			o.excuse(bound != "", bound, law, x, fmt.Sprintf("%q, added at %s, is not in the cart of session %s: %q; %q", name, o.since(it.acked), l.ID, cart, l.past))
		}
		if removed := it.removedBy(x.Sent); in && removed != nil {
			bound := o.maySeeOlder(removed.acked, removed.process, x)
			o.excuse(bound != "", bound, ReadYourWrites, x, fmt.Sprintf("%q, removed at %s, is in the cart of session %s; %q", name, o.since(removed.acked), l.ID, l.past))
		}
	}
	for i, second := range cart {
		for _, first := range cart[:i] {
			a, b := l.items[first], l.items[second]
			if a != nil && b != nil && !a.acked.IsZero() && !b.acked.IsZero() && b.acked.Before(a.sent) {
				o.violate(NoLostUpdate, x, "%q is before %q, which was there before: %q", first, second, cart)
			}
		}
	}
}

// settle finds out whether a sign-in got the items of the session before it.
func (o *Oracle) settle(l *Line, x *Exchange) {
	told := false
	for _, it := range l.items {
		told = told || it.required(x.Sent, x.Done)
	}
	l.either = false
	if !told {
		return // there was nothing to get
	}
	l.full = len(x.Shown.Cart) > 0
	if !l.full {
		l.items = items{}
	}
	if t := l.twin; t != nil && !t.either && t.full == l.full {
		bound := o.maySeeOlder(l.born, "", x)
		o.excuse(bound != "", bound, EitherOrder, x, fmt.Sprintf("of two sign-ins at once, %s and %s, both or none got the cart: %q", l.ID, t.ID, x.Shown.Cart))
	}
}

// excuse counts what a stated bound allows, and notes the rest as a violation.
func (o *Oracle) excuse(allowed bool, bound string, law Law, x *Exchange, what string) {
	if allowed {
		o.seen[bound]++
		return
	}
	o.violate(law, x, "%s", what)
}

// told is an exchange in a line's past.
func (o *Oracle) told(x *Exchange) string {
	return fmt.Sprintf("%s at %s %s to %s: %d%s", x.Kind, x.Process, o.since(x.Sent), o.since(x.Done), x.Status, x.Err)
}

// Dead returns the sessions that ended with an acknowledgement.
func (o *Oracle) Dead() []*Line {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.dead)
}

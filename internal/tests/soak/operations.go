package soak

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/faults"
)

// What an operator does to sessions is judged like what browsers do.
const (
	Revoke    Kind = "revoke"
	RevokeAll Kind = "revoke all"
	List      Kind = "list"
	Purge     Kind = "purge"
)

// An Operation is one call of an operator.
type Operation struct {
	Kind       Kind
	Sent, Done time.Time
	Err        error
}

// exchange is the operation as if it were a request.
func (op *Operation) exchange() *Exchange {
	x := &Exchange{Kind: op.Kind, Process: "operator", Sent: op.Sent, Done: op.Done, Status: 200}
	switch {
	case op.Err == nil, errors.Is(op.Err, session.ErrPending), errors.Is(op.Err, session.ErrNotFound):
	default:
		x.Status, x.Err = 503, op.Err.Error()
	}
	return x
}

// Operated judges an operation that concerns sessions of one browser: those it
// meant to end, and one that it meant to spare.
func (o *Oracle) Operated(op *Operation, meant []*Line, spared *Line) {
	x := op.exchange()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(x)
	if x.Status == 503 {
		o.excuse(o.mayFail(x), boundOutage, OutageNoLogout, x, "the store was not away")
	}
	for _, l := range meant {
		if l == spared {
			continue
		}
		l.remember(o.told(x))
		e := end{sent: op.Sent, law: NoResurrection, by: "it was revoked"}
		switch {
		case errors.Is(op.Err, session.ErrNotFound):
			o.absent(l, x)
			continue
		case x.Status == 200 && op.Kind == RevokeAll && o.mayBeUnlisted(l):
			o.seen[boundUnlisted]++ // and so it may live on
		case x.Status == 200:
			e.acked = op.Done
			o.dead = append(o.dead, l)
		}
		l.ends = append(l.ends, e)
	}
}

// Listed judges a list of a user's sessions. known are all that the browser
// has ever had as that user, and strays tells that it may have more.
func (o *Oracle) Listed(op *Operation, infos []session.Info, user string, known []*Line, strays bool) {
	x := op.exchange()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count(x)
	if x.Status == 503 {
		o.excuse(o.mayFail(x), boundOutage, OutageNoLogout, x, "the store was not away")
		return
	}
	listed := func(l *Line) bool {
		return slices.ContainsFunc(infos, func(i session.Info) bool { return string(i.ID) == l.ID })
	}
	for _, l := range known {
		if l.User != user {
			continue
		}
		in := listed(l)
		e := l.endedBy(op.Sent)
		switch {
		case in && e != nil:
			bound := ""
			if o.engine == "cache" { // cached_db lists from the database
				bound = o.maySeeOlder(e.acked, e.process, x)
			}
			o.excuse(bound != "", bound, e.law, x, fmt.Sprintf("session %s is in the list, but %s at %s; %q", l.ID, e.by, o.since(e.acked), l.past))
		case !in && l.used.Before(op.Sent) && !l.mayHaveEnded(op.Done) && !o.mayExpire(l, op.Done):
			o.excuse(o.mayBeUnlisted(l), boundUnlisted, ReadYourWrites, x, fmt.Sprintf("session %s of %q is not in the list; %q", l.ID, user, l.past))
		}
	}
	for _, info := range infos {
		switch {
		case info.Principal != user:
			o.violate(ServerMints, x, "the list of %q has a session of %q", user, info.Principal)
		case !strays && !slices.ContainsFunc(known, func(l *Line) bool { return l.ID == string(info.ID) }):
			o.violate(ServerMints, x, "the list of %q has a session that nobody was given: %s", user, info.ID)
		}
	}
}

// mayBeUnlisted tells whether Redis may have lost the entry of the session in the
// list of its user, though not the session.
func (o *Oracle) mayBeUnlisted(l *Line) bool {
	return o.engine == "cache" && slices.ContainsFunc(o.windows, func(w *Window) bool {
		return w.Loss != faults.Nothing && w.over().After(l.born)
	})
}

// troubled tells whether a fault is on or was until lately.
func (o *Oracle) troubled(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.windows, func(w *Window) bool { return within(at, w.From, w.over()) })
}

// expired tells whether a session must have ended since nobody used it.
func (o *Oracle) expired(l *Line) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Since(l.used) > o.idle+expirySlack
}

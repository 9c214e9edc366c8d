package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A login under Options.MaxSessions creates its record, then lists the sessions
// of the principal, and only then takes the place of the session it came with.
// What is too many goes while the login is not answered yet: so of all logins
// whose sessions are left, the one that created its record last has seen all the
// others, and there are never more than allowed once all are answered.
//
// All processes agree on an order, by Created and then by ID. Where the oldest
// are ended, no login ends a newer one than its own; one that finds itself too
// old begins again as the newest. Where logins are refused, the oldest that fit
// wait for the others to take theirs back, for a second.

const (
	maxAgain = 1 // how often a login begins again: then newer ones have come meanwhile
	// How often one that fits looks whether others have gone, and how long it waits
	// before the second time; then it waits twice as long each time, a second in all.
	maxLooks  = 8
	firstWait = 4 * time.Millisecond
)

// What ends an attempt to log in that may be repeated.
var (
	errNewer = fmt.Errorf("%w: newer logins came first", ErrTooManySessions)
	errGone  = fmt.Errorf("%w: the new session was ended at once", ErrConflict)
)

// checkMaxSessions tells whether the store can do what MaxSessions needs.
func (o *Options) checkMaxSessions() error {
	_, ok := o.Store.(Lister)
	l, tells := o.Store.(interface{ Lists() bool })
	if o.MaxSessions == 0 || ok && (!tells || l.Lists()) {
		return nil
	}
	return fmt.Errorf("session: Options.MaxSessions needs a store that is a session.Lister, which %T is not: %w", o.Store, errors.ErrUnsupported)
}

// open stores next under a new token, within the limit of sessions if it is a
// login that begins one. Whatever it created is taken back on an error.
func (w *work) open(ctx context.Context, next *state) (t token, id ID, err error) {
	for again := 0; ; again++ {
		t, id, err = w.m.create(ctx, w.record(next, 1))
		if err != nil || w.goesOn() || w.m.opts.MaxSessions == 0 {
			return t, id, err
		}
		w.apart = append(w.apart, id)
		var newest time.Time
		if newest, err = w.admit(ctx, id); err == nil {
			return t, id, nil
		}
		w.m.abandon(ctx, id, 1)
		if (errors.Is(err, errNewer) || errors.Is(err, errGone)) && again < maxAgain {
			if err = backoff(ctx); err != nil {
				return t, id, fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			if at := &next.rec.Created; !at.After(newest) { // the clock may be behind those of others
				*at = newest.Add(time.Duration(1+at.UnixMicro()%1000) * time.Microsecond) // not the same for two
			}
			continue
		}
		if errors.Is(err, ErrTooManySessions) {
			w.m.event(ctx, Event{Kind: EventRefused, Principal: w.login, Op: "login", Err: err})
		}
		return t, id, err
	}
}

// admit returns nil once the session created under id is within the limit, and
// ErrTooManySessions if it is not; errNewer comes with when the newest was created.
func (w *work) admit(ctx context.Context, id ID) (newest time.Time, err error) {
	most := w.m.opts.MaxSessions
	for look := 0; ; look++ {
		all, err := w.counted(ctx, id)
		if err != nil {
			return newest, err
		}
		if len(all) > 0 {
			newest = all[0].Record.Created
		}
		rank := slices.IndexFunc(all, func(s Stored) bool { return s.ID == id })
		switch {
		case rank < 0: // somebody ended it
			return newest, errGone
		case len(all) <= most:
			return newest, nil
		case w.endsOldest() && rank < most:
			return newest, w.endOldest(ctx, all[most:])
		case w.endsOldest():
			return newest, errNewer
		case len(all)-rank > most || look == maxLooks:
			return newest, fmt.Errorf("%w: Options.MaxSessions is %d", ErrTooManySessions, most)
		}
		if err := sleep(ctx, firstWait<<look); err != nil {
			return newest, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// endsOldest tells whether this login may end other sessions.
func (w *work) endsOldest() bool {
	return w.login != "" && w.m.opts.MaxSessions > 0 && !w.m.opts.MaxSessionsPreventsLogin
}

// endOldest ends sessions, the last one first.
func (w *work) endOldest(ctx context.Context, sessions []Stored) error {
	for _, s := range slices.Backward(sessions) {
		ended, err := w.m.end(ctx, s.ID, s.Record.Version, func(_, next *Record) bool {
			return next.Principal == w.login && next.Created.Equal(s.Record.Created)
		})
		if ended {
			w.m.event(ctx, Event{Kind: EventRevoked, ID: s.ID, Principal: w.login, Op: opLimit})
		}
		switch {
		case errors.Is(err, ErrPending):
			w.m.event(ctx, Event{Kind: EventPending, ID: s.ID, Principal: w.login, Op: opLimit, Err: err})
		case err != nil:
			return err
		}
	}
	return nil
}

const opLimit = "limit"

// counted lists the sessions that count, newest first: those of the principal
// but for what this login replaces, and with what it has created under own. A
// renewal shows as two for a moment, which is waited for where it matters.
func (w *work) counted(ctx context.Context, own ID) ([]Stored, error) {
	began, clock := time.Now(), w.m.now()
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		var all []Stored
		now := w.m.now()
		err := w.m.each(ctx, w.login, func(s Stored) error {
			if s.Record.live(now) && s.Record.check() == nil {
				all = append(all, s)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b Stored) int {
			return cmp.Or(b.Record.Created.Compare(a.Record.Created), cmp.Compare(b.ID, a.ID))
		})
		renewal := w.m.renewal(all, own)
		count := slices.DeleteFunc(all, func(s Stored) bool { return s.ID != own && slices.Contains(w.apart, s.ID) })
		took := time.Since(began)
		if len(count) <= w.m.opts.MaxSessions || took >= renewal || took > leastWait && w.m.now().Equal(clock) {
			return count, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// renewal is for how long a renewal or reauthentication may still be under way, of
// which sorted sessions show both the old record and the new one. The own one is new.
func (m *Manager) renewal(sessions []Stored, own ID) (left time.Duration) {
	var last *Record
	for i := range sessions {
		r := &sessions[i].Record
		if sessions[i].ID == own {
			continue
		}
		if last != nil && last.Created.Equal(r.Created) {
			seen := r.LastSeen
			if last.LastSeen.After(seen) {
				seen = last.LastSeen
			}
			left = max(left, 3*m.opts.StoreTimeout-m.now().Sub(seen))
		}
		last = r
	}
	return left
}

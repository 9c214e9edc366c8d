package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// markLife is how long a moved mark stays: longer than any parallel request of
// the old token takes to arrive.
const markLife = time.Minute

// move renews the token, for Renew and Login: the successor is created first,
// then the old record is compare-and-set into a mark. Until that has happened
// the old session is the only one that anybody can use.
func (w *work) move(ctx context.Context) error {
	old := w.id
	slot, err := w.m.queue.enter(ctx, old)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer w.m.queue.leave(old, slot)
	defer func() { slot.latest = nil }()
	if slot.latest != nil && slot.latest.rec.Version > w.base.rec.Version {
		w.base = *slot.latest
	}
	w.apart = []ID{old}
	var (
		successor state // once created
		t         token
		id        ID
		kept      bool // the successor is the session now
	)
	defer func() {
		if v := successor.rec.Version; v != 0 && !kept {
			w.giveUp(context.WithoutCancel(ctx), old, id, v)
		}
	}()
	overtaken := func() error {
		if v := successor.rec.Version; v != 0 && w.login != "" { // before what comes of it is counted
			w.giveUp(context.WithoutCancel(ctx), old, id, v)
			successor = state{}
		}
		return w.overtaken(ctx, old)
	}
	for range maxAttempts {
		var next state
		err := w.current(ctx, old)
		if errors.Is(err, ErrSessionEnded) {
			return overtaken()
		}
		if err == nil {
			next, err = w.successor()
		}
		switch {
		case err != nil:
		case successor.rec.Version == 0:
			t, id, err = w.open(ctx, &next)
		default:
			if w.login != "" {
				next.rec.Created = successor.rec.Created // its place in the order
			}
			err = w.m.update(ctx, id, w.record(&next, successor.rec.Version+1), successor.rec.Version)
			if errors.Is(err, ErrNotFound) { // somebody ended it before the old session had moved
				if w.goesOn() {
					successor = state{}
					return w.revoked(ctx, old)
				}
				t, id, err = w.open(ctx, &next)
			}
		}
		if err != nil {
			return err
		}
		successor = next
		if err = w.unchanged(ctx, old); err == nil {
			err = w.m.update(ctx, old, w.mark(id), w.base.rec.Version)
		} else if errors.Is(err, ErrUnavailable) {
			return err // no mark was tried: the old token works
		}
		if err == nil || errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrFull) {
			// If it stays unknown whether the old record is a mark now, the
			// browser gets the new token all the same: that one works either way.
			w.base, w.id, w.token, w.stored, w.cookie = successor, id, t, true, true
			kept = true
			if err == nil {
				w.announce(ctx, EventRenewed, id)
			}
			return err
		}
		if errors.Is(err, ErrConflict) {
			err = w.again(ctx, old)
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrUnavailable):
			return err
		default:
			return overtaken()
		}
	}
	return errMoves
}

// revoked is the end of a renewal whose successor somebody has ended: that was
// this session, which a list showed under both IDs, or what another renewal has
// made of it.
func (w *work) revoked(ctx context.Context, old ID) error {
	_, err := w.m.end(ctx, old, w.base.rec.Version, func(_, next *Record) bool {
		return next.Created.Equal(w.base.rec.Created)
	})
	switch {
	case errors.Is(err, ErrPending):
		w.m.event(ctx, Event{Kind: EventPending, ID: old, Principal: w.base.rec.Principal, Op: "renew", Err: err})
	case err != nil:
		return err
	}
	return ErrSessionEnded
}

// giveUp takes back a successor whose token nobody gets, unless somebody has ended
// it already.
func (w *work) giveUp(ctx context.Context, old, id ID, version uint64) {
	if w.goesOn() {
		if _, err := w.m.loadFresh(ctx, id); errors.Is(err, ErrNotFound) {
			_ = w.revoked(ctx, old) // what the request is told, it is told already
			return
		}
	}
	w.m.abandon(ctx, id, version)
}

// unchanged tells whether the stored record is the base, as Update would. It is
// asked between the two writes, for the case that nobody can tell what became of the
// second: if the session was ended before, that is seen here; if it is ended
// later, a list finds the successor.
func (w *work) unchanged(ctx context.Context, id ID) error {
	rec, err := w.m.loadFresh(ctx, id)
	if err == nil && rec.Version != w.base.rec.Version {
		return ErrConflict
	}
	return err
}

// overtaken is the end of a move whose old record is a mark by now, or gone. A
// login on a mark begins a new session, without anything from the old one; so does
// one whose old session another login may have ended for Options.MaxSessions.
func (w *work) overtaken(ctx context.Context, old ID) error {
	if w.goesOn() {
		return ErrSessionEnded
	}
	rec, err := w.m.loadFresh(ctx, old)
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	gone := errors.Is(err, ErrNotFound) && w.endsOldest() && w.base.rec.Principal == w.login
	if !gone && (err != nil || rec.MovedTo == "") {
		return ErrSessionEnded
	}
	return w.begin(ctx)
}

// successor is the state of the session after the move.
func (w *work) successor() (state, error) {
	from := w.base
	if w.login != "" {
		was := &w.base
		from = w.m.blank()
		if w.same {
			from.rec.Created, from.rec.IdleTimeout, from.rec.Persistent = was.rec.Created, was.rec.IdleTimeout, was.rec.Persistent
		}
		if !w.clean && (was.rec.Principal == "" || was.rec.Principal == w.login) {
			from.values = was.values
		}
	}
	next, err := w.apply(from)
	if err == nil && w.login != "" {
		w.start(&next)
	}
	return next, err
}

// mark is the old record after the move.
func (w *work) mark(successor ID) Record {
	now := w.m.now()
	rec := Record{
		Version:       w.base.rec.Version + 1,
		Created:       w.base.rec.Created,
		Authenticated: w.base.rec.Authenticated,
		LastSeen:      now,
		Expires:       now.Add(markLife),
		LifetimeEnd:   now.Add(markLife),
		MovedTo:       successor,
	}
	_, _ = rand.Read(rec.Mark[:])
	return rec
}

package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// work is one save: what it starts from, and what it has reached. It runs
// without the session's lock, so that accessors go on.
type work struct {
	m     *Manager
	s     *Session
	ops   []op
	login string
	clean bool
	same  bool
	apart []ID // what a login replaces, and has created: Options.MaxSessions does not count them twice

	base  state // the newest known; what is stored once stored is set
	cur   state // what the operations made of the base that the handler saw
	id    ID
	token token

	stored bool // base, id and token are in the store
	cookie bool // the browser must get the token
}

// apply returns the base with the operations applied.
func (w *work) apply(base state) (state, error) {
	for i := range w.ops {
		if err := w.ops[i].apply(w.m, &base); err != nil {
			return base, err
		}
	}
	return base, nil
}

// record is the stored form of st as a new write at this moment.
func (w *work) record(st *state, version uint64) Record {
	st.rec.Version = version
	_, _ = rand.Read(st.rec.Mark[:])
	st.rec.seen(w.m.now())
	rec := st.rec
	rec.Payload = st.values.encode()
	return rec
}

// begin stores a new session, unless there is nothing to store.
func (w *work) begin(ctx context.Context) error {
	next, err := w.apply(w.m.blank())
	if err != nil || (w.login == "" && next.values.len() == 0) {
		return err
	}
	w.start(&next)
	return w.create(ctx, &next)
}

// start makes the record that of a session that begins now.
func (w *work) start(st *state) {
	now := w.m.now()
	if st.rec.LastSeen = now; !w.same {
		st.rec.Created = now
	}
	if st.rec.Principal = w.login; w.login != "" {
		st.rec.Authenticated = now
	}
	st.rec.Device = w.m.device(w.s.x.req)
}

// create stores next under a new token.
func (w *work) create(ctx context.Context, next *state) error {
	t, id, err := w.open(ctx, next)
	if err != nil {
		return err
	}
	w.base, w.id, w.token, w.stored, w.cookie = *next, id, t, true, true
	w.announce(ctx, EventCreated, id)
	return nil
}

func (w *work) announce(ctx context.Context, kind EventKind, id ID) {
	w.m.event(ctx, Event{Kind: kind, ID: id, Principal: w.base.rec.Principal})
	if w.login != "" {
		op := "login"
		if w.same {
			op = "reauthenticate"
		}
		w.m.event(ctx, Event{Kind: EventLogin, ID: id, Principal: w.login, Op: op})
	}
}

// goesOn tells that what comes of a move is the session that it was: whoever ends
// either of them ends both.
func (w *work) goesOn() bool { return w.login == "" || w.same }

// update stores the operations by compare-and-set, on whatever is newest.
func (w *work) update(ctx context.Context) error {
	slot, err := w.m.queue.enter(ctx, w.id)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer w.m.queue.leave(w.id, slot)
	seen := w.base.rec.Version
	if slot.latest != nil && slot.latest.rec.Version > seen {
		w.base = *slot.latest
	}
	for range maxAttempts {
		if err := w.current(ctx, w.id); err != nil {
			return err
		}
		next := w.cur
		if w.base.rec.Version != seen {
			if next, err = w.apply(w.base); err != nil {
				return err
			}
		}
		version := w.base.rec.Version
		err = w.m.update(ctx, w.id, w.record(&next, version+1), version)
		switch {
		case err == nil:
			w.base, w.stored, w.cookie = next, true, changesCookie(w.ops)
			slot.latest = &next
			return nil
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUndecodable):
			slot.latest = nil
			return ErrSessionEnded
		case !errors.Is(err, ErrConflict):
			slot.latest = nil
			return err
		}
		if err := w.again(ctx, w.id); err != nil {
			slot.latest = nil
			return err
		}
	}
	return errMoves
}

// again makes the truth the base after a conflict.
func (w *work) again(ctx context.Context, id ID) error {
	w.m.event(ctx, Event{Kind: EventConflict, ID: id, Principal: w.base.rec.Principal, Op: "save"})
	if err := backoff(ctx); err != nil {
		return fmt.Errorf("%w: %w", errMoves, err)
	}
	return w.reload(ctx, id)
}

// current sees to it that the base has not ended. It may seem so after a
// handler that ran for long: touches by other requests leave the version as it is.
func (w *work) current(ctx context.Context, id ID) error {
	if w.base.rec.live(w.m.now()) {
		return nil
	}
	return w.reload(ctx, id)
}

// reload makes the truth the base.
func (w *work) reload(ctx context.Context, id ID) error {
	rec, err := w.m.loadFresh(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrUndecodable):
		return ErrSessionEnded
	case err != nil:
		return err
	case !rec.live(w.m.now()):
		return ErrSessionEnded // moved, or expired
	}
	var next state
	if w.m.decode(&rec, &next) != nil {
		return ErrSessionEnded
	}
	w.base = next
	return nil
}

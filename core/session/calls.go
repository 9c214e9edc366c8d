package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// definite tells whether the store said what it did. Any other error leaves the
// outcome of a write unknown.
func definite(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) ||
		errors.Is(err, ErrUndecodable) || errors.Is(err, ErrFull) || errors.Is(err, ErrPending) || errors.Is(err, errors.ErrUnsupported)
}

// call runs one store call within the time limit. Errors other than the
// definite ones come back as ErrUnavailable with the cause, and as an event.
func (m *Manager) call(ctx context.Context, op string, id ID, f func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, m.opts.StoreTimeout)
	defer cancel()
	err := f(limited)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrFull):
		m.event(ctx, Event{Kind: EventStoreError, ID: id, Op: op, Err: err})
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, err)
	case definite(err):
		return err
	}
	if ctx.Err() == nil { // else the client went away, which is no fault of the store's
		m.event(ctx, Event{Kind: EventStoreError, ID: id, Op: op, Err: err})
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, op, err)
}

func (m *Manager) load(ctx context.Context, id ID) (rec Record, err error) {
	err = m.call(ctx, "load", id, func(ctx context.Context) error {
		rec, err = m.store.Load(ctx, id)
		return err
	})
	return rec, err
}

// loadFresh loads the truth: after a conflict, where a cache may be behind.
func (m *Manager) loadFresh(ctx context.Context, id ID) (rec Record, err error) {
	err = m.call(ctx, "load", id, func(ctx context.Context) error {
		rec, err = m.fresh(ctx, id)
		return err
	})
	return rec, err
}

// create stores a record under a new ID; own outcome settled as for update.
func (m *Manager) create(ctx context.Context, id ID, rec Record) error {
	return m.write(ctx, "create", id, &rec, 0, func(ctx context.Context) error {
		return m.store.Create(ctx, id, rec)
	})
}

func (m *Manager) update(ctx context.Context, id ID, rec Record, ifVersion uint64) error {
	return m.write(ctx, "update", id, &rec, ifVersion, func(ctx context.Context) error {
		return m.store.Update(ctx, id, rec, ifVersion)
	})
}

// write makes one data write and settles an unknown outcome: it loads once, and
// its own mark there means done, the old version there means to try again,
// anything else is the error. The second try carries the same mark, so that the
// first, if it arrives late, is known too: together they count once.
func (m *Manager) write(ctx context.Context, op string, id ID, rec *Record, before uint64, f func(context.Context) error) error {
	err := m.call(ctx, op, id, f)
	if definite(err) {
		return err
	}
	// The request may be over, and its context with it; what happened must be
	// known all the same.
	settle := context.WithoutCancel(ctx)
	switch done, again, _ := m.outcome(settle, id, rec, before); {
	case done:
		return nil
	case !again || ctx.Err() != nil:
		return err
	}
	second := m.call(settle, op, id, f)
	if second == nil {
		return nil
	}
	// Refused, it may be the first one that came in between.
	if done, _, _ := m.outcome(settle, id, rec, before); done {
		return nil
	}
	if errors.Is(second, ErrConflict) || errors.Is(second, ErrExists) {
		return err // ours may have been there, below the newer one: unknown for good
	}
	return second
}

func (m *Manager) outcome(ctx context.Context, id ID, rec *Record, before uint64) (done, again bool, err error) {
	now, err := m.loadFresh(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, before == 0, nil
	case err != nil:
		return false, false, err
	}
	return now.Mark == rec.Mark && now.Version == rec.Version, before != 0 && now.Version == before, nil
}

// touch stores the time of a use. Its failure does not concern the request.
func (m *Manager) touch(ctx context.Context, id ID, lastSeen, expires time.Time, ifVersion uint64) {
	limited, cancel := context.WithTimeout(ctx, m.opts.StoreTimeout)
	defer cancel()
	if err := m.store.Touch(limited, id, lastSeen, expires, ifVersion); err != nil && ctx.Err() == nil {
		m.event(ctx, Event{Kind: EventTouchFailed, ID: id, Op: "touch", Err: err})
	}
}

// onlyPending returns err if it says that a cache is behind, else nil: a store
// joins that to the ErrNotFound of a fresh load.
func onlyPending(err error) error {
	if errors.Is(err, ErrPending) {
		return err
	}
	return nil
}

// errMoves ends a walk along moved marks that does not end by itself.
var errMoves = fmt.Errorf("%w: the session keeps changing", ErrConflict)

const maxAttempts = 100

// end deletes the session that is, or was until a renewal, under id, whatever
// is written to it meanwhile. It starts from the version that is thought to be
// stored; 0 is unknown. Nothing there is no error. follow tells whether the
// session that a mark names is still the one meant.
func (m *Manager) end(ctx context.Context, id ID, version uint64, follow func(mark, successor *Record) bool) (ended bool, err error) {
	for range maxAttempts {
		if version != 0 {
			err := m.call(ctx, "delete", id, func(ctx context.Context) error {
				return m.store.Delete(ctx, id, version)
			})
			switch {
			case err == nil, errors.Is(err, ErrPending):
				return true, err
			case errors.Is(err, ErrUnavailable) && ctx.Err() != nil:
				return false, err
			case !errors.Is(err, ErrConflict):
				// Unknown: what is there now tells; a delete can be repeated.
				if _, lerr := m.loadFresh(ctx, id); errors.Is(lerr, ErrNotFound) {
					return true, onlyPending(lerr)
				}
				return false, err
			}
			if err := backoff(ctx); err != nil {
				return false, fmt.Errorf("%w: %w", errMoves, err)
			}
		}
		rec, err := m.loadFresh(ctx, id)
		for hops := 0; err == nil && rec.MovedTo != ""; hops++ {
			mark := rec
			id = mark.MovedTo
			if rec, err = m.loadFresh(ctx, id); err == nil && !follow(&mark, &rec) {
				return version != 0, nil
			}
			if hops == maxAttempts {
				return false, errMoves
			}
		}
		switch {
		case errors.Is(err, ErrNotFound):
			return version != 0, onlyPending(err)
		case errors.Is(err, ErrUndecodable):
			return false, nil // nobody can use it either
		case err != nil:
			return false, err
		}
		version = rec.Version
	}
	return false, errMoves
}

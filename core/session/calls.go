package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/internal/limit"
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
	return m.write(ctx, op, id, 0, f)
}

// write is call for one that writes so many bytes of payload.
func (m *Manager) write(ctx context.Context, op string, id ID, size int, f func(context.Context) error) error {
	limited := m.limit(ctx)
	defer limited.End()
	return m.answer(ctx, op, id, m.observe(limited, Call{TierStore, op, size}, f))
}

// limit returns the context of a store call, which the caller must end.
func (m *Manager) limit(ctx context.Context) *limit.Context {
	c := &struct {
		limit limit.Context
		apart apart
	}{apart: apart{ctx}}
	c.limit.Start(&c.apart, m.opts.StoreTimeout)
	return &c.limit
}

// answer tells what a store's answer means to the engine.
func (m *Manager) answer(ctx context.Context, op string, id ID, err error) error {
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
		rec, err = m.saved(ctx, id)
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

// create stores a record under a new token. After an unknown outcome it tries
// once more, under another one: should the first try arrive late, it makes a
// record that nobody can open, rather than bring back a session that has been
// ended meanwhile.
func (m *Manager) create(ctx context.Context, rec Record) (t token, id ID, err error) {
	lost := false
	for range maxAttempts {
		t = newToken()
		id = t.id(m.opts.Cookie.Name)
		err = m.write(ctx, "create", id, len(rec.Payload), func(ctx context.Context) error {
			return m.store.Create(ctx, id, rec)
		})
		switch {
		case errors.Is(err, ErrExists):
			continue
		case definite(err):
			return t, id, err
		}
		now, lerr := m.loadFresh(context.WithoutCancel(ctx), id)
		switch {
		case lerr == nil && now.Mark == rec.Mark:
			return t, id, nil
		case lost || ctx.Err() != nil || !errors.Is(lerr, ErrNotFound):
			return t, id, err
		}
		lost = true
	}
	return t, id, fmt.Errorf("%w: every new ID is in use", ErrUnavailable)
}

// abandon removes a record whose token nobody got. If it cannot, the record
// stays until it expires, and opens nothing to anybody.
func (m *Manager) abandon(ctx context.Context, id ID, version uint64) {
	ctx = context.WithoutCancel(ctx)
	if _, err := m.end(ctx, id, version, func(_, _ *Record) bool { return false }); errors.Is(err, ErrPending) {
		m.event(ctx, Event{Kind: EventPending, ID: id, Op: "undo", Err: err})
	}
}

// update makes one data write and settles an unknown outcome: it loads once, and
// its own mark there means done, the old version there means to try again,
// anything else is the error. The second try carries the same mark, so that the
// first, if it arrives late, is known too: together they count once.
func (m *Manager) update(ctx context.Context, id ID, rec Record, ifVersion uint64) error {
	write := func(ctx context.Context) error {
		return m.write(ctx, "update", id, len(rec.Payload), func(ctx context.Context) error {
			return m.save(ctx, id, rec, ifVersion)
		})
	}
	err := write(ctx)
	if definite(err) {
		return err
	}
	// The request may be over, and its context with it; what happened must be
	// known all the same.
	settle := context.WithoutCancel(ctx)
	known := m.outcome(settle, id, &rec, ifVersion)
	if errors.Is(known, errAgain) && (ctx.Err() == nil || rec.MovedTo != "") {
		second := write(settle)
		if second == nil {
			return nil
		}
		// Refused, it may be the first one that came in between.
		known = m.outcome(settle, id, &rec, ifVersion)
		// Of a mark it must stay known that the first one may have been made.
		if rec.MovedTo == "" && definite(second) && !errors.Is(second, ErrConflict) && !errors.Is(second, ErrNotFound) {
			err = second
		}
	}
	if errors.Is(known, errAgain) || errors.Is(known, errUnknown) {
		return err
	}
	return known
}

// What outcome may find besides the answers of a store.
var (
	errAgain   = errors.New("session: the write has not been made")
	errUnknown = errors.New("session: nobody can tell whether the write was made")
)

// outcome finds out what became of an update: nil means that it was made.
func (m *Manager) outcome(ctx context.Context, id ID, rec *Record, before uint64) error {
	now, err := m.loadFresh(ctx, id)
	switch {
	case err == nil && now.Mark == rec.Mark && now.Version == rec.Version:
		return nil
	case err == nil && now.Version == before:
		return errAgain
	case rec.MovedTo == "":
		return errUnknown // it may have been there, and written over or deleted since
	case err == nil:
		return ErrConflict // nobody writes over a moved mark: it never was there
	case errors.Is(err, ErrNotFound):
		return ErrNotFound // nor deletes one
	}
	return errUnknown
}

// touch stores the time of a use, and tells whether the store took it. Its
// failure does not concern the request.
func (m *Manager) touch(ctx context.Context, id ID, lastSeen, expires time.Time, ifVersion uint64) bool {
	limited := m.limit(ctx)
	defer limited.End()
	err := m.observe(limited, Call{Tier: TierStore, Op: "touch"}, func(ctx context.Context) error {
		return m.store.Touch(ctx, id, lastSeen, expires, ifVersion)
	})
	if err != nil && ctx.Err() == nil {
		m.event(ctx, Event{Kind: EventTouchFailed, ID: id, Op: "touch", Err: err})
	}
	return err == nil
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

const (
	maxAttempts = 100
	maxHops     = 100 * maxAttempts
)

// end deletes the session that is, or was until a renewal, under id, whatever
// is written to it meanwhile. It starts from the version that is thought to be
// stored; 0 is unknown. Nothing there is no error. follow tells whether the
// session that marks lead to, the first of which it gets, is still the one meant.
func (m *Manager) end(ctx context.Context, id ID, version uint64, follow func(mark, successor *Record) bool) (ended bool, err error) {
	lost := false // a reply
	for range maxAttempts {
		var unknown error
		if version != 0 {
			err := m.call(ctx, "delete", id, func(ctx context.Context) error {
				return m.store.Delete(ctx, id, version)
			})
			switch {
			case err == nil, errors.Is(err, ErrPending):
				return true, err
			case errors.Is(err, ErrConflict):
				if err := backoff(ctx); err != nil {
					return false, fmt.Errorf("%w: %w", errMoves, err)
				}
			case ctx.Err() != nil:
				return false, err
			default:
				unknown = err // what is there now tells; a delete can be repeated
			}
		}
		at, mark, rec, err := m.resolve(ctx, id)
		switch {
		case errors.Is(err, ErrNotFound):
			return version != 0, onlyPending(err)
		case errors.Is(err, ErrUndecodable):
			return false, onlyPending(err) // nobody can use it either
		case err != nil:
			return false, err
		case mark != nil && !follow(mark, &rec):
			return false, nil
		case unknown != nil && lost:
			return false, unknown
		}
		id, version, lost = at, rec.Version, lost || unknown != nil
	}
	return false, errMoves
}

// resolve loads the truth under id. Where it finds a moved mark, which it
// returns too, it goes on to the record at the end of the marks.
func (m *Manager) resolve(ctx context.Context, id ID) (at ID, mark *Record, rec Record, err error) {
	var passed ID // one of those before, a later one each time their number doubles
	rec, err = m.loadSound(ctx, id)
	for hops := 0; err == nil && rec.MovedTo != ""; hops++ {
		switch {
		case rec.MovedTo == id || rec.MovedTo == passed:
			return id, mark, rec, fmt.Errorf("%w: the marks go round in a ring", ErrUndecodable)
		case hops == maxHops:
			return id, mark, rec, errMoves
		case hops&(hops-1) == 0:
			passed = id
		}
		if mark == nil {
			first := rec
			mark = &first
		}
		id = rec.MovedTo
		rec, err = m.loadSound(ctx, id)
	}
	return id, mark, rec, err
}

// loadSound is loadFresh of a record that a session can have.
func (m *Manager) loadSound(ctx context.Context, id ID) (Record, error) {
	rec, err := m.loadFresh(ctx, id)
	if err == nil {
		err = rec.check()
	}
	return rec, err
}

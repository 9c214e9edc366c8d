package transition_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// The actors do what the engine does with a Store, and judge what they see.

const (
	before = transition.Step(-1) // the old store alone
	step1  = transition.CreateInOld
	step2  = transition.CreateInNew
	after  = transition.Step(-2) // the new store alone
)

// attempts is more than the others can disturb.
const attempts = 8

func copier(name string) actor {
	return actor{name, true, func(ctx context.Context, w *world) {
		r, err := transition.CopyAll(ctx, w.gates[0], w.gates[1], transition.CopyOptions{Parallel: 1})
		w.reported(name, r, err)
	}}
}

// begins takes down what had been answered for before the first call of an actor.
func begins(ctx context.Context, w *world, known *truth) {
	r := runnerOf(ctx)
	r.first = func() {
		*known = w.now()
		fmt.Fprintf(&r.history, "%+v", *known)
	}
}

// reader is a request that loads.
func reader(name string) actor { return readsBy(name, func(w *world) loads { return w.stores[step2] }) }

type loads interface {
	Load(context.Context, session.ID) (session.Record, error)
}

func readsBy(name string, store func(*world) loads) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		var known truth
		begins(ctx, w, &known)
		rec, err := store(w).Load(ctx, sid)
		w.judge(name, known, func(id session.ID) (session.Record, error) {
			if id == sid {
				return rec, err
			}
			return store(w).Load(ctx, id)
		})
	}}
}

// gone is what an actor does that finds no session.
func (w *world) gone(name string) {
	if !w.now().deleting {
		w.fail("LOST: %s finds nothing", name)
	}
}

// writer is a request that changes the session.
func writer(name string, step transition.Step) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		s, known := w.stores[step], w.version
		for range attempts {
			err := s.Update(ctx, sid, w.record(known+1, name[0]), known)
			if err == nil {
				w.answered(known + 1)
				return
			}
			if errors.Is(err, session.ErrConflict) {
				var rec session.Record
				if rec, err = s.LoadFresh(ctx, sid); err == nil && rec.MovedTo != "" {
					return // renewed
				}
				known = rec.Version
			}
			switch {
			case errors.Is(err, session.ErrNotFound):
				w.gone(name)
				return
			case err != nil:
				w.failed(name, err)
				return
			}
		}
		w.fail("ENDLESS: %s never gets through", name)
	}}
}

func (w *world) answered(version uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = max(w.acked, version)
}

func (w *world) failed(name string, err error) {
	if !errors.Is(err, errFault) {
		w.fail("FAILED: %s: %v", name, err)
	}
}

// toucher is a request that only reads, when a touch is due.
func toucher(name string) actor {
	return touchesBy(name, func(ctx context.Context, w *world, seen, expires time.Time) error {
		return w.stores[step1].Touch(ctx, sid, seen, expires, w.version)
	})
}

func touchesBy(name string, touch func(ctx context.Context, w *world, seen, expires time.Time) error) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		seen := w.start.Add(time.Minute)
		if touch(ctx, w, seen, w.record(w.version, 'o').Expires.Add(time.Minute)) == nil {
			w.mu.Lock()
			w.touched = seen
			w.mu.Unlock()
		}
	}}
}

// ender is a sign-out.
func ender(name string, step transition.Step) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		w.ending()
		if w.end(ctx, w.stores[step], name, sid, w.version) {
			w.ended()
		}
	}}
}

func (w *world) ending() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deleting = true
}

func (w *world) ended() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}

// end ends a session and whatever a renewal makes of it.
func (w *world) end(ctx context.Context, s processStore, name string, id session.ID, version uint64) bool {
	for range attempts {
		err := s.Delete(ctx, id, version)
		for errors.Is(err, session.ErrConflict) {
			var rec session.Record
			if rec, err = s.LoadFresh(ctx, id); err == nil && rec.MovedTo != "" {
				id, err = rec.MovedTo, session.ErrConflict
			}
			version = rec.Version
			if err == nil {
				err = errAgain
			}
		}
		switch {
		case err == nil, errors.Is(err, session.ErrNotFound):
			return true
		case !errors.Is(err, errAgain):
			w.failed(name, err)
			return false
		}
	}
	w.fail("ENDLESS: %s never gets through", name)
	return false
}

var errAgain = errors.New("another version")

// renewer is a request that gets a new token: the successor is created, and then
// the session becomes a moved mark.
func renewer(name string, step transition.Step) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		w.mu.Lock()
		w.renewing = true
		w.mu.Unlock()
		s, known := w.stores[step], w.version
		if err := s.Create(ctx, successor, w.record(1, name[0])); err != nil {
			w.failed(name, err)
			return
		}
		for range attempts {
			err := s.Update(ctx, sid, w.movedMark(known+1), known)
			if err == nil {
				w.mu.Lock()
				w.moved = true
				w.mu.Unlock()
				return
			}
			if errors.Is(err, session.ErrConflict) {
				var rec session.Record
				rec, err = s.LoadFresh(ctx, sid)
				known = rec.Version
			}
			switch {
			case errors.Is(err, session.ErrNotFound):
				w.gone(name)
				w.end(ctx, s, name, successor, 1)
				return
			case err != nil:
				w.failed(name, err)
				return
			}
		}
		w.fail("ENDLESS: %s never gets through", name)
	}}
}

// revoker is a sign-out everywhere: it lists until nothing is left.
func revoker(name string, step transition.Step) actor {
	return revokesBy(name, func(ctx context.Context, w *world) ([]session.Stored, error) {
		page, _, err := w.stores[step].List(ctx, principal, "", 100)
		return page, err
	})
}

func revokesBy(name string, list func(context.Context, *world) ([]session.Stored, error)) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		w.ending()
		for range attempts {
			all, err := list(ctx, w)
			if err != nil {
				w.failed(name, err)
				return
			}
			if len(all) == 0 {
				w.ended()
				return
			}
			for _, r := range all {
				if !w.end(ctx, w.stores[step2], name, r.ID, r.Record.Version) {
					return
				}
			}
		}
		w.fail("ENDLESS: %s finds sessions again and again", name)
	}}
}

// creator is a sign-in.
func creator(name string, step transition.Step) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		if err := w.stores[step].Create(ctx, another, w.record(1, name[0])); err != nil {
			w.failed(name, err)
			return
		}
		w.mu.Lock()
		w.created = true
		w.mu.Unlock()
	}}
}

// visitor is the next request of who signs in, in another process.
func visitor(name string, store func(*world) loads) actor {
	return actor{name, false, func(ctx context.Context, w *world) {
		var known truth
		begins(ctx, w, &known)
		_, err := store(w).Load(ctx, another)
		if known.created && errors.Is(err, session.ErrNotFound) {
			w.fail("LOST: %s does not find a session that was created before", name)
		}
	}}
}

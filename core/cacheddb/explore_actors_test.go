package cacheddb_test

import (
	"context"
	"errors"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// The actors do what the engine does with a Store, and judge what they see.

// reader loads the given number of times, one after the other.
func reader(proc, name string, times int) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		for range times {
			load(ctx, w, p, name)
		}
	}}
}

// load is one load and its judgement: guarantees 2 to 5 of the README.
func load(ctx context.Context, w *world, p *process, name string) {
	var version uint64
	var dead bool
	var everywhere uint64
	var deadEverywhere bool
	var touched time.Time
	_ = w.scheduler.at(ctx, p, beginning, "begins", func() (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		version, dead, touched = p.acked, p.dead, w.touched
		for _, q := range w.processes {
			everywhere = max(everywhere, q.acked)
			deadEverywhere = deadEverywhere || q.dead
		}
		return describe(session.Record{Version: everywhere, Payload: nil, LastSeen: touched}, nil, w.scheduler.start), nil
	})
	rec, err := p.store.Load(ctx, sid)
	w.mu.Lock()
	if !w.scheduler.faulted {
		version, dead = everywhere, deadEverywhere
	}
	deleting, had := w.deleting, w.everHad[rec.Version]
	w.mu.Unlock()
	switch {
	case errors.Is(err, session.ErrNotFound):
		if !deleting {
			w.fail("LOST: %s found nothing", name)
		}
	case err != nil:
		if w.truthFaults == 0 {
			w.fail("FAILED: %s: %v", name, err)
		}
	case dead:
		w.fail("RESURRECTED: %s returned version %d after the delete was answered", name, rec.Version)
	case rec.Version < version:
		w.fail("STALE: %s returned version %d, %d was answered before it began", name, rec.Version, version)
	case rec.Expires.After(had):
		w.fail("LENGTHENED: %s returned version %d with an expiry that it never had", name, rec.Version)
	case string(rec.Payload) != string(w.record(rec.Version).Payload):
		w.fail("MIXED: %s returned version %d with %q", name, rec.Version, rec.Payload)
	case rec.LastSeen.Before(touched) && rec.Version == 1 && !w.scheduler.faulted:
		w.fail("UNTOUCHED: %s returned a time before that of an answered touch", name)
	}
}

// writer is a request that changes the session: from the version it knows, it
// compares and sets, and on a conflict or an unknown outcome reads the truth.
func writer(proc, name string, mark byte) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		known := uint64(1)
		uncertain := false
		for range 4 {
			rec := w.record(known + 1)
			rec.Mark[0] = mark
			err := p.store.Update(ctx, sid, rec, known)
			switch {
			case err == nil:
				w.answered(p, rec.Version)
				return
			case errors.Is(err, session.ErrNotFound):
				return
			case !errors.Is(err, session.ErrConflict):
				uncertain = true
			}
			now, err := p.store.LoadFresh(w.freshly(ctx), sid)
			switch {
			case err != nil:
				return
			case uncertain && now.Mark[0] == mark:
				w.answered(p, now.Version)
				return
			}
			known = now.Version
		}
	}}
}

// deleter is a logout.
func deleter(proc, name string) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		known := uint64(1)
		for range 4 {
			w.mu.Lock()
			w.deleting = true
			w.mu.Unlock()
			err := p.store.Delete(ctx, sid, known)
			if err == nil || errors.Is(err, session.ErrPending) {
				w.ended(p)
				return
			}
			now, err := p.store.LoadFresh(w.freshly(ctx), sid)
			switch {
			case errors.Is(err, session.ErrNotFound):
				w.ended(p)
				return
			case err != nil:
				return
			}
			known = now.Version
		}
	}}
}

// toucher is a request that only reads, when a touch is due.
func toucher(proc, name string) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		seen := w.scheduler.start.Add(time.Minute)
		if p.store.Touch(ctx, sid, seen, w.record(1).Expires.Add(time.Minute), 1) == nil {
			w.mu.Lock()
			w.touched = seen
			w.mu.Unlock()
		}
	}}
}

// cacheFirstDeleter is a logout that cleans the cache before the database.
func cacheFirstDeleter(proc, name string) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		w.mu.Lock()
		w.deleting = true
		w.mu.Unlock()
		_ = p.cache.Remove(ctx, sid)
		if p.truth.Delete(ctx, sid, 1) == nil {
			w.ended(p)
		}
	}}
}

// cacheFirstWriter changes the cache before the database.
func cacheFirstWriter(proc, name string, mark byte) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		rec := w.record(2)
		rec.Mark[0] = mark
		_ = p.cache.Replace(ctx, sid, session.Cached{Record: rec, Checked: time.Now()})
		if p.truth.Update(ctx, sid, rec, 1) == nil {
			w.answered(p, 2)
		}
	}}
}

// aloneWriter is a process that does not know of the cache.
func aloneWriter(proc, name string, mark byte) actor {
	return actor{name, proc, func(ctx context.Context, w *world, p *process) {
		rec := w.record(2)
		rec.Mark[0] = mark
		if p.truth.Update(ctx, sid, rec, 1) == nil {
			w.answered(p, 2)
		}
	}}
}

func (w *world) freshly(ctx context.Context) context.Context {
	if w.deaf {
		return context.WithValue(ctx, deafKey{}, true)
	}
	return ctx
}

func (w *world) answered(p *process, version uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.acked = max(p.acked, version)
}

func (w *world) ended(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.dead = true
}

package storetest

import (
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// touches lets how change a record on every touch; it tells whether to store it.
func touches(how func(r *rec, exists bool, lastSeen, expires time.Time, v uint64) bool) func(*broken) {
	return func(b *broken) {
		b.touch = func(ctx ctxt, i id, lastSeen, expires time.Time, v uint64) error {
			r, err := b.MemoryStore.Load(ctx, i)
			if !how(&r, err == nil, lastSeen, expires, v) {
				return b.MemoryStore.Touch(ctx, i, lastSeen, expires, v)
			}
			return b.force(ctx, i, r)
		}
	}
}

func setTimes(r *rec, lastSeen, expires time.Time) bool {
	r.LastSeen, r.Expires = lastSeen, expires
	return true
}

var touchFaults = []fault{
	{"touch is a version", "Touch/moves LastSeen and Expires forward and changes nothing else", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		r.Version++
		return exists && r.Version == v+1 && setTimes(r, l, e)
	})},
	{"touch does nothing", "Touch/moves LastSeen and Expires forward and changes nothing else", touches(func(r *rec, exists bool, _, _ time.Time, _ uint64) bool { return exists })},
	{"touch changes the mark", "Touch/moves LastSeen and Expires forward and changes nothing else", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		r.Mark = newMark()
		return exists && r.Version == v && setTimes(r, l, e)
	})},
	{"touch sets what it is given", "Touch/never moves backwards", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		return exists && r.Version == v && setTimes(r, l, e)
	})},
	{"touch judges both times by one", "Touch/moves each time on its own", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		return exists && r.Version == v && (!l.After(r.LastSeen) || setTimes(r, l, e))
	})},
	{"touch counts in seconds", "Touch/moves by a microsecond", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		return exists && r.Version == v && (e.Sub(r.Expires) < time.Second || setTimes(r, l, e))
	})},
	{"touch counts in floating point", "Touch/moves by a microsecond", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		return exists && r.Version == v && float32(e.UnixMicro()) <= float32(r.Expires.UnixMicro())
	})},
	{"touch is a write to the next update", "Touch/is no data write: an update of the same version follows", func(b *broken) {
		var m sync.Map
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
			m.Store(i, true)
			return b.MemoryStore.Touch(ctx, i, l, e, v)
		}
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			if _, touched := m.LoadAndDelete(i); touched {
				return session.ErrConflict
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}},
	{"touch does not mind the version", "Touch/of another version has no effect", anyVersion},
	{"touch of another version is a conflict", "Touch/of another version has no effect", func(b *broken) {
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
			if r, err := b.MemoryStore.Load(ctx, i); err == nil && r.Version != v {
				return session.ErrConflict
			}
			return b.MemoryStore.Touch(ctx, i, l, e, v)
		}
	}},
	{"touch lengthens what is newer", "Touch/never lengthens what an update shortened", anyVersion},
	{"touch keeps marks", "Touch/does not move a mark left by a renewal", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		return exists && r.MovedTo != "" && setTimes(r, l, e)
	})},
	{"touch creates", "Touch/of nothing stores nothing and is no error", touches(func(r *rec, exists bool, l, e time.Time, v uint64) bool {
		r.Version = v
		return !exists && setTimes(r, l, e)
	})},
	{"touch of nothing is ErrNotFound", "Touch/of nothing stores nothing and is no error", func(b *broken) {
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
			if _, err := b.MemoryStore.Load(ctx, i); err != nil {
				return err
			}
			return b.MemoryStore.Touch(ctx, i, l, e, v)
		}
	}},
	{"touch revives what it touched before", "Touch/never revives a deleted record", func(b *broken) {
		var m sync.Map
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
			if r, err := b.MemoryStore.Load(ctx, i); err == nil {
				m.Store(i, r)
			} else if r, ok := m.Load(i); ok {
				return b.MemoryStore.Create(ctx, i, r.(rec))
			}
			return b.MemoryStore.Touch(ctx, i, l, e, v)
		}
	}},
	{"touch touches everybody's", "Touch/touches no other record", func(b *broken) {
		b.touch = func(ctx ctxt, _ id, l, e time.Time, v uint64) error {
			for _, r := range b.all(ctx) {
				_ = b.MemoryStore.Touch(ctx, r.ID, l, e, v)
			}
			return nil
		}
	}},
}

func anyVersion(b *broken) {
	b.touch = func(ctx ctxt, i id, l, e time.Time, _ uint64) error {
		r, err := b.MemoryStore.Load(ctx, i)
		if err != nil {
			return nil
		}
		return b.MemoryStore.Touch(ctx, i, l, e, r.Version)
	}
}

var deleteFaults = []fault{
	{"delete does nothing", "Delete/removes the record", func(b *broken) {
		b.remove = func(ctxt, id, uint64) error { return nil }
	}},
	{"delete does not mind the version", "Delete/of another version is ErrConflict and changes nothing", func(b *broken) {
		b.remove = func(ctx ctxt, i id, _ uint64) error { b.drop(ctx, i); return ctx.Err() }
	}},
	{"a refused delete is no error", "Delete/of another version is ErrConflict and changes nothing", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error { _ = b.MemoryStore.Delete(ctx, i, v); return ctx.Err() }
	}},
	{"delete of nothing is ErrNotFound", "Delete/of nothing is no error", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			if _, err := b.MemoryStore.Load(ctx, i); err != nil {
				return err
			}
			return b.MemoryStore.Delete(ctx, i, v)
		}
	}},
	{"a touched record cannot be deleted", "Delete/follows a touch, which is no new version", func(b *broken) {
		var m sync.Map
		b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
			m.Store(i, true)
			return b.MemoryStore.Touch(ctx, i, l, e, v)
		}
		b.remove = func(ctx ctxt, i id, v uint64) error {
			if _, touched := m.Load(i); touched {
				return session.ErrConflict
			}
			return b.MemoryStore.Delete(ctx, i, v)
		}
	}},
	{"delete removes everybody's", "Delete/removes no other record", func(b *broken) {
		b.remove = func(ctx ctxt, _ id, v uint64) error {
			for _, r := range b.all(ctx) {
				_ = b.MemoryStore.Delete(ctx, r.ID, v)
			}
			return nil
		}
	}},
}

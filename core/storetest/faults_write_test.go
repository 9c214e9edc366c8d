package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

type (
	ctxt = context.Context
	id   = session.ID
	rec  = session.Record
)

var errOther = errors.New("sql: no rows in result set")

// tombs remembers the IDs that were deleted.
type tombs struct{ m sync.Map }

func (d *tombs) watch(b *broken) {
	remove := b.remove
	b.remove = func(ctx ctxt, i id, v uint64) error {
		err := remove(ctx, i, v)
		if err == nil {
			d.m.Store(i, true)
		}
		return err
	}
}

func (d *tombs) has(i id) bool { _, ok := d.m.Load(i); return ok }

// overwrites makes Create overwrite the records that it says.
func overwrites(which func(old rec) bool) func(*broken) {
	return func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			if old, err := b.MemoryStore.Load(ctx, i); err == nil && which(old) {
				return b.force(ctx, i, r)
			}
			return b.MemoryStore.Create(ctx, i, r)
		}
	}
}

var createFaults = []fault{
	{"an unknown record is an error of the driver", "Load/of an unknown ID is ErrNotFound", func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if err != nil {
				err = errOther
			}
			return r, err
		}
	}},
	{"a record can be read once", "Load/returns the record as created, again and again", func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			b.drop(ctx, i)
			return r, err
		}
	}},
	{"create overwrites", "Create/of a used ID is ErrExists and changes nothing", overwrites(func(rec) bool { return true })},
	{"create says nothing of a used ID", "Create/of a used ID is ErrExists and changes nothing", func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			_ = b.MemoryStore.Create(ctx, i, r)
			return nil
		}
	}},
	{"create overwrites and says ErrExists", "Create/of a used ID is ErrExists and changes nothing", func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			err := b.MemoryStore.Create(ctx, i, r)
			if err != nil {
				_ = b.force(ctx, i, r)
			}
			return err
		}
	}},
	{"create overwrites what expired", "Create/of an ID used by an expired record is ErrExists and changes nothing",
		overwrites(func(old rec) bool { return time.Now().After(old.Expires) })},
	{"create overwrites marks", "Create/of an ID used by a moved mark is ErrExists and changes nothing",
		overwrites(func(old rec) bool { return old.MovedTo != "" })},
	{"an ID is used up by its deletion", "Create/can use the ID of a deleted record", func(b *broken) {
		var d tombs
		d.watch(b)
		b.create = func(ctx ctxt, i id, r rec) error {
			if d.has(i) {
				return session.ErrExists
			}
			return b.MemoryStore.Create(ctx, i, r)
		}
	}},
	{"create begins with version 1", "Create/stores the version it is given", func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			r.Version = 1
			return b.MemoryStore.Create(ctx, i, r)
		}
	}},
	{"load hides what expired", "Expiry/is not the store's affair: an expired record is loaded as stored", hides(func(r rec) time.Time { return r.Expires })},
	{"load hides whose lifetime is over", "Expiry/of the lifetime is not the store's affair either", hides(func(r rec) time.Time { return r.LifetimeEnd })},
	{"update drops what it made expire", "Expiry/by an update leaves the record there", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			err := b.MemoryStore.Update(ctx, i, r, v)
			if err == nil && r.Expires.Before(time.Now()) {
				b.drop(ctx, i)
			}
			return err
		}
	}},
	{"an expired record cannot be updated", "Expiry/does not keep a record from being updated", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			if old, err := b.MemoryStore.Load(ctx, i); err == nil && old.Expires.Before(time.Now()) {
				return session.ErrNotFound
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}},
	{"an expired record cannot be deleted", "Expiry/does not keep a record from being deleted", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			if old, err := b.MemoryStore.Load(ctx, i); err == nil && old.Expires.Before(time.Now()) {
				return nil
			}
			return b.MemoryStore.Delete(ctx, i, v)
		}
	}},
	{"update keeps the time to live of before", "Expiry/moved back by an update, and the record stays", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			old, err := b.MemoryStore.Load(ctx, i)
			if err == nil && r.Expires.After(old.Expires) {
				r.Expires = old.Expires
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}},
}

func hides(end func(rec) time.Time) func(*broken) {
	return func(b *broken) {
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if err == nil && end(r).Before(time.Now()) {
				return rec{}, session.ErrNotFound
			}
			return r, err
		}
	}
}

// updates changes what Update stores, knowing what is stored.
func updates(how func(old, r *rec)) func(*broken) {
	return func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			if old, err := b.MemoryStore.Load(ctx, i); err == nil {
				how(&old, &r)
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}
}

// accepts makes Update write over versions that it must not.
func accepts(which func(stored, ifVersion uint64) bool) func(*broken) {
	return func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			old, err := b.MemoryStore.Load(ctx, i)
			if err == nil && which(old.Version, v) {
				return b.force(ctx, i, r)
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}
}

var updateFaults = []fault{
	{"update creates", "Update/never creates", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			if err := b.MemoryStore.Update(ctx, i, r, v); !errors.Is(err, session.ErrNotFound) {
				return err
			}
			return b.MemoryStore.Create(ctx, i, r)
		}
	}},
	{"update creates and says ErrNotFound", "Update/never creates", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			err := b.MemoryStore.Update(ctx, i, r, v)
			if errors.Is(err, session.ErrNotFound) {
				_ = b.MemoryStore.Create(ctx, i, r)
			}
			return err
		}
	}},
	{"update of nothing is a conflict", "Update/never creates", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			err := b.MemoryStore.Update(ctx, i, r, v)
			if errors.Is(err, session.ErrNotFound) {
				err = session.ErrConflict
			}
			return err
		}
	}},
	{"update revives what was deleted", "Update/never creates where a record was deleted", func(b *broken) {
		var d tombs
		d.watch(b)
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			err := b.MemoryStore.Update(ctx, i, r, v)
			if errors.Is(err, session.ErrNotFound) && d.has(i) {
				return b.MemoryStore.Create(ctx, i, r)
			}
			return err
		}
	}},
	{"update overwrites any version", "Update/of another version is ErrConflict and changes nothing", accepts(func(_, _ uint64) bool { return true })},
	{"update overwrites what is newer", "Update/of a version that was current before is ErrConflict", accepts(func(stored, v uint64) bool { return v < stored })},
	{"update overwrites what is older", "Update/of another version is ErrConflict and changes nothing", accepts(func(stored, v uint64) bool { return v > stored })},
	{"update compares versions modulo a power of two", "Update/of another version is ErrConflict and changes nothing",
		accepts(func(stored, v uint64) bool { return v == 0 || uint32(stored) == uint32(v) })},
	{"a conflict is no row, so the record is gone", "Update/of another version is ErrConflict and changes nothing", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			err := b.MemoryStore.Update(ctx, i, r, v)
			if errors.Is(err, session.ErrConflict) {
				err = session.ErrNotFound
			}
			return err
		}
	}},
	{"a refused update still moves the times", "Update/of another version is ErrConflict and changes nothing", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			if old, err := b.MemoryStore.Load(ctx, i); err == nil {
				_ = b.MemoryStore.Touch(ctx, i, r.LastSeen, r.Expires, old.Version)
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}},
	{"update leaves the device", "Update/replaces every field", updates(func(old, r *rec) { r.Device = old.Device })},
	{"update leaves the mark", "Update/replaces every field", updates(func(old, r *rec) { r.Mark = old.Mark })},
	{"update skips zero values", "Update/replaces every field", updates(func(old, r *rec) {
		r.Persistent = r.Persistent || old.Persistent
		if r.IdleTimeout == 0 {
			r.IdleTimeout = old.IdleTimeout
		}
	})},
	{"update skips an empty payload", "Update/takes a larger and a smaller payload", updates(func(old, r *rec) {
		if len(r.Payload) == 0 {
			r.Payload = old.Payload
		}
	})},
	{"update lowers LastSeen", "Update/never lowers LastSeen, and takes all else", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			old, err := b.MemoryStore.Load(ctx, i)
			if err != nil || old.Version != v {
				return b.MemoryStore.Update(ctx, i, r, v)
			}
			return b.force(ctx, i, r)
		}
	}},
	{"update keeps the later Expires too", "Update/never lowers LastSeen, and takes all else", updates(func(old, r *rec) {
		if old.Expires.After(r.Expires) {
			r.Expires = old.Expires
		}
	})},
	{"update leaves LastSeen", "Update/raises LastSeen", updates(func(old, r *rec) { r.LastSeen = old.LastSeen })},
	{"update never shortens", "Update/may shorten and lengthen Expires", updates(func(old, r *rec) {
		if old.Expires.After(r.Expires) {
			r.Expires = old.Expires
		}
	})},
	{"update counts versions itself", "Update/stores the version it is given", updates(func(old, r *rec) { r.Version = old.Version + 1 })},
	{"update leaves the principal", "Update/turns a record into a moved mark", updates(func(old, r *rec) { r.Principal = old.Principal })},
	{"update leaves no trace of the move", "Update/turns a record into a moved mark", updates(func(_, r *rec) { r.MovedTo = "" })},
	{"update writes everybody's", "Update/touches no other record", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			for _, other := range b.all(ctx) {
				if other.ID != i {
					_ = b.MemoryStore.Update(ctx, other.ID, r, v)
				}
			}
			return b.MemoryStore.Update(ctx, i, r, v)
		}
	}},
}

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

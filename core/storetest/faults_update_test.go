package storetest

import (
	"errors"

	"github.com/seshat-go/seshat/core/session"
)

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
	{
		"update compares versions modulo a power of two", "Update/of another version is ErrConflict and changes nothing",
		accepts(func(stored, v uint64) bool { return v == 0 || uint32(stored) == uint32(v) }),
	},
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

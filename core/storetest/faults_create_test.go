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
	{
		"create overwrites what expired", "Create/of an ID used by an expired record is ErrExists and changes nothing",
		overwrites(func(old rec) bool { return time.Now().After(old.Expires) }),
	},
	{
		"create overwrites marks", "Create/of an ID used by a moved mark is ErrExists and changes nothing",
		overwrites(func(old rec) bool { return old.MovedTo != "" }),
	},
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

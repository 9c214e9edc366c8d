package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// split makes Update read, compare and write in steps.
func split(b *broken) {
	b.update = func(ctx ctxt, i id, r rec, v uint64) error {
		old, err := b.MemoryStore.Load(ctx, i)
		if err != nil {
			return err
		}
		if old.Version != v {
			return session.ErrConflict
		}
		b.wait()
		return b.force(ctx, i, r)
	}
}

// splitTouch makes Touch read and write in steps.
func splitTouch(b *broken) {
	b.touch = func(ctx ctxt, i id, l, e time.Time, v uint64) error {
		r, err := b.MemoryStore.Load(ctx, i)
		if err != nil || r.Version != v {
			return nil
		}
		b.wait()
		if l.After(r.LastSeen) {
			r.LastSeen = l
		}
		if e.After(r.Expires) {
			r.Expires = e
		}
		return b.force(ctx, i, r)
	}
}

var raceFaults = []fault{
	{"create looks first", "Race/of creates has one winner, whose record stays", func(b *broken) {
		b.create = func(ctx ctxt, i id, r rec) error {
			if _, err := b.MemoryStore.Load(ctx, i); err == nil {
				return session.ErrExists
			}
			b.wait()
			return b.force(ctx, i, r)
		}
	}},
	{"update looks first", "Race/of updates of one version has one winner, whose record stays", split},
	{"the counter's update looks first", "Race/of counters loses no count", split},
	{"every update is a conflict", "Race/of counters loses no count", func(b *broken) {
		b.update = func(ctxt, id, rec, uint64) error { return session.ErrConflict }
	}},
	{"update looks first, and a delete comes between", "Race/of an update and a delete never revives the record", split},
	{"delete looks first", "Race/of an update and a delete never revives the record", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			old, err := b.MemoryStore.Load(ctx, i)
			if err != nil {
				return nil
			}
			if old.Version != v {
				return session.ErrConflict
			}
			b.wait()
			b.drop(ctx, i)
			return nil
		}
	}},
	{"a late update writes into what was created", "Race/of a create and a late update leaves what was created", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			old, err := b.MemoryStore.Load(ctx, i)
			for range 100 {
				if err == nil {
					break
				}
				b.wait()
				old, err = b.MemoryStore.Load(ctx, i)
			}
			if err != nil {
				return err
			}
			return b.MemoryStore.Update(ctx, i, r, old.Version)
		}
	}},
	{"a second delete fails", "Race/of deletes ends without an error", func(b *broken) {
		b.remove = func(ctx ctxt, i id, v uint64) error {
			if _, err := b.MemoryStore.Load(ctx, i); err != nil {
				return nil
			}
			b.wait()
			if _, err := b.MemoryStore.Load(ctx, i); err != nil {
				return errOther
			}
			return b.MemoryStore.Delete(ctx, i, v)
		}
	}},
	{"touch looks first, and a delete comes between", "Race/of a touch and a delete never revives the record", splitTouch},
	{"touch looks first, and an update comes between", "Race/of a touch and an update never moves what the update wrote", splitTouch},
	{"touch looks first, and another touch comes between", "Race/of touches ends with the latest times", splitTouch},
	{"a record is written in two steps", "Race/of readers and a writer shows whole records only", func(b *broken) {
		b.update = func(ctx ctxt, i id, r rec, v uint64) error {
			half := r
			half.Version, half.Payload = v, []byte("half")
			first := r
			first.Version, first.Device = v+1, session.Device{}
			if err := b.MemoryStore.Update(ctx, i, first, v); err != nil {
				return err
			}
			b.wait()
			return b.force(ctx, i, r)
		}
	}},
}

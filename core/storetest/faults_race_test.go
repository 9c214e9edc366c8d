package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
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

var purgeFaults = []fault{
	{"purge does nothing", "Purger/deletes what expired before the given time and nothing else", func(b *broken) {
		b.purge = func(ctx ctxt, _ time.Time, _ int) (int, error) { return 0, ctx.Err() }
	}},
	{"purge takes what expires at the time", "Purger/deletes what expired before the given time and nothing else", func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, limit int) (int, error) {
			return b.MemoryStore.Purge(ctx, before.Add(time.Microsecond), limit)
		}
	}},
	{"purge counts in minutes", "Purger/deletes what expired before the given time and nothing else", func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, limit int) (int, error) {
			return b.MemoryStore.Purge(ctx, before.Truncate(time.Hour), limit)
		}
	}},
	{"purge has no limit", "Purger/works in batches of at most limit and says how many", func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, _ int) (int, error) { return b.MemoryStore.Purge(ctx, before, 1e6) }
	}},
	{"purge says one too few", "Purger/works in batches of at most limit and says how many", func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, limit int) (int, error) {
			n, err := b.MemoryStore.Purge(ctx, before, limit)
			return max(0, n-1), err
		}
	}},
	{"purge goes by the first Expires", "Purger/spares what was touched or updated to expire later", firstExpires},
	{"purge goes by the first Expires, which was later", "Purger/deletes what an update made expire earlier", firstExpires},
	{"purge takes sessions of users only", "Purger/deletes moved marks and anonymous records too", purgesIf(func(r rec) bool { return r.Principal != "" })},
	{"purge leaves the index", "Purger/leaves nothing in lists", func(b *broken) {
		var first sync.Map
		b.create = func(ctx ctxt, i id, r rec) error {
			first.Store(i, r)
			return b.MemoryStore.Create(ctx, i, r)
		}
		lists(func(b *broken, _ ctxt, p string) (all []session.Stored) {
			first.Range(func(i, r any) bool {
				all = append(all, session.Stored{ID: i.(id), Record: r.(rec)})
				return true
			})
			return bare(all)
		})(b)
	}},
	{"purge empties records instead", "Purger/leaves the ID free, and no update or touch brings the record back", func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, limit int) (n int, _ error) {
			for _, r := range b.all(ctx) {
				if r.Record.Expires.Before(before) {
					r.Record.Payload = nil
					_ = b.force(ctx, r.ID, r.Record)
					n++
				}
			}
			return n, ctx.Err()
		}
	}},
	{"purge looks first, and a touch comes between", "Purger/beside a touch: the record is touched or gone, and the number is right", splitPurge},
	{"purge looks first, and an update comes between", "Purger/beside an update: the record is updated or gone, and the number is right", splitPurge},
	{"purge counts what another purged", "Purger/beside itself deletes each record once", splitPurge},
}

// firstExpires purges by the times that records were created with.
func firstExpires(b *broken) {
	var first sync.Map
	b.create = func(ctx ctxt, i id, r rec) error {
		first.Store(i, r.Expires)
		return b.MemoryStore.Create(ctx, i, r)
	}
	b.purge = func(ctx ctxt, before time.Time, _ int) (n int, _ error) {
		for _, r := range b.all(ctx) {
			if at, ok := first.Load(r.ID); ok && at.(time.Time).Before(before) {
				b.drop(ctx, r.ID)
				n++
			}
		}
		return n, ctx.Err()
	}
}

// purgesIf purges of the expired records those that which selects.
func purgesIf(which func(rec) bool) func(*broken) {
	return func(b *broken) {
		b.purge = func(ctx ctxt, before time.Time, limit int) (n int, _ error) {
			for _, r := range b.all(ctx) {
				if n < limit && r.Record.Expires.Before(before) && which(r.Record) {
					b.drop(ctx, r.ID)
					n++
				}
			}
			return n, ctx.Err()
		}
	}
}

// splitPurge finds the expired records first and deletes them then.
func splitPurge(b *broken) {
	b.purge = func(ctx ctxt, before time.Time, limit int) (int, error) {
		all := slices.DeleteFunc(b.all(ctx), func(s session.Stored) bool { return !s.Record.Expires.Before(before) })
		all = all[:min(limit, len(all))]
		b.wait()
		for _, r := range all {
			b.drop(ctx, r.ID)
		}
		return len(all), ctx.Err()
	}
}

// scans changes the pages of Scan.
func scans(how func(page []session.Stored) []session.Stored) func(*broken) {
	return func(b *broken) {
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			page, next, err := b.MemoryStore.Scan(ctx, after, limit)
			return how(page), next, err
		}
	}
}

func without(which func(r rec) bool) func([]session.Stored) []session.Stored {
	return func(page []session.Stored) []session.Stored {
		return slices.DeleteFunc(page, func(s session.Stored) bool { return which(s.Record) })
	}
}

var scanFaults = []fault{
	{"a scan of nothing finds something", "Scanner/of an empty store is empty", scans(func(page []session.Stored) []session.Stored {
		return append(page, session.Stored{})
	})},
	{"scans lack marks", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.MovedTo != "" }))},
	{"scans lack anonymous records", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.Principal == "" && r.MovedTo == "" }))},
	{"scans lack expired records", "Scanner/returns all records whole, whatever the size of a page", scans(without(func(r rec) bool { return r.Expires.Before(time.Now()) }))},
	{"scans lack payloads", "Scanner/returns all records whole, whatever the size of a page", scans(bare)},
	{"scans lack the first of each page", "Scanner/returns all records whole, whatever the size of a page", scans(func(page []session.Stored) []session.Stored {
		return page[min(1, len(page)):]
	})},
	{"scans show deleted records", "Scanner/has no deleted record", func(b *broken) {
		var created []session.Stored
		b.create = func(ctx ctxt, i id, r rec) error {
			created = append(created, session.Stored{ID: i, Record: r})
			return b.MemoryStore.Create(ctx, i, r)
		}
		b.scan = func(ctx ctxt, _ string, _ int) ([]session.Stored, string, error) {
			all := b.all(ctx)
			for _, c := range created {
				if !slices.ContainsFunc(all, func(s session.Stored) bool { return s.ID == c.ID }) {
					all = append(all, c)
				}
			}
			return all, "", ctx.Err()
		}
	}},
	{"the cursor of a scan is a position", "Scanner/walks on while records come and go", func(b *broken) {
		lists(func(b *broken, ctx ctxt, _ string) []session.Stored {
			all := b.all(ctx)
			slices.SortFunc(all, func(a, b session.Stored) int { return a.Record.Created.Compare(b.Record.Created) })
			return all
		})(b)
		page := b.list
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			return page(ctx, "", after, limit)
		}
	}},
	{"scans hand out the payload kept", "Scanner/shares no memory with the store", func(b *broken) {
		var m sync.Map
		b.load = func(ctx ctxt, i id) (rec, error) {
			r, err := b.MemoryStore.Load(ctx, i)
			if p, ok := m.Load(i); ok {
				r.Payload = p.([]byte)
			}
			return r, err
		}
		b.scan = func(ctx ctxt, after string, limit int) ([]session.Stored, string, error) {
			page, next, err := b.MemoryStore.Scan(ctx, after, limit)
			for _, r := range page {
				m.Store(r.ID, r.Record.Payload)
			}
			return page, next, err
		}
	}},
	{"the server cannot be reached", "Pinger/reaches the store", func(b *broken) {
		b.ping = func(context.Context) error { return errors.New("connection refused") }
	}},
	{"the configuration is refused", "Validator/accepts what open made", func(b *broken) {
		b.valid = func() error { return session.ErrInvalid }
	}},
}

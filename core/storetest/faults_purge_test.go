package storetest

import (
	"slices"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

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

package storetest

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A broken store is a memory store of which single methods were replaced.
type broken struct {
	*session.MemoryStore // the sound one beneath, for the methods that replace its own
	gap

	load   func(ctx context.Context, id session.ID) (session.Record, error)
	create func(ctx context.Context, id session.ID, rec session.Record) error
	update func(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error
	touch  func(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error
	remove func(ctx context.Context, id session.ID, ifVersion uint64) error
	list   func(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error)
	purge  func(ctx context.Context, before time.Time, limit int) (int, error)
	scan   func(ctx context.Context, after string, limit int) ([]session.Stored, string, error)
	ping   func(ctx context.Context) error
	valid  func() error
}

func newBroken(how func(b *broken)) *broken {
	m := session.NewMemoryStore(session.MemoryOptions{})
	b := &broken{
		MemoryStore: m, load: m.Load, create: m.Create, update: m.Update, touch: m.Touch, remove: m.Delete,
		list: m.List, purge: m.Purge, scan: m.Scan, ping: m.Ping, valid: m.Validate,
	}
	how(b)
	return b
}

func (b *broken) Load(ctx context.Context, id session.ID) (session.Record, error) {
	defer b.finished.Add(1)
	return b.load(ctx, id)
}

func (b *broken) Create(ctx context.Context, id session.ID, rec session.Record) error {
	defer b.finished.Add(1)
	return b.create(ctx, id, rec)
}

func (b *broken) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	defer b.finished.Add(1)
	return b.update(ctx, id, rec, ifVersion)
}

func (b *broken) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	defer b.finished.Add(1)
	return b.touch(ctx, id, lastSeen, expires, ifVersion)
}

func (b *broken) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	defer b.finished.Add(1)
	return b.remove(ctx, id, ifVersion)
}

func (b *broken) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	return b.list(ctx, principal, after, limit)
}

func (b *broken) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	defer b.finished.Add(1)
	return b.purge(ctx, before, limit)
}

func (b *broken) Scan(ctx context.Context, after string, limit int) ([]session.Stored, string, error) {
	return b.scan(ctx, after, limit)
}
func (b *broken) Ping(ctx context.Context) error { return b.ping(ctx) }
func (b *broken) Validate() error                { return b.valid() }

// force stores rec whatever is there.
func (b *broken) force(ctx context.Context, id session.ID, rec session.Record) error {
	for ctx.Err() == nil && id.Valid() {
		b.drop(ctx, id)
		if b.MemoryStore.Create(ctx, id, rec) == nil {
			return nil
		}
	}
	return ctx.Err()
}

// drop removes the record whatever its version.
func (b *broken) drop(ctx context.Context, id session.ID) {
	for {
		rec, err := b.MemoryStore.Load(ctx, id)
		if err != nil || b.MemoryStore.Delete(ctx, id, rec.Version) == nil {
			return
		}
	}
}

// all returns everything that is stored.
func (b *broken) all(ctx context.Context) []session.Stored {
	all, _, _ := b.MemoryStore.Scan(ctx, "", 1_000_000)
	return all
}

// A gap is the time between reading and writing in a store that is not atomic.
type gap struct{ inside, finished atomic.Int64 }

// wait waits for a rival: until another call is in the gap too or has finished
// meanwhile. It gives up after a while, for there may be none.
func (g *gap) wait() {
	defer g.inside.Add(-1)
	finished := g.finished.Load()
	if g.inside.Add(1) > 1 {
		return
	}
	for range 20_000 {
		if g.inside.Load() > 1 || g.finished.Load() != finished {
			return
		}
		runtime.Gosched()
	}
}

package model_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// A brokenStore is a memory store that was made wrong in one way. It knows what
// it held before.
type brokenStore struct {
	*session.MemoryStore
	wrong storeFault

	mu    sync.Mutex
	past  map[session.ID][]session.Record
	calls int
}

type storeFault string

const (
	updateCreates    storeFault = "an update creates what is gone"
	updateOverwrites storeFault = "an update overwrites any version"
	updateLooksFirst storeFault = "an update compares first and writes then"
	createOverwrites storeFault = "a create overwrites"
	touchRevives     storeFault = "a touch revives what is gone"
	touchRestores    storeFault = "a touch writes the whole record that it was for"
	loadIsStale      storeFault = "a load may return what was there before"
	deleteIsLost     storeFault = "a delete may do nothing"
	deleteIsBlind    storeFault = "a delete deletes any version"
	listForgets      storeFault = "a list may leave out a record"
)

var storeFaults = []storeFault{
	updateCreates, updateOverwrites, updateLooksFirst, createOverwrites, touchRevives, touchRestores, loadIsStale,
	deleteIsLost, deleteIsBlind, listForgets,
}

func newBrokenStore(wrong storeFault) *brokenStore {
	return &brokenStore{MemoryStore: newMemory(), wrong: wrong, past: map[session.ID][]session.Record{}}
}

// remember keeps what is under an ID, before it changes.
func (b *brokenStore) remember(id session.ID) {
	if r, err := b.MemoryStore.Load(context.Background(), id); err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.past[id] = append(b.past[id], r)
	}
}

func (b *brokenStore) last(id session.ID) (r session.Record, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.past[id]; len(p) > 0 {
		return p[len(p)-1], true
	}
	return r, false
}

// each tells whether this is one of every n calls.
func (b *brokenStore) each(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	return b.calls%n == 0
}

// force puts a record there, whatever there is.
func (b *brokenStore) force(id session.ID, r session.Record) error {
	ctx := context.Background()
	for {
		if was, err := b.MemoryStore.Load(ctx, id); err == nil {
			_ = b.MemoryStore.Delete(ctx, id, was.Version)
		}
		if err := b.MemoryStore.Create(ctx, id, r); !errors.Is(err, session.ErrExists) {
			return err
		}
	}
}

func (b *brokenStore) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if r, ok := b.last(id); ok && b.wrong == loadIsStale && b.each(10) {
		return r, nil
	}
	return b.MemoryStore.Load(ctx, id)
}

func (b *brokenStore) Create(ctx context.Context, id session.ID, r session.Record) error {
	if b.wrong == createOverwrites {
		return b.force(id, r)
	}
	return b.MemoryStore.Create(ctx, id, r)
}

func (b *brokenStore) Update(ctx context.Context, id session.ID, r session.Record, v uint64) error {
	b.remember(id)
	switch b.wrong {
	case updateOverwrites:
		if _, err := b.MemoryStore.Load(ctx, id); err != nil {
			return err
		}
		return b.force(id, r)
	case updateLooksFirst:
		was, err := b.MemoryStore.Load(ctx, id)
		switch {
		case err != nil:
			return err
		case was.Version != v:
			return session.ErrConflict
		}
		pauseABit()
		return b.force(id, r)
	}
	err := b.MemoryStore.Update(ctx, id, r, v)
	if b.wrong == updateCreates && errors.Is(err, session.ErrNotFound) {
		return b.MemoryStore.Create(ctx, id, r)
	}
	return err
}

func (b *brokenStore) Touch(ctx context.Context, id session.ID, seen, expires time.Time, v uint64) error {
	switch was, err := b.MemoryStore.Load(ctx, id); {
	case b.wrong == touchRevives && errors.Is(err, session.ErrNotFound):
		if r, ok := b.last(id); ok && r.Version == v {
			r.LastSeen, r.Expires = seen, expires
			return b.force(id, r)
		}
	case b.wrong == touchRestores && err == nil && was.Version == v:
		pauseABit()
		was.LastSeen, was.Expires = later(was.LastSeen, seen), later(was.Expires, expires)
		return b.force(id, was)
	}
	return b.MemoryStore.Touch(ctx, id, seen, expires, v)
}

func (b *brokenStore) Delete(ctx context.Context, id session.ID, v uint64) error {
	b.remember(id)
	switch {
	case b.wrong == deleteIsLost && b.each(4):
		return nil
	case b.wrong == deleteIsBlind:
		if r, err := b.MemoryStore.Load(ctx, id); err == nil {
			v = r.Version
		}
	}
	return b.MemoryStore.Delete(ctx, id, v)
}

func (b *brokenStore) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	page, next, err := b.MemoryStore.List(ctx, principal, after, limit)
	if b.wrong == listForgets && len(page) > 1 {
		page = page[1:]
	}
	return page, next, err
}

// pauseABit makes a gap between two steps that should be one.
func pauseABit() { time.Sleep(50 * time.Microsecond) }

// A brokenCache is to a cache what a brokenStore is to a store.
type brokenCache struct {
	cacheddb.Cache
	wrong cacheFault
}

type cacheFault string

const (
	fillIsUnguarded cacheFault = "a fill needs no lease"
	replacePlaces   cacheFault = "a replace places where nothing is"
	replaceLeaves   cacheFault = "a replace leaves a lease alone"
	replaceIsLost   cacheFault = "a replace does nothing"
	replaceIsBlind  cacheFault = "a replace replaces a newer entry"
	removeIsLost    cacheFault = "a remove does nothing"
	removeLeaves    cacheFault = "a remove leaves a lease alone"
	raiseIsBlind    cacheFault = "a touch raises an entry of another version"
	refreshIsBlind  cacheFault = "a refresh replaces any entry"
)

var cacheFaults = []cacheFault{
	fillIsUnguarded, replacePlaces, replaceLeaves, replaceIsLost, replaceIsBlind, removeIsLost, removeLeaves,
	raiseIsBlind, refreshIsBlind,
}

// force puts an entry there, whatever there is.
func (b brokenCache) force(ctx context.Context, id session.ID, e session.Cached) error {
	for {
		_ = b.Cache.Remove(ctx, id)
		l := session.Lease{9}
		if placed, err := b.AddLease(ctx, id, l, time.Hour); !placed && err == nil {
			continue
		}
		return b.Cache.Fill(ctx, id, l, e)
	}
}

// there tells whether there is an entry, and whether there is a lease.
func (b brokenCache) there(ctx context.Context, id session.ID) (e session.Cached, entry, lease bool) {
	e, err := b.Get(ctx, id)
	if err == nil {
		return e, true, false
	}
	if placed, err := b.AddLease(ctx, id, session.Lease{9}, time.Hour); err != nil || !placed {
		return e, false, true
	}
	_ = b.Cache.Remove(ctx, id)
	return e, false, false
}

func (b brokenCache) Fill(ctx context.Context, id session.ID, l session.Lease, e session.Cached) error {
	if b.wrong == fillIsUnguarded {
		return b.force(ctx, id, e)
	}
	return b.Cache.Fill(ctx, id, l, e)
}

func (b brokenCache) Replace(ctx context.Context, id session.ID, e session.Cached) error {
	now, entry, lease := b.there(ctx, id)
	switch {
	case b.wrong == replaceIsLost, b.wrong == replaceLeaves && lease:
		return nil
	case b.wrong == replacePlaces && !entry && !lease, b.wrong == replaceIsBlind && entry && now.Record.Version > e.Record.Version:
		return b.force(ctx, id, e)
	}
	return b.Cache.Replace(ctx, id, e)
}

func (b brokenCache) Remove(ctx context.Context, id session.ID) error {
	_, _, lease := b.there(ctx, id)
	if b.wrong == removeIsLost || b.wrong == removeLeaves && lease {
		return nil
	}
	return b.Cache.Remove(ctx, id)
}

func (b brokenCache) RaiseTimes(ctx context.Context, id session.ID, seen, expires time.Time, v uint64) error {
	if e, entry, _ := b.there(ctx, id); entry && b.wrong == raiseIsBlind {
		v = e.Record.Version
	}
	return b.Cache.RaiseTimes(ctx, id, seen, expires, v)
}

func (b brokenCache) Refresh(ctx context.Context, id session.ID, read, e session.Cached) error {
	if now, entry, _ := b.there(ctx, id); entry && b.wrong == refreshIsBlind {
		read = now
	}
	return b.Cache.Refresh(ctx, id, read, e)
}

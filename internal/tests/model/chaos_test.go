package model_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

var errCut = errors.New("the connection was cut")

// Chaos decides, by its seed, what becomes of each call that passes it. The
// order in which calls of different goroutines come to it is chance.
type chaos struct {
	odds odds

	mu      sync.Mutex
	random  *rand.Rand
	late    []func() // effects on their way, whose callers have given up
	did     map[string]int
	over    bool
	entered atomic.Int64
	caller  context.Context // of late effects
}

// Odds are how likely a fault is, of 1000.
type odds struct {
	before int // an error, and no effect
	after  int // the effect, and an error
	late   int // an error now, the effect at some later moment
	gone   int // the client goes away around the call
	pause  int // the call waits for another one
	evict  int // the cache forgets something before the call
}

func newChaos(seed uint64, o odds) *chaos {
	return &chaos{odds: o, random: rand.New(rand.NewPCG(seed, 1)), did: map[string]int{}, caller: context.Background()}
}

// roll says which of the things with the given odds happens; -1 is none.
func (c *chaos) roll(odds ...int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return -1
	}
	n := c.random.IntN(1000)
	for i, o := range odds {
		if n -= o; n < 0 {
			return i
		}
	}
	return -1
}

func (c *chaos) count(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did[what]++
}

// pause waits for some other calls to come, if they do soon.
func (c *chaos) pause() {
	at := c.entered.Add(1)
	if c.roll(c.odds.pause) < 0 {
		return
	}
	c.count("pause")
	c.mu.Lock()
	until := at + 1 + c.random.Int64N(8)
	c.mu.Unlock()
	for range 500 {
		if c.entered.Load() >= until {
			return
		}
		runtime.Gosched()
	}
}

// arrive has one of the late effects, sometimes.
func (c *chaos) arrive() {
	var f func()
	c.mu.Lock()
	if n := len(c.late); n > 0 && c.random.IntN(3) == 0 {
		i := c.random.IntN(n)
		f = c.late[i]
		c.late = append(c.late[:i:i], c.late[i+1:]...)
	}
	c.mu.Unlock()
	if f != nil {
		f()
	}
}

// end lets what is late arrive, and every call from now on pass.
func (c *chaos) end() {
	c.mu.Lock()
	late := c.late
	c.late, c.over = nil, true
	c.mu.Unlock()
	for _, f := range late {
		f()
	}
}

func (c *chaos) faults() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.did)
}

// read lets a call pass that has no effect, or fails it.
func (c *chaos) read(ctx context.Context, do func(context.Context) error) error {
	c.arrive()
	c.pause()
	if c.roll(c.odds.before) == 0 {
		c.count("read fails")
		return errCut
	}
	err := c.leave(ctx, do)
	c.pause()
	return err
}

// write lets a call pass, with its effect now, later or not at all.
func (c *chaos) write(ctx context.Context, do func(context.Context) error) error {
	c.arrive()
	c.pause()
	switch c.roll(c.odds.before, c.odds.after, c.odds.late) {
	case 0:
		c.count("error before the effect")
		return errCut
	case 1:
		c.count("error after the effect")
		_ = do(ctx)
		return errCut
	case 2:
		c.count("late effect")
		c.mu.Lock()
		c.late = append(c.late, func() { _ = do(c.caller) })
		c.mu.Unlock()
		return errCut
	}
	err := c.leave(ctx, do)
	c.pause()
	return err
}

// leave has the client go away before or after the call, if that is its fate.
func (c *chaos) leave(ctx context.Context, do func(context.Context) error) error {
	if goAway, ok := ctx.Value(goAwayKey{}).(func()); ok {
		switch c.roll(c.odds.gone, c.odds.gone) {
		case 0:
			c.count("client gone before the call")
			goAway()
		case 1:
			c.count("client gone after the call")
			defer goAway()
		}
	}
	return do(ctx)
}

// goAwayKey is where a request's context has the function that ends it.
type goAwayKey struct{}

// A chaoticStore is a store behind chaos, with the powers that machines use.
type chaoticStore struct {
	session.Store
	c *chaos
}

func (s chaoticStore) Load(ctx context.Context, id session.ID) (rec session.Record, err error) {
	err = s.c.read(ctx, func(ctx context.Context) (err error) {
		rec, err = s.Store.Load(ctx, id)
		return err
	})
	return rec, err
}

// LoadFresh is Load where the store knows no difference.
func (s chaoticStore) LoadFresh(ctx context.Context, id session.ID) (rec session.Record, err error) {
	f, ok := s.Store.(session.FreshLoader)
	if !ok {
		return s.Load(ctx, id)
	}
	err = s.c.read(ctx, func(ctx context.Context) (err error) {
		rec, err = f.LoadFresh(ctx, id)
		return err
	})
	return rec, err
}

func (s chaoticStore) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Store.Create(ctx, id, rec) })
}

func (s chaoticStore) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Store.Update(ctx, id, rec, v) })
}

func (s chaoticStore) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, v uint64) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Store.Touch(ctx, id, lastSeen, expires, v) })
}

func (s chaoticStore) Delete(ctx context.Context, id session.ID, v uint64) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Store.Delete(ctx, id, v) })
}

func (s chaoticStore) List(ctx context.Context, principal, after string, limit int) (page []session.Stored, next string, err error) {
	err = s.c.read(ctx, func(ctx context.Context) (err error) {
		page, next, err = s.Store.(session.Lister).List(ctx, principal, after, limit)
		return err
	})
	return page, next, err
}

// A chaoticCache is a cache behind chaos; it also forgets.
type chaoticCache struct {
	cacheddb.Cache
	c *chaos
}

func (s chaoticCache) forget(ctx context.Context, id session.ID) {
	if s.c.roll(s.c.odds.evict) == 0 {
		s.c.count("eviction")
		_ = s.Cache.Remove(context.WithoutCancel(ctx), id)
	}
}

func (s chaoticCache) Get(ctx context.Context, id session.ID) (e session.Cached, err error) {
	s.forget(ctx, id)
	err = s.c.read(ctx, func(ctx context.Context) (err error) {
		e, err = s.Cache.Get(ctx, id)
		return err
	})
	return e, err
}

func (s chaoticCache) AddLease(ctx context.Context, id session.ID, l session.Lease, ttl time.Duration) (bool, error) {
	var placed atomic.Bool // also written to by a late effect
	err := s.c.write(ctx, func(ctx context.Context) error {
		ok, err := s.Cache.AddLease(ctx, id, l, ttl)
		placed.Store(ok)
		return err
	})
	return placed.Load() && err == nil, err
}

func (s chaoticCache) Fill(ctx context.Context, id session.ID, l session.Lease, e session.Cached) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Cache.Fill(ctx, id, l, e) })
}

func (s chaoticCache) Replace(ctx context.Context, id session.ID, e session.Cached) error {
	s.forget(ctx, id)
	return s.c.write(ctx, func(ctx context.Context) error { return s.Cache.Replace(ctx, id, e) })
}

func (s chaoticCache) RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, v uint64) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Cache.RaiseTimes(ctx, id, lastSeen, expires, v) })
}

func (s chaoticCache) Refresh(ctx context.Context, id session.ID, read, e session.Cached) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Cache.Refresh(ctx, id, read, e) })
}

func (s chaoticCache) Remove(ctx context.Context, id session.ID) error {
	return s.c.write(ctx, func(ctx context.Context) error { return s.Cache.Remove(ctx, id) })
}

package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

const nearBytes = 8 << 20

// near returns a store with a near cache, which serves.
func near(t testing.TB, rdb *redis.Client, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s := nearNotYet(t, rdb, o)
	serves(t, s)
	return s
}

func nearNotYet(t testing.TB, rdb *redis.Client, o redisstore.Options) *redisstore.Store {
	t.Helper()
	if o.Prefix == "" {
		o.Prefix = prefix()
	}
	if o.Near.Bytes == 0 {
		o.Near.Bytes = nearBytes
	}
	s := redisstore.New(rdb, o)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// serves waits until the near cache serves; it starts with the first load.
func serves(t testing.TB, s *redisstore.Store) {
	t.Helper()
	_, _ = s.Load(t.Context(), storetest.NewID())
	await(t, s, func() bool { return s.NearState().Serving })
}

// hears waits until the store has heard of all that was written until now.
func hears(t testing.TB, s *redisstore.Store) {
	t.Helper()
	now := time.Now()
	await(t, s, func() bool { return s.NearState().Heard.After(now) })
}

// await waits until something holds.
func await(t testing.TB, s *redisstore.Store, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come: %+v", s.NearState())
		}
	}
}

// nears are the two kinds of what is kept: records, and entries of a cache.
var nears = map[string]kept{
	"record": {
		put: func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Create(ctx, id, rec)
		},
		load: func(ctx context.Context, s *redisstore.Store, id session.ID) (session.Record, error) {
			return s.Load(ctx, id)
		},
		change: func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Update(ctx, id, rec, rec.Version-1)
		},
	},
	"entry": {
		put: func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			_, err := s.AddLease(ctx, id, session.Lease{1}, time.Minute)
			return errors.Join(err, s.Fill(ctx, id, session.Lease{1}, session.Cached{Record: rec, Checked: rec.Created}))
		},
		load: func(ctx context.Context, s *redisstore.Store, id session.ID) (session.Record, error) {
			c, err := s.Get(ctx, id)
			return c.Record, err
		},
		change: func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Replace(ctx, id, session.Cached{Record: rec, Checked: rec.Created})
		},
	},
}

type kept struct {
	put    func(context.Context, *redisstore.Store, session.ID, session.Record) error
	load   func(context.Context, *redisstore.Store, session.ID) (session.Record, error)
	change func(context.Context, *redisstore.Store, session.ID, session.Record) error
}

// loads fails the test unless the store has the version.
func (k kept) loads(t testing.TB, s *redisstore.Store, id session.ID, version uint64) {
	t.Helper()
	if rec, err := k.load(t.Context(), s, id); err != nil || rec.Version != version {
		t.Errorf("loaded version %d, %v, want version %d", rec.Version, err, version)
	}
}

// nearWorld is a store with a near cache, and another process.
type nearWorld struct {
	kept
	*gate
	s, other *redisstore.Store
	id       session.ID
	rec      session.Record
}

// eachNear runs a test on each kind and with each kind of client.
func eachNear(t *testing.T, f func(t *testing.T, w nearWorld)) {
	t.Helper()
	t.Parallel() // they mostly wait
	for name, k := range nears {
		for how, inline := range map[string]bool{"with": true, "without": false} {
			t.Run(name+" "+how+" ContextTimeoutEnabled", func(t *testing.T) {
				t.Parallel()
				rdb := connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: inline})
				w := nearWorld{kept: k, gate: &gate{}, id: storetest.NewID(), rec: storetest.NewRecord("bob")}
				w.rec.Payload = []byte("payload")
				o := redisstore.Options{Prefix: prefix(), Timeout: time.Minute}
				w.other = openWith(t, single(t), o)
				o.Near.MaxStale = time.Minute // no answer to a ping is late
				w.s = near(t, rdb, o)
				rdb.AddHook(w.gate)
				must(t, w.put(t.Context(), w.other, w.id, w.rec))
				hears(t, w.s)
				f(t, w)
			})
		}
	}
}

// gate is a hook that counts what is asked for, and holds back what it is told.
type gate struct {
	mu   sync.Mutex
	gets []string
	next *pause
	fail error
}

// A pause is that of one GET, before the reply is passed on.
type pause struct{ reached, over chan struct{} }

// holdNext has the next GET wait, with its reply, until over is closed.
func (g *gate) holdNext() *pause {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next = &pause{make(chan struct{}), make(chan struct{})}
	return g.next
}

// asked is how often the client asked for an ID.
func (g *gate) asked(id session.ID) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range g.gets {
		if strings.HasSuffix(key, string(id)) {
			n++
		}
	}
	return n
}

func (g *gate) around(cmds []redis.Cmder, do func() error) error {
	var pauses []*pause
	g.mu.Lock()
	for _, c := range cmds {
		if c.Name() == "get" {
			g.gets = append(g.gets, c.Args()[1].(string))
			if g.next != nil {
				pauses, g.next = append(pauses, g.next), nil
			}
		}
	}
	g.mu.Unlock()
	err := do()
	for _, p := range pauses {
		close(p.reached)
		<-p.over
		g.mu.Lock()
		if g.fail != nil {
			err = g.fail
			for _, c := range cmds {
				c.SetErr(err)
			}
		}
		g.mu.Unlock()
	}
	return err
}

func (g *gate) DialHook(next redis.DialHook) redis.DialHook { return next }

func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return g.around([]redis.Cmder{cmd}, func() error { return next(ctx, cmd) })
	}
}

func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return g.around(cmds, func() error { return next(ctx, cmds) })
	}
}

func TestAStoreWithANearCacheKeepsTheContract(t *testing.T) {
	rdb := single(t)
	storetest.Run(t, func(t *testing.T) session.Store { return near(t, rdb, redisstore.Options{}) })
}

func TestACacheWithANearCacheKeepsTheContract(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
	storetest.RunCache(t, func(t *testing.T) cacheddb.Cache { return near(t, rdb, redisstore.Options{}) })
}

func TestAWarmLoadAsksNobodyAndSharesNoMemory(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		first, err := w.load(t.Context(), w.s, w.id)
		must(t, err)
		for range 3 {
			got, err := w.load(t.Context(), w.s, w.id)
			must(t, err)
			if !bytes.Equal(got.Payload, w.rec.Payload) || got.Version != 1 || got.Principal != "bob" || got.Expires != first.Expires {
				t.Fatalf("loaded %+v", got)
			}
			clear(got.Payload)
			clear(first.Payload)
		}
		if n := w.asked(w.id); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		if st := w.s.NearState(); st.Entries != 1 || st.Bytes == 0 || st.Err != nil {
			t.Errorf("%+v", st)
		}
	})
}

func TestALoadInAContextThatHasEndedIsAnErrorAlsoIfItIsWarm(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		w.loads(t, w.s, w.id, 1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.load(ctx, w.s, w.id); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsNotThereOrCannotBeReadIsNotKept(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		absent, leased, strange := storetest.NewID(), storetest.NewID(), storetest.NewID()
		_, err := w.other.AddLease(t.Context(), leased, session.Lease{1}, time.Minute)
		must(t, err)
		must(t, w.put(t.Context(), w.other, strange, w.rec))
		for _, key := range single(t).Keys(t.Context(), "*"+string(strange)).Val() {
			must(t, single(t).Set(t.Context(), key, "what is this", 0).Err())
		}
		hears(t, w.s)
		for what, id := range map[string]session.ID{"absent": absent, "a lease": leased, "strange": strange} {
			for range 2 {
				if rec, err := w.load(t.Context(), w.s, id); err == nil {
					t.Errorf("%s: loaded %+v", what, rec)
				}
			}
			if n := w.asked(id); n != 2 {
				t.Errorf("%s: asked %d times, want each time", what, n)
			}
		}
	})
}

func TestWhatLooksExpiredIsAskedOfRedis(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		id, rec := storetest.NewID(), w.rec
		rec.Expires = time.Now().Add(-time.Second).UTC().Truncate(time.Microsecond)
		must(t, w.put(t.Context(), w.other, id, rec))
		hears(t, w.s)
		w.loads(t, w.s, id, 1)
		w.loads(t, w.s, id, 1)
		if n := w.asked(id); n != 2 {
			t.Errorf("asked %d times, want each time", n)
		}
	})
}

// Whatever comes of a write, also if nobody knows, the next load asks.
func TestEveryWriteDropsWhatIsKept(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	at := time.Now()
	for name, write := range map[string]struct {
		kind string
		do   func(context.Context, *redisstore.Store, session.ID, session.Record) error
	}{
		"Create": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Create(ctx, id, rec)
		}},
		"Update": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Update(ctx, id, next(rec), 1)
		}},
		"Update of another version": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Update(ctx, id, next(rec), 7)
		}},
		"Update of what cannot be": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			rec.Principal = "\x00"
			return s.Update(ctx, id, rec, 1)
		}},
		"Touch": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Touch(ctx, id, at, rec.Expires, 1)
		}},
		"Delete": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, _ session.Record) error {
			return s.Delete(ctx, id, 1)
		}},
		"LoadFresh": {"record", func(ctx context.Context, s *redisstore.Store, id session.ID, _ session.Record) error {
			_, err := s.LoadFresh(ctx, id)
			return err
		}},
		"Purge": {"record", func(ctx context.Context, s *redisstore.Store, _ session.ID, rec session.Record) error {
			n, err := s.Purge(ctx, rec.Expires.Add(time.Hour), 1)
			if n != 1 && ctx.Err() == nil {
				return errors.New("nothing was purged")
			}
			return err
		}},
		"AddLease": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, _ session.Record) error {
			_, err := s.AddLease(ctx, id, session.Lease{1}, time.Minute)
			return err
		}},
		"Fill": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Fill(ctx, id, session.Lease{1}, session.Cached{Record: rec})
		}},
		"Replace": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Replace(ctx, id, session.Cached{Record: next(rec)})
		}},
		"Refresh": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.Refresh(ctx, id, session.Cached{Record: rec, Checked: rec.Created}, session.Cached{Record: rec, Checked: at})
		}},
		"RaiseTimes": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, rec session.Record) error {
			return s.RaiseTimes(ctx, id, at, rec.Expires, 1)
		}},
		"Remove": {"entry", func(ctx context.Context, s *redisstore.Store, id session.ID, _ session.Record) error {
			return s.Remove(ctx, id)
		}},
	} {
		for how, ctx := range map[string]context.Context{"": context.Background(), ", cancelled": gone} {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				if name == "Purge" && how != "" {
					t.Skip("it finds nothing out")
				}
				// The near cache hears nothing: only the writing drops.
				g, k := &gate{}, nears[write.kind]
				rdb, deaf := deafened(t, servers.SharedRedis(t).Addr)
				s := nearNotYet(t, rdb, redisstore.Options{Near: redisstore.NearOptions{MaxStale: time.Minute}, Timeout: time.Hour})
				rdb.AddHook(g)
				id, rec := storetest.NewID(), storetest.NewRecord("bob")
				serves(t, s)
				deaf()
				must(t, k.put(t.Context(), s, id, rec))
				k.loads(t, s, id, 1)
				k.loads(t, s, id, 1)
				before := g.asked(id)
				if err := write.do(ctx, s, id, rec); err != nil && ctx.Err() == nil &&
					!errors.Is(err, session.ErrExists) && !errors.Is(err, session.ErrConflict) && !errors.Is(err, session.ErrInvalid) {
					t.Fatal(err)
				}
				between := g.asked(id)
				_, err := k.load(t.Context(), s, id)
				if g.asked(id) != between+1 {
					t.Errorf("a load after it asked %d times, and was answered %v", g.asked(id)-between, err)
				}
				if before != 1 {
					t.Errorf("asked %d times to warm: this test shows nothing", before)
				}
			})
		}
	}
}

func TestAnAnswerFromBeforeAnOwnWriteIsNotKept(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		hold, loaded := w.holdNext(), make(chan error, 1)
		go func() { _, err := w.load(t.Context(), w.s, w.id); loaded <- err }()
		<-hold.reached
		must(t, w.change(t.Context(), w.s, w.id, next(w.rec)))
		hears(t, w.s) // its push comes before the answer, too
		close(hold.over)
		must(t, <-loaded)
		w.loads(t, w.s, w.id, 2)
	})
}

func TestAnAnswerFromBeforeAnothersWriteIsNotKept(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		hold, loaded := w.holdNext(), make(chan error, 1)
		go func() { _, err := w.load(t.Context(), w.s, w.id); loaded <- err }()
		<-hold.reached
		must(t, w.change(t.Context(), w.other, w.id, next(w.rec)))
		hears(t, w.s)
		close(hold.over)
		must(t, <-loaded)
		w.loads(t, w.s, w.id, 2)
	})
}

func TestALoadAfterAWriteDoesNotJoinOneFromBefore(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		for name, writer := range map[string]*redisstore.Store{"own": w.s, "another's": w.other} {
			t.Run(name, func(t *testing.T) {
				id := storetest.NewID()
				must(t, w.put(t.Context(), w.other, id, w.rec))
				hears(t, w.s)
				hold, loaded := w.holdNext(), make(chan error, 1)
				go func() { _, err := w.load(t.Context(), w.s, id); loaded <- err }()
				<-hold.reached
				must(t, w.change(t.Context(), writer, id, next(w.rec)))
				if writer != w.s {
					hears(t, w.s)
				}
				w.loads(t, w.s, id, 2)
				close(hold.over)
				must(t, <-loaded)
				w.loads(t, w.s, id, 2)
			})
		}
	})
}

func TestLoadsOfOneKeyShareOneCommand(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		hold := w.holdNext()
		first, cancelFirst := context.WithCancel(t.Context())
		later, cancelLater := context.WithCancel(t.Context())
		type result struct {
			rec session.Record
			err error
		}
		start := func(ctx context.Context) chan result {
			got := make(chan result, 1)
			go func() {
				rec, err := w.load(ctx, w.s, w.id)
				got <- result{rec, err}
			}()
			return got
		}
		leader := start(first)
		<-hold.reached
		leaver := start(later)
		var others []chan result
		for range 5 {
			others = append(others, start(t.Context()))
		}
		cancelLater()
		cancelFirst()
		for _, left := range []chan result{leader, leaver} {
			if r := <-left; !errors.Is(r.err, context.Canceled) || !strings.HasPrefix(r.err.Error(), "redisstore: ") {
				t.Errorf("one who leaves gets %v", r.err)
			}
		}
		close(hold.over)
		for _, c := range others {
			r := <-c
			if r.err != nil || !bytes.Equal(r.rec.Payload, w.rec.Payload) {
				t.Fatalf("one who stays gets %q, %v", r.rec.Payload, r.err)
			}
			clear(r.rec.Payload)
		}
		w.loads(t, w.s, w.id, 1)
		if n := w.asked(w.id); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func TestOneWhoJoinedALoadThatFailedAsksItself(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		hold, ctx := w.holdNext(), t.Context()
		w.fail = context.DeadlineExceeded
		leader, joiner := make(chan error, 1), make(chan error, 1)
		go func() { _, err := w.load(ctx, w.s, w.id); leader <- err }()
		<-hold.reached
		go func() { _, err := w.load(ctx, w.s, w.id); joiner <- err }()
		close(hold.over)
		if err := <-leader; err == nil {
			t.Error("the first load does not tell that it failed")
		}
		must(t, <-joiner)
		w.loads(t, w.s, w.id, 1)
	})
}

func TestAPanicOfAHookReachesAllWhoWait(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		rdb := connect(t, &redis.Options{Addr: servers.SharedRedis(t).Addr, ContextTimeoutEnabled: true})
		s := near(t, rdb, redisstore.Options{})
		rdb.AddHook(before(func() { panic("a hook") }))
		defer func() {
			if r := recover(); r != "a hook" {
				t.Errorf("recovered %v", r)
			}
		}()
		_, err := w.load(t.Context(), s, w.id)
		t.Errorf("it returned %v", err)
	})
}

func TestWritesOfAnotherProcessAreHeard(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		rec := w.rec
		for range 10 {
			w.loads(t, w.s, w.id, rec.Version)
			rec = next(rec)
			must(t, w.change(t.Context(), w.other, w.id, rec))
			hears(t, w.s)
		}
		w.loads(t, w.s, w.id, rec.Version)
	})
}

func TestATouchOfAnotherProcessIsHeard(t *testing.T) {
	eachNear(t, func(t *testing.T, w nearWorld) {
		w.loads(t, w.s, w.id, 1)
		seen, expires := w.rec.LastSeen.Add(time.Minute), w.rec.Expires.Add(time.Minute)
		must(t, w.other.RaiseTimes(t.Context(), w.id, seen, expires, 1))
		must(t, w.other.Touch(t.Context(), w.id, seen, expires, 1))
		await(t, w.s, func() bool {
			rec, err := w.load(t.Context(), w.s, w.id)
			return err == nil && rec.LastSeen.Equal(seen) && rec.Expires.Equal(expires)
		})
	})
}

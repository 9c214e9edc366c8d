package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
	"go.uber.org/goleak"
)

// lines is a dialer whose connections lead where it says at the time.
type lines struct {
	mu sync.Mutex
	to string // "": nowhere
	n  atomic.Int64
}

func (l *lines) lead(to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

func (l *lines) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	l.n.Add(1)
	if to == "" {
		return nil, errors.New("no way")
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

// apartFrom returns a client with one connection that leads to the server, and
// has what is dialed later, the stream of a near cache, lead elsewhere.
func apartFrom(t testing.TB, server, later string) (*redis.Client, *lines) {
	l := &lines{to: server}
	rdb := redis.NewClient(&redis.Options{Addr: server, Dialer: l.dial, PoolSize: 1, PipelinePoolSize: -1, ContextTimeoutEnabled: true, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	l.lead(later)
	return rdb, l
}

// deafened returns a client whose near cache can be made to hear nothing more.
func deafened(t testing.TB, server string) (*redis.Client, func()) {
	proxy := servers.NewProxy(t, server)
	rdb, _ := apartFrom(t, server, proxy.Addr)
	return rdb, func() { proxy.Set(servers.Line{Replies: servers.Lane{Hold: true}}) }
}

// broken is a store with a near cache that has loaded two records.
type broken struct {
	*redisstore.Store
	*gate
	lines *lines
	proxy *servers.Proxy
	other *redisstore.Store
	id    session.ID
	rec   session.Record
}

func breakable(t *testing.T, server string, o redisstore.Options) broken {
	t.Helper()
	b := broken{gate: &gate{}, proxy: servers.NewProxy(t, server), id: storetest.NewID(), rec: storetest.NewRecord("bob")}
	o.Prefix = prefix()
	b.other = openWith(t, connect(t, &redis.Options{Addr: server}), o)
	must(t, b.other.Create(t.Context(), b.id, b.rec))
	var rdb *redis.Client
	rdb, b.lines = apartFrom(t, server, b.proxy.Addr)
	b.Store = near(t, rdb, o)
	rdb.AddHook(b.gate)
	await(t, b.Store, func() bool { // an answer to a ping may be late
		asked := b.asked(b.id)
		nears["record"].loads(t, b.Store, b.id, 1)
		return b.asked(b.id) == asked
	})
	return b
}

func TestNothingOldIsServedAfterTheStreamWasCut(t *testing.T) {
	t.Parallel()
	b := breakable(t, servers.SharedRedis(t).Addr, redisstore.Options{Timeout: time.Minute})
	b.lines.lead("") // it cannot come back
	b.proxy.Cut()
	await(t, b.Store, func() bool { return !b.NearState().Serving })
	must(t, b.other.Update(t.Context(), b.id, next(b.rec), 1))
	nears["record"].loads(t, b.Store, b.id, 2)
	await(t, b.Store, func() bool { return b.NearState().Entries == 0 && b.NearState().Err != nil })
	asked := b.asked(b.id)
	nears["record"].loads(t, b.Store, b.id, 2)
	if b.asked(b.id) != asked+1 || b.NearState().Entries != 0 {
		t.Error("something is kept without a stream")
	}
	b.lines.lead(b.proxy.Addr)
	serves(t, b.Store)
	nears["record"].loads(t, b.Store, b.id, 2)
}

func TestWhatWasKeptBeforeACutIsNotServedAfterIt(t *testing.T) {
	t.Parallel()
	b := breakable(t, servers.SharedRedis(t).Addr, redisstore.Options{Timeout: time.Minute})
	b.lines.lead("")
	b.proxy.Cut()
	await(t, b.Store, func() bool { return !b.NearState().Serving })
	must(t, b.other.Update(t.Context(), b.id, next(b.rec), 1))
	b.lines.lead(b.proxy.Addr)
	await(t, b.Store, func() bool { return b.NearState().Serving })
	nears["record"].loads(t, b.Store, b.id, 2)
}

// An answer that was on its way when the stream ended is not kept, although the
// stream stands again when it arrives.
func TestAnAnswerFromBeforeACutIsNotKept(t *testing.T) {
	t.Parallel()
	b := breakable(t, servers.SharedRedis(t).Addr, redisstore.Options{Timeout: time.Minute})
	id := storetest.NewID()
	must(t, b.other.Create(t.Context(), id, b.rec))
	hears(t, b.Store)
	hold, loaded := b.holdNext(), make(chan error, 1)
	go func() { _, err := b.Load(t.Context(), id); loaded <- err }()
	<-hold.reached
	b.lines.lead("")
	b.proxy.Cut()
	await(t, b.Store, func() bool { return !b.NearState().Serving })
	must(t, b.other.Update(t.Context(), id, next(b.rec), 1))
	b.lines.lead(b.proxy.Addr)
	await(t, b.Store, func() bool { return b.NearState().Serving })
	close(hold.over)
	must(t, <-loaded)
	nears["record"].loads(t, b.Store, id, 2)
}

// The connection stands, and nothing comes: only the missing answers to pings
// tell.
func TestAStreamThatFallsSilentIsNotBelieved(t *testing.T) {
	t.Parallel()
	b := breakable(t, servers.SharedRedis(t).Addr, redisstore.Options{Timeout: tooLong, Near: redisstore.NearOptions{MaxStale: 100 * time.Millisecond}})
	b.proxy.Set(servers.Line{Replies: servers.Lane{Hold: true}})
	must(t, b.other.Update(t.Context(), b.id, next(b.rec), 1))
	await(t, b.Store, func() bool { return !b.NearState().Serving })
	nears["record"].loads(t, b.Store, b.id, 2)
	dials := b.lines.n.Load()
	b.proxy.Set(servers.Line{})
	await(t, b.Store, func() bool { return b.NearState().Serving })
	nears["record"].loads(t, b.Store, b.id, 2)
	if b.lines.n.Load() != dials || b.NearState().Err != nil {
		t.Errorf("the stream was given up, and not just doubted: %v", b.NearState().Err)
	}
}

func TestAStreamThatStaysSilentIsGivenUp(t *testing.T) {
	t.Parallel()
	b := breakable(t, servers.SharedRedis(t).Addr, redisstore.Options{Timeout: 500 * time.Millisecond, Near: redisstore.NearOptions{MaxStale: 100 * time.Millisecond}})
	b.proxy.Set(servers.Line{Replies: servers.Lane{Hold: true}})
	b.lines.lead(servers.SharedRedis(t).Addr)
	await(t, b.Store, func() bool { return b.NearState().Err != nil && b.NearState().Serving })
}

func TestANearCacheComesBackWithItsServer(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t, "--appendonly", "yes")
	rdb := connect(t, &redis.Options{Addr: server.Addr, DialerRetries: 1, MaxRetries: -1})
	s := near(t, rdb, redisstore.Options{Prefix: "s:"})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	for range 3 {
		hears(t, s)
		nears["record"].loads(t, s, id, rec.Version)
		server.Kill(t)
		await(t, s, func() bool { return !s.NearState().Serving })
		if _, err := s.Load(t.Context(), id); err == nil || errors.Is(err, session.ErrNotFound) {
			t.Errorf("without a server: %v", err)
		}
		server.Restart(t)
		other := openWith(t, connect(t, &redis.Options{Addr: server.Addr}), redisstore.Options{Prefix: "s:"})
		must(t, other.Update(t.Context(), id, next(rec), rec.Version))
		rec = next(rec)
		await(t, s, func() bool { return s.NearState().Serving })
		nears["record"].loads(t, s, id, rec.Version)
	}
}

func TestAFlushIsHeard(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	for name, flush := range map[string]func(*redis.Client) error{
		"FLUSHALL":     func(c *redis.Client) error { return c.FlushAll(t.Context()).Err() },
		"FLUSHDB":      func(c *redis.Client) error { return c.FlushDB(t.Context()).Err() },
		"asynchronous": func(c *redis.Client) error { return c.FlushAllAsync(t.Context()).Err() },
	} {
		t.Run(name, func(t *testing.T) {
			rdb := connect(t, &redis.Options{Addr: server.Addr})
			s := near(t, rdb, redisstore.Options{})
			id := storetest.NewID()
			must(t, s.Create(t.Context(), id, storetest.NewRecord("bob")))
			hears(t, s)
			nears["record"].loads(t, s, id, 1)
			must(t, flush(rdb))
			hears(t, s)
			if _, err := s.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestAnEvictionIsHeard(t *testing.T) {
	t.Parallel()
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t, "--maxmemory-policy", "allkeys-random").Addr})
	s := near(t, rdb, redisstore.Options{Prefix: "s:"})
	var ids []session.ID
	for range 50 {
		id := storetest.NewID()
		must(t, s.Create(t.Context(), id, storetest.NewRecord("")))
		ids = append(ids, id)
	}
	hears(t, s)
	for _, id := range ids {
		nears["record"].loads(t, s, id, 1)
	}
	must(t, rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	_ = rdb.Set(t.Context(), "more", "", 0).Err() // evicts all, and is refused
	must(t, rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	hears(t, s)
	left := rdb.Keys(t.Context(), "s:*").Val()
	for _, id := range ids {
		if _, err := s.Load(t.Context(), id); err == nil && !strings.Contains(fmt.Sprint(left), string(id)) {
			t.Errorf("%s was evicted and is still served", id)
		}
	}
	if len(left) == len(ids) {
		t.Error("nothing was evicted: this test shows nothing")
	}
}

// The client follows a failover, or a name that leads elsewhere now, and the
// stream has still a good connection to the server from before.
func TestTheStreamFollowsTheClientToAnotherServer(t *testing.T) {
	t.Parallel()
	first, second := servers.Redis(t).Addr, servers.Redis(t).Addr
	b := breakable(t, first, redisstore.Options{Timeout: time.Minute})
	b.lines.lead(second)
	admin := connect(t, &redis.Options{Addr: first})
	for _, c := range strings.Split(admin.ClientList(t.Context()).Val(), "\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(c, "id="), " ")
		_, flags, _ := strings.Cut(c, " flags=")
		flags, _, _ = strings.Cut(flags, " ")
		if id != "" && !strings.Contains(flags, "t") && !strings.Contains(c, "cmd=client|list") {
			must(t, admin.ClientKillByFilter(t.Context(), "ID", id).Err())
		}
	}
	await(t, b.Store, func() bool { _, err := b.Load(t.Context(), b.id); return errors.Is(err, session.ErrNotFound) })
}

func TestANearCacheFollowsSentinelToTheNextMaster(t *testing.T) {
	t.Parallel()
	sentinel := servers.Sentinel(t)
	options, err := redis.ParseFailoverURL(sentinel.URL)
	must(t, err)
	rdb := redis.NewFailoverClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	s := near(t, rdb, redisstore.Options{})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	hears(t, s)
	nears["record"].loads(t, s, id, 1)
	conn := rdb.Conn() // WAIT is for what its own connection wrote
	defer func() { _ = conn.Close() }()
	must(t, conn.Set(t.Context(), "last", "", 0).Err())
	must(t, conn.Wait(t.Context(), 1, 0).Err())

	sentinel.Nodes[0].Kill(t)
	until(t, func() bool { return sentinel.Master(t) == 1 })
	until(t, func() bool { _, err := s.LoadFresh(t.Context(), id); return err == nil })
	must(t, s.Update(t.Context(), id, next(rec), 1))
	nears["record"].loads(t, s, id, 2)
	await(t, s, func() bool { return s.NearState().Serving })
	nears["record"].loads(t, s, id, 2)
	must(t, s.Delete(t.Context(), id, 2))
	if _, err := s.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

func TestMemoryOfANearCacheIsBounded(t *testing.T) {
	const most = 2 << 20
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t).Addr, ContextTimeoutEnabled: true}) // so many keys would be in the way of others
	for name, payload := range map[string]int{"small": 500, "large": 8 << 10} {
		t.Run(name, func(t *testing.T) {
			o := redisstore.Options{Prefix: prefix(), Near: redisstore.NearOptions{Bytes: most, MaxStale: time.Minute}}
			s := near(t, rdb, o)
			ids := many(t, rdb, s, o.Prefix, payload, 10*most/(payload+500))
			hears(t, s)
			base := heap()
			var wg sync.WaitGroup
			for part := range slices.Chunk(ids, len(ids)/8+1) {
				wg.Go(func() {
					for _, id := range part {
						if _, err := s.Load(t.Context(), id); err != nil {
							t.Error(err)
							return
						}
						if st := s.NearState(); st.Bytes > most+most/8 {
							t.Errorf("%d bytes are kept, of %d", st.Bytes, most)
							return
						}
					}
				})
			}
			wg.Wait()
			st, grown := s.NearState(), heap()-base
			t.Logf("%d entries, %d bytes by weight, %d on the heap", st.Entries, st.Bytes, grown)
			if st.Bytes > most || st.Bytes < most/2 || grown > most+most/2 {
				t.Errorf("%d bytes by weight, %d on the heap, of %d", st.Bytes, grown, most)
			}
			runtime.KeepAlive(ids)
		})
	}
}

// many makes many records alike, in few round trips.
func many(t *testing.T, rdb *redis.Client, s *redisstore.Store, prefix string, payload, n int) []session.ID {
	t.Helper()
	first, rec := storetest.NewID(), storetest.NewRecord("bob")
	rec.Payload = make([]byte, payload)
	must(t, s.Create(t.Context(), first, rec))
	value := rdb.Get(t.Context(), prefix+string(first)).Val()
	ids := make([]session.ID, n)
	for i := range ids {
		ids[i] = storetest.NewID()
	}
	for part := range slices.Chunk(ids, 1000) {
		_, err := rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for _, id := range part {
				p.Set(t.Context(), prefix+string(id), value, time.Minute)
			}
			return nil
		})
		must(t, err)
	}
	return ids
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAClosedStoreGoesOnWithoutANearCacheAndLeavesNothing(t *testing.T) {
	addr := servers.SharedRedis(t).Addr
	leftovers := goleak.IgnoreCurrent()
	rdb := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true})
	g := &gate{}
	rdb.AddHook(g)
	s := redisstore.New(rdb, redisstore.Options{Prefix: prefix(), Near: redisstore.NearOptions{Bytes: nearBytes}})
	serves(t, s)
	id := storetest.NewID()
	must(t, s.Create(t.Context(), id, storetest.NewRecord("bob")))
	hears(t, s)
	nears["record"].loads(t, s, id, 1)
	must(t, s.Close())
	must(t, s.Close())
	nears["record"].loads(t, s, id, 1)
	nears["record"].loads(t, s, id, 1)
	if st := s.NearState(); g.asked(id) != 3 || st.Serving || st.Entries != 0 {
		t.Errorf("asked %d times, %+v", g.asked(id), st)
	}
	before := redisstore.New(rdb, redisstore.Options{Prefix: prefix(), Near: redisstore.NearOptions{Bytes: nearBytes}})
	must(t, before.Close())
	_, _ = before.Load(t.Context(), id)
	without := redisstore.New(rdb, redisstore.Options{})
	must(t, without.Close())
	must(t, rdb.Close())
	goleak.VerifyNone(t, leftovers)
}

func TestANearCacheEndsWithTheClient(t *testing.T) {
	addr := servers.SharedRedis(t).Addr
	leftovers := goleak.IgnoreCurrent()
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	s := redisstore.New(rdb, redisstore.Options{Prefix: prefix(), Near: redisstore.NearOptions{Bytes: nearBytes, MaxStale: 100 * time.Millisecond}})
	serves(t, s)
	must(t, rdb.Close())
	await(t, s, func() bool { return errors.Is(s.NearState().Err, redis.ErrClosed) })
	if _, err := s.Load(t.Context(), storetest.NewID()); !errors.Is(err, redis.ErrClosed) || s.NearState().Serving {
		t.Errorf("%v, %+v", err, s.NearState())
	}
	goleak.VerifyNone(t, leftovers)
	must(t, s.Close())
}

func TestAUserOfRedisNeedsOneCommandMoreForANearCache(t *testing.T) {
	t.Parallel()
	addr := servers.Redis(t).Addr
	admin := connect(t, &redis.Options{Addr: addr})
	rules := "on >pass ~s:* +get +getrange +set +setrange +del +exists +type +pttl +pexpire +zadd +zrem +zrange +zrangebyscore +eval +evalsha +scan +ping +info"
	must(t, admin.ACLSetUser(t.Context(), "app", strings.Fields(rules)...).Err())
	s := nearNotYet(t, connect(t, &redis.Options{Addr: addr, Username: "app", Password: "pass"}), redisstore.Options{Prefix: "s:"})
	id := storetest.NewID()
	must(t, s.Create(t.Context(), id, storetest.NewRecord("bob")))
	await(t, s, func() bool { nears["record"].loads(t, s, id, 1); return s.NearState().Err != nil })
	if err := s.NearState().Err; !redis.HasErrorPrefix(err, "NOPERM") && !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("got %v", err)
	}
	must(t, admin.ACLSetUser(t.Context(), "app", "+client|tracking").Err())
	serves(t, s)
	nears["record"].loads(t, s, id, 1)
}

package cacheddb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// heard passes on the kinds of events.
type heard chan session.EventKind

func (h heard) Event(_ context.Context, e session.Event) {
	select {
	case h <- e.Kind:
	default:
	}
}

// until waits for an event of the kind.
func (h heard) until(t *testing.T, kind session.EventKind) {
	t.Helper()
	for {
		select {
		case k := <-h:
			if k == kind {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("no event %q", kind)
		case <-time.After(time.Minute):
			t.Fatalf("no event %q", kind)
		}
	}
}

// A rig is two processes over a Redis of the test's own.
type rig struct {
	*testing.T
	server   *servers.RedisServer
	rdb      *redis.Client
	one, two *cacheddb.Store
	events   heard // of one
}

func newRig(t *testing.T, limit time.Duration, redisArgs ...string) *rig {
	t.Helper()
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	r := &rig{T: t, server: servers.Redis(t, redisArgs...), events: make(heard, 10_000)}
	r.rdb = connect(t, r.server.Addr)
	g, _ := sqliteFile.open(t)
	cache, truth := onRedis(r.rdb), store(t, g)
	o := cacheddb.Options{BreakerCooldown: 10 * time.Millisecond, CacheTimeout: limit, LeaseTTL: 2 * patience, Events: r.events}
	r.one = process(t, cache, truth, o)
	o.Events = make(heard)
	r.two = process(t, cache, truth, o)
	return r
}

func (r *rig) stored() (session.ID, session.Record) {
	r.Helper()
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(r.T, r.one.Create(r.Context(), id, rec))
	r.finds(r.one, id, 1)
	r.finds(r.two, id, 1)
	return id, rec
}

func (r *rig) finds(s *cacheddb.Store, id session.ID, version uint64) {
	r.Helper()
	rec, err := s.Load(r.Context(), id)
	must(r.T, err)
	if rec.Version != version {
		r.Fatalf("found version %d, want %d", rec.Version, version)
	}
}

func (r *rig) lacks(s *cacheddb.Store, id session.ID) {
	r.Helper()
	if rec, err := s.Load(r.Context(), id); !errors.Is(err, session.ErrNotFound) {
		r.Fatalf("found version %d, %v; want ErrNotFound", rec.Version, err)
	}
}

// work is a life of a session in one process.
func (r *rig) work() {
	r.Helper()
	id, rec := r.stored()
	must(r.T, r.one.Update(r.Context(), id, next(rec), 1))
	r.finds(r.one, id, 2)
	must(r.T, r.one.Touch(r.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 2))
	if err := r.one.Delete(r.Context(), id, 2); err != nil && !errors.Is(err, session.ErrPending) {
		r.Fatal(err)
	}
	r.lacks(r.one, id)
}

func TestLossOfRedisChangesNoAnswer(t *testing.T) {
	r := newRig(t, patience)
	kept, rec := r.stored()
	ended, _ := r.stored()
	r.server.Kill(t)
	for range 5 {
		r.work()
	}
	r.events.until(t, session.EventCacheDown)
	must(t, r.one.Update(t.Context(), kept, next(rec), 1))
	if err := r.one.Delete(t.Context(), ended, 1); !errors.Is(err, session.ErrPending) {
		t.Fatalf("Delete: %v, want ErrPending", err)
	}
	r.finds(r.one, kept, 2)
	r.lacks(r.one, ended)
	r.server.Restart(t)
	r.events.until(t, session.EventCacheUp)
	for range 5 {
		r.work()
		r.finds(r.one, kept, 2)
		r.lacks(r.one, ended)
	}
}

func TestFrozenRedisGetsItsRemovalsWhenItThaws(t *testing.T) {
	r := newRig(t, 100*time.Millisecond)
	kept, rec := r.stored()
	ended, _ := r.stored()
	r.server.Stop(t)
	must(t, r.one.Update(t.Context(), kept, next(rec), 1))
	if err := r.one.Delete(t.Context(), ended, 1); !errors.Is(err, session.ErrPending) {
		t.Fatalf("Delete: %v, want ErrPending", err)
	}
	for range 5 {
		r.work()
	}
	r.events.until(t, session.EventCacheDown)
	r.finds(r.one, kept, 2)
	r.lacks(r.one, ended)
	r.server.Cont(t)
	r.events.until(t, session.EventCacheUp)
	r.finds(r.two, kept, 2) // the other process, which kept no account of it
	r.lacks(r.two, ended)
	r.work()
}

func TestFlushOfRedisChangesNoAnswer(t *testing.T) {
	r := newRig(t, patience)
	id, rec := r.stored()
	for v := range uint64(5) {
		must(t, r.rdb.FlushAll(t.Context()).Err())
		rec = next(rec)
		must(t, r.one.Update(t.Context(), id, rec, v+1))
		r.finds(r.two, id, v+2)
		must(t, r.rdb.FlushAll(t.Context()).Err())
		r.finds(r.one, id, v+2)
	}
}

func TestOtherProcessesSeeWritesAtOnceAlthoughRedisIsFull(t *testing.T) {
	r := newRig(t, patience, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	kept, rec := r.stored()
	ended, _ := r.stored()
	for chunk := 1 << 16; chunk > 0; chunk /= 2 {
		for r.rdb.RPush(t.Context(), "ballast", strings.Repeat("x", chunk)).Err() == nil {
		}
	}
	must(t, r.one.Update(t.Context(), kept, next(rec), 1))
	r.finds(r.two, kept, 2)
	r.events.until(t, session.EventCacheError) // so it is full
	must(t, r.one.Delete(t.Context(), ended, 1))
	r.lacks(r.two, ended)
	for range 10 {
		r.work()
	}
}

func TestReadsSurviveTheLossOfTheDatabase(t *testing.T) {
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	for name, c := range map[string]struct {
		db    database
		start func(testing.TB) *servers.SQLServer
	}{
		"PostgreSQL": {postgreSQL, servers.Postgres},
		"MariaDB":    {mariaDB, servers.MariaDB},
	} {
		t.Run(name, func(t *testing.T) {
			server := c.start(t)
			g, _ := c.db.at(server.DSN).open(t)
			cache := onRedis(connect(t, servers.SharedRedis(t).Addr))
			// Each entry is due for a re-check at once.
			s := process(t, cache, store(t, g), cacheddb.Options{
				CacheTimeout: patience, LeaseTTL: 2 * patience, RecheckAge: time.Millisecond, RecheckTimeout: 100 * time.Millisecond,
				BreakerCooldown: 10 * time.Millisecond, Events: make(heard),
			})
			id, rec := storetest.NewID(), storetest.NewRecord("bob")
			must(t, s.Create(t.Context(), id, rec))
			finds := func(version uint64) {
				t.Helper()
				got, err := s.Load(t.Context(), id)
				must(t, err)
				if got.Version != version {
					t.Fatalf("found version %d, want %d", got.Version, version)
				}
			}
			// warm loads until the cache has it: repairs of the writes that failed
			// may come in between.
			warm := func(version uint64) {
				t.Helper()
				for {
					finds(version)
					if e, err := cache.Get(t.Context(), id); err == nil && e.Record.Version == version {
						return
					}
				}
			}
			outage := func(version uint64) {
				t.Helper()
				for range 3 {
					finds(version)
				}
				short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if err := s.Update(short, id, next(rec), version); err == nil {
					t.Fatal("an update succeeded")
				}
				if err := s.Delete(short, id, version); err == nil {
					t.Fatal("a delete succeeded")
				}
				if err := s.Create(short, storetest.NewID(), rec); err == nil {
					t.Fatal("a create succeeded")
				}
				finds(version)
			}
			warm(1)
			server.Kill(t)
			outage(1)
			server.Restart(t)
			finds(1)
			for { // a pool may still hand out connections of the old server
				err := s.Update(t.Context(), id, next(rec), 1)
				if err == nil {
					break
				}
				if errors.Is(err, session.ErrConflict) || t.Context().Err() != nil {
					t.Fatal(err)
				}
			}
			warm(2)
			server.Stop(t)
			for range 3 {
				finds(2)
			}
			server.Cont(t)
			must(t, s.Ping(t.Context()))
			must(t, s.Delete(t.Context(), id, 2))
		})
	}
}

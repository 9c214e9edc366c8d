package redisstore_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// The process that wrote a key before may have a clock that is behind, and then
// the key lives longer than this one would say.
func TestATouchNeverShortensTheLifeOfAKey(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, rec := storetest.NewID(), storetest.NewRecord("")
	must(t, s.Create(t.Context(), id, rec))
	ok, err := s.AddLease(t.Context(), id, session.Lease{}, time.Minute)
	must(t, err)
	must(t, s.Fill(t.Context(), id, session.Lease{}, session.Cached{Record: rec, Checked: rec.Created}))
	long, expires := 1000*time.Hour, rec.Expires.Add(time.Minute)
	for what, c := range map[string]struct {
		key   string
		touch func() error
	}{
		"touch":       {p + string(id), func() error { return s.Touch(t.Context(), id, rec.LastSeen, expires, 1) }},
		"raise times": {p + "c:" + string(id), func() error { return s.RaiseTimes(t.Context(), id, rec.LastSeen, expires, 1) }},
	} {
		must(t, rdb.Expire(t.Context(), c.key, long).Err())
		must(t, c.touch())
		if ttl := rdb.PTTL(t.Context(), c.key).Val(); !ok || ttl < long-time.Hour {
			t.Errorf("after %s the key lives %v, want %v", what, ttl, long)
		}
	}
}

// beforeNth is a hook that calls a function once, before the script that is so
// many from now on.
type beforeNth struct {
	left atomic.Int32
	f    func()
}

func (h *beforeNth) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *beforeNth) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" && h.left.Add(-1) == 0 {
			h.f()
		}
		return next(ctx, cmd)
	}
}

func (h *beforeNth) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestALateTouchDoesNotShortenTheLifeOfAnIndex(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	longer := next(rec)
	longer.LifetimeEnd = rec.LifetimeEnd.Add(1000 * time.Hour)

	other := connect(t, rdb.Options())
	touching := openWith(t, other, redisstore.Options{Prefix: p})
	must(t, touching.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1)) // the scripts are known
	updated := false
	hook := &beforeNth{f: func() { updated = s.Update(t.Context(), id, longer, 1) == nil }}
	hook.left.Store(2) // between the record and the index
	other.AddHook(hook)
	must(t, touching.Touch(t.Context(), id, rec.LastSeen, rec.Expires.Add(time.Minute), 1))
	if !updated {
		t.Fatal("the session was not updated meanwhile; the test proves nothing")
	}
	byCreated, byEnd := indexKeys(p, "bob")
	for _, key := range []string{byCreated, byEnd} {
		if ttl, least := rdb.PTTL(t.Context(), key).Val(), time.Until(longer.LifetimeEnd); ttl < least {
			t.Errorf("%s lives %v, want %v", key, ttl, least)
		}
	}
}

func TestAnIndexThatATouchBringsBackLivesAsLongAsTheSessionCan(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		must(t, rdb.Del(t.Context(), byCreated, byEnd).Err())
		must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1))
		for _, key := range []string{byCreated, byEnd} {
			if ttl, least := rdb.PTTL(t.Context(), key).Val(), time.Until(rec.LifetimeEnd); ttl < least {
				t.Errorf("%s lives %v, want %v", key, ttl, least)
			}
		}
	})
}

func TestACachedEntryThatWasWrittenOverLivesAsLongAsANewOne(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, entry := storetest.NewID(), session.Cached{Record: storetest.NewRecord("bob"), Checked: storetest.Now()}
	_, err := s.AddLease(t.Context(), id, session.Lease{}, time.Minute)
	must(t, err)
	must(t, s.Fill(t.Context(), id, session.Lease{}, entry))
	write := func(what string, f func(read, entry session.Cached) error) {
		t.Helper()
		read := entry
		entry.Record = next(entry.Record)
		entry.Record.Expires = entry.Record.Expires.Add(10 * time.Hour)
		must(t, f(read, entry))
		ttl := rdb.PTTL(t.Context(), p+"c:"+string(id)).Val()
		if want := time.Until(entry.Record.Expires) + session.ExpiryGrace; ttl < want-time.Minute || ttl > want+time.Minute {
			t.Errorf("%s: lives %v, want %v", what, ttl, want)
		}
	}
	write("replaced", func(_, entry session.Cached) error { return s.Replace(t.Context(), id, entry) })
	write("refreshed", func(read, entry session.Cached) error { return s.Refresh(t.Context(), id, read, entry) })
}

func TestALeaseOfNoTimeIsOneOfAMillisecond(t *testing.T) {
	s := open(t, single(t))
	for _, ttl := range []time.Duration{time.Microsecond, 0, -time.Second} {
		if ok, err := s.AddLease(t.Context(), storetest.NewID(), session.Lease{}, ttl); !ok || err != nil {
			t.Errorf("a lease of %v: %v, %v", ttl, ok, err)
		}
	}
}

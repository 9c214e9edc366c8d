package redisstore_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// BenchmarkLoad is a load of a record with 1 KB of values.
func BenchmarkLoad(b *testing.B) {
	rdb := redis.NewClient(&redis.Options{Addr: servers.SharedRedis(b).Addr, ContextTimeoutEnabled: true})
	b.Cleanup(func() { _ = rdb.Close() })
	o := redisstore.Options{Prefix: prefix()}
	stores := map[string]*redisstore.Store{"Redis": redisstore.New(rdb, o)}
	o.Near.MaxStale = time.Minute
	stores["near"] = near(b, rdb, o)
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	rec.Payload = make([]byte, 1<<10)
	if err := stores["Redis"].Create(b.Context(), id, rec); err != nil {
		b.Fatal(err)
	}
	hears(b, stores["near"])
	for name, s := range stores {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Load(b.Context(), id); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Load(b.Context(), id); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// From when Revoke has returned in one process until another serves the session
// no longer. Nothing depends on the figures.
func TestHowLongARevokedSessionIsSeenElsewhere(t *testing.T) {
	o := redisstore.Options{Prefix: prefix()}
	a := near(t, single(t), o)
	b := near(t, single(t), o)
	m := session.Must(session.New(session.Options{Store: a, Logger: slog.New(slog.DiscardHandler)}))
	var took []time.Duration
	for range 200 {
		id := storetest.NewID()
		must(t, a.Create(t.Context(), id, storetest.NewRecord("bob")))
		for entries := b.NearState().Entries; b.NearState().Entries == entries; { // it may hear of the creation late
			nears["record"].loads(t, b, id, 1)
		}
		must(t, m.Revoke(t.Context(), id))
		start := time.Now()
		for {
			if _, err := b.Load(t.Context(), id); errors.Is(err, session.ErrNotFound) {
				break
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("median %v, 99 of 100 within %v, at most %v", took[100], took[198], took[199])
}

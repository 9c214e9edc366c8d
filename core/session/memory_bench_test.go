package session_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func BenchmarkMemoryStore(b *testing.B) {
	ctx := b.Context()
	fill := func(b *testing.B, n int) (*session.MemoryStore, []session.ID) {
		s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: n})
		ids := make([]session.ID, n)
		for i := range ids {
			ids[i] = storetest.NewID()
			rec := storetest.NewRecord("user" + strconv.Itoa(i))
			rec.Payload = make([]byte, 1000)
			if err := s.Create(ctx, ids[i], rec); err != nil {
				b.Fatal(err)
			}
		}
		return s, ids
	}
	b.Run("Load", func(b *testing.B) {
		s, ids := fill(b, 10_000)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Load(ctx, ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Update", func(b *testing.B) {
		s, ids := fill(b, 10_000)
		rec := storetest.NewRecord("user0")
		rec.Payload = make([]byte, 1000)
		b.ReportAllocs()
		for b.Loop() {
			rec.Version++
			if err := s.Update(ctx, ids[0], rec, rec.Version-1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Touch", func(b *testing.B) {
		s, ids := fill(b, 10_000)
		now := storetest.Now()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			now = now.Add(time.Microsecond)
			if err := s.Touch(ctx, ids[i%len(ids)], now, now.Add(time.Hour), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("CreateDelete", func(b *testing.B) {
		s := session.NewMemoryStore(session.MemoryOptions{})
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		b.ReportAllocs()
		for b.Loop() {
			if s.Create(ctx, id, rec) != nil || s.Delete(ctx, id, 1) != nil {
				b.Fatal()
			}
		}
	})
	b.Run("CreateRefused", func(b *testing.B) {
		s, _ := fill(b, 100_000)
		id, rec := storetest.NewID(), storetest.NewRecord("")
		b.ReportAllocs()
		for b.Loop() {
			if s.Create(ctx, id, rec) == nil {
				b.Fatal("not full")
			}
		}
	})
	b.Run("CacheGet", func(b *testing.B) {
		s := session.NewMemoryStore(session.MemoryOptions{})
		ids := make([]session.ID, 10_000)
		for i := range ids {
			ids[i] = storetest.NewID()
			lease := session.Lease{byte(i), byte(i >> 8)}
			_, _ = s.AddLease(ctx, ids[i], lease, time.Hour)
			_ = s.Fill(ctx, ids[i], lease, session.Cached{Record: storetest.NewRecord("bob")})
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Get(ctx, ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("CacheLeaseEvict", func(b *testing.B) {
		s := session.NewMemoryStore(session.MemoryOptions{MaxCached: 10_000})
		ids := make([]session.ID, 50_000)
		for i := range ids {
			ids[i] = storetest.NewID()
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.AddLease(ctx, ids[i%len(ids)], session.Lease{}, time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package cacheddb_test

import (
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// What this package adds to a call of the cache.
func BenchmarkWarmLoad(b *testing.B) {
	cache := session.NewMemoryStore(session.MemoryOptions{})
	s := cacheddb.New(cache, session.NewMemoryStore(session.MemoryOptions{}), cacheddb.Options{})
	id := storetest.NewID()
	if err := s.Create(b.Context(), id, storetest.NewRecord("bob")); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Load(b.Context(), id); err != nil {
		b.Fatal(err)
	}
	b.Run("cache alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = cache.Get(b.Context(), id)
		}
	})
	b.Run("cacheddb", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Load(b.Context(), id)
		}
	})
}

package session_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// fillCache caches n entries with payloads of the given size.
func fillCache(t testing.TB, s *session.MemoryStore, n, size int) []session.ID {
	t.Helper()
	ids := make([]session.ID, n)
	for i := range ids {
		ids[i] = storetest.NewID()
		e := session.Cached{Record: storetest.NewRecord("bob"), Checked: storetest.Now()}
		e.Record.Payload = make([]byte, size)
		_, err := s.AddLease(t.Context(), ids[i], session.Lease{1}, time.Hour)
		must(t, err)
		must(t, s.Fill(t.Context(), ids[i], session.Lease{1}, e))
	}
	return ids
}

// cached counts the entries that are there.
func cached(t testing.TB, s *session.MemoryStore, ids []session.ID) (n int) {
	t.Helper()
	for _, id := range ids {
		if _, err := s.Get(t.Context(), id); err == nil {
			n++
		}
	}
	return n
}

func TestMemoryCacheEvictsWhatIsUnusedWhenItHasTooManyEntries(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxCached: 6400, MaxRecords: 1})
	old := fillCache(t, s, 6400, 10)
	if n := cached(t, s, old); n != 6400 {
		t.Fatalf("%d entries, want all 6400: there is room", n)
	}
	used := old[:640] // these are used all the time, the others no more
	var fresh []session.ID
	for range 10 {
		cached(t, s, used)
		fresh = append(fresh, fillCache(t, s, 320, 10)...)
	}
	kept, others, added := cached(t, s, used), cached(t, s, old[640:]), cached(t, s, fresh)
	if sum := kept + others + added; sum != 6400 {
		t.Fatalf("%d entries, want 6400: one goes for each that comes", sum)
	}
	if kept < 630 || added < 3190 { // shards are not quite of one size
		t.Fatalf("%d of 640 used, %d of 5760 unused and %d of 3200 new entries are kept", kept, others, added)
	}
}

func TestMemoryCacheEvictsWhenItsEntriesAreTooLarge(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxBytes: 1 << 20})
	ids := fillCache(t, s, 100, 50_000)
	if n := cached(t, s, ids); n > 20 || n < 15 {
		t.Fatalf("%d entries of 50 kB are within 1 MiB", n)
	}
}

func TestMemoryCacheDoesNotKeepAnEntryLargerThanItself(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxBytes: 1 << 20})
	small := fillCache(t, s, 10, 10)
	id := fillCache(t, s, 1, 2<<20)
	if n := cached(t, s, id); n != 0 {
		t.Fatal("it is kept")
	}
	if n := cached(t, s, small); n != 10 {
		t.Fatalf("for its sake only %d of 10 others are kept", n)
	}
	if ok, err := s.AddLease(t.Context(), id[0], session.Lease{2}, time.Hour); !ok || err != nil {
		t.Fatalf("AddLease: %v, error %v; want nothing to be left there", ok, err)
	}
	large := session.Cached{Record: storetest.NewRecord("bob")}
	large.Record.Version, large.Record.Payload = 2, make([]byte, 2<<20)
	must(t, s.Replace(t.Context(), small[0], large))
	if n := cached(t, s, small); n != 9 {
		t.Fatalf("%d of 10 entries are there after one grew too large, want 9: it must not stay as it was", n)
	}
}

func TestMemoryCacheKeepsItsEntriesThroughAFloodOfUnknownIDs(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxCached: 1000})
	ids := fillCache(t, s, 800, 10)
	for range 20_000 {
		_, err := s.AddLease(t.Context(), storetest.NewID(), session.Lease{1}, time.Hour)
		must(t, err)
	}
	if n := cached(t, s, ids); n != 800 {
		t.Fatalf("%d of 800 entries are left", n)
	}
	// A new lease may be the only one of its shard, and go at once.
	if n := cached(t, s, fillCache(t, s, 20, 10)); n < 15 {
		t.Fatalf("%d of 20 loads could fill", n)
	}
}

func TestMemoryCacheWorksHoweverSmall(t *testing.T) {
	for most := 1; most < 20; most++ {
		s := session.NewMemoryStore(session.MemoryOptions{MaxCached: most})
		ids := fillCache(t, s, 100, 10)
		if n := cached(t, s, ids); n < 1 || n > most {
			t.Fatalf("%d entries, want 1 to %d", n, most)
		}
	}
}

func TestMemoryCacheDropsAnEntryTheGraceAfterItsExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{})
		ids := fillCache(t, s, 1, 10) // for an hour
		time.Sleep(time.Hour + session.ExpiryGrace)
		if cached(t, s, ids) != 1 {
			t.Fatal("it is dropped too early")
		}
		time.Sleep(time.Microsecond)
		if ok, err := s.AddLease(t.Context(), ids[0], session.Lease{2}, time.Hour); !ok || err != nil {
			t.Fatalf("AddLease: %v, error %v; want nothing to be left there", ok, err)
		}
		if cached(t, s, ids) != 0 {
			t.Fatal("it is still there")
		}
	})
}

func TestMemoryCacheEndsALeaseInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{})
		id, e := storetest.NewID(), session.Cached{Record: storetest.NewRecord("bob")}
		add := func() bool {
			ok, err := s.AddLease(t.Context(), id, session.Lease{1}, 10*time.Second)
			must(t, err)
			return ok
		}
		if !add() {
			t.Fatal("there is nothing, but no lease was placed")
		}
		time.Sleep(10*time.Second - 1)
		if add() {
			t.Fatal("the lease ended too early")
		}
		time.Sleep(time.Nanosecond)
		must(t, s.Fill(t.Context(), id, session.Lease{1}, e))
		if cached(t, s, []session.ID{id}) != 0 {
			t.Fatal("a lease that ended could fill")
		}
		if !add() {
			t.Fatal("the lease did not end")
		}
	})
}

func TestMemoryStoreAndCacheAreBoundedApart(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: 5, MaxCached: 5, MaxBytes: 20_000})
	ids := createN(t, s, "bob", 5)
	entries := fillCache(t, s, 50, 10)
	for _, id := range ids {
		_, err := s.Load(t.Context(), id)
		must(t, err)
	}
	if n := cached(t, s, entries); n < 3 || n > 5 {
		t.Fatalf("%d entries, want about 5", n)
	}
}

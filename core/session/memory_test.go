package session_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// That it keeps the contracts is shown in package storetest.
var _ cacheddb.Cache = (*session.MemoryStore)(nil)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

// createN creates n records of the principal.
func createN(t testing.TB, s *session.MemoryStore, principal string, n int) []session.ID {
	t.Helper()
	ids := make([]session.ID, n)
	for i := range ids {
		ids[i] = storetest.NewID()
		must(t, s.Create(t.Context(), ids[i], storetest.NewRecord(principal)))
	}
	return ids
}

func TestMemoryStoreRefusesNewRecordsWhenFullAndKeepsTheOld(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: 10})
	ids := createN(t, s, "bob", 10)
	for range 20 {
		wantErr(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("eve")), session.ErrFull)
	}
	for _, id := range ids {
		_, err := s.Load(t.Context(), id)
		must(t, err)
	}
	must(t, s.Delete(t.Context(), ids[0], 1))
	createN(t, s, "alice", 1)
	wantErr(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("eve")), session.ErrFull)
}

func TestMemoryStoreMakesRoomOfWhatExpiredLongerThanTheGraceAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: 10})
		ids := createN(t, s, "bob", 10) // for an hour
		rec, err := s.Load(t.Context(), ids[3])
		must(t, err)
		must(t, s.Touch(t.Context(), ids[3], rec.LastSeen, rec.Expires.Add(time.Hour), 1))

		time.Sleep(time.Hour + session.ExpiryGrace)
		wantErr(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("alice")), session.ErrFull)
		_, err = s.Load(t.Context(), ids[0])
		must(t, err)

		time.Sleep(time.Microsecond)
		createN(t, s, "alice", 9)
		wantErr(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("alice")), session.ErrFull)
		_, err = s.Load(t.Context(), ids[3])
		must(t, err)
		if page, _, err := s.List(t.Context(), "bob", "", 10); err != nil || len(page) != 1 || page[0].ID != ids[3] {
			t.Fatalf("%d records of bob are listed, error %v; want the one that was touched", len(page), err)
		}
	})
}

func TestMemoryStoreForgetsExpiredRecordsWithoutBeingPurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{})
		createN(t, s, "bob", 1000)
		time.Sleep(2 * time.Hour)
		createN(t, s, "alice", 1000)
		n, err := s.Purge(t.Context(), time.Now(), 10_000)
		if must(t, err); n > 100 { // nearly none; where they are depends on the hash
			t.Fatalf("%d expired records of 1000 were left", n)
		}
	})
}

func TestMemoryStoreForgetsARecordEarlierWhenAnUpdateMadeItExpireEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: 10})
		ids := createN(t, s, "bob", 10)
		for _, id := range ids[:4] {
			rec := storetest.NewRecord("")
			rec.Version, rec.MovedTo, rec.Expires = 2, storetest.NewID(), storetest.Now().Add(time.Minute)
			must(t, s.Update(t.Context(), id, rec, 1))
		}
		time.Sleep(time.Minute + session.ExpiryGrace + time.Microsecond)
		createN(t, s, "alice", 4)
		wantErr(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("alice")), session.ErrFull)
	})
}

func TestMemoryStoreBoundsBytes(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{MaxBytes: 100_000})
	large := func(n int) session.Record {
		rec := storetest.NewRecord("bob")
		rec.Payload = make([]byte, n)
		return rec
	}
	ids := []session.ID{storetest.NewID(), storetest.NewID()}
	for _, id := range ids {
		must(t, s.Create(t.Context(), id, large(45_000)))
	}
	wantErr(t, s.Create(t.Context(), storetest.NewID(), large(10_000)), session.ErrFull)

	grown := large(60_000)
	grown.Version = 2
	wantErr(t, s.Update(t.Context(), ids[0], grown, 1), session.ErrFull)
	if rec, err := s.Load(t.Context(), ids[0]); err != nil || rec.Version != 1 || len(rec.Payload) != 45_000 {
		t.Fatalf("after a refused update: version %d, %d bytes, error %v", rec.Version, len(rec.Payload), err)
	}
	shrunk := large(10)
	shrunk.Version = 2
	must(t, s.Update(t.Context(), ids[1], shrunk, 1))
	must(t, s.Update(t.Context(), ids[0], grown, 1))
	must(t, s.Delete(t.Context(), ids[0], 2))
	must(t, s.Create(t.Context(), storetest.NewID(), large(90_000)))
}

func TestMemoryStoreMakesRoomForAnUpdateToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := session.NewMemoryStore(session.MemoryOptions{MaxBytes: 100_000})
		old, kept := storetest.NewRecord("bob"), storetest.NewRecord("bob")
		old.Payload = make([]byte, 60_000)
		kept.Expires = kept.Expires.Add(24 * time.Hour)
		id := storetest.NewID()
		must(t, s.Create(t.Context(), storetest.NewID(), old))
		must(t, s.Create(t.Context(), id, kept))
		kept.Version, kept.Payload = 2, make([]byte, 60_000)
		wantErr(t, s.Update(t.Context(), id, kept, 1), session.ErrFull)
		time.Sleep(2 * time.Hour)
		kept.LastSeen = time.Now()
		must(t, s.Update(t.Context(), id, kept, 1))
	})
}

func TestMemoryStoreCountsExactlyUnderParallelUse(t *testing.T) {
	const most = 64
	probe := storetest.NewRecord("bob")
	probe.Payload = nil
	s := session.NewMemoryStore(session.MemoryOptions{MaxRecords: most, MaxBytes: 60_000})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			principal := fmt.Sprint("user", g%3)
			var mine []session.ID
			for i := range 300 {
				id, rec := storetest.NewID(), storetest.NewRecord(principal)
				rec.Payload = make([]byte, i%7*100)
				switch err := s.Create(t.Context(), id, rec); {
				case err == nil:
					mine = append(mine, id)
				case !errors.Is(err, session.ErrFull):
					t.Error(err)
				}
				if len(mine) > 0 && i%3 == 0 {
					rec.Version = 2
					_ = s.Update(t.Context(), mine[0], rec, 1) // may be full
					cur, _ := s.Load(t.Context(), mine[0])
					if err := s.Delete(t.Context(), mine[0], cur.Version); err != nil {
						t.Error(err)
					}
					mine = mine[1:]
				}
				if page, _, err := s.List(t.Context(), principal, "", most+1); err != nil || len(page) > most {
					t.Errorf("%d records of %s, error %v", len(page), principal, err)
				}
			}
			for _, id := range mine {
				cur, _ := s.Load(t.Context(), id)
				if err := s.Delete(t.Context(), id, cur.Version); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if page, next, err := s.Scan(t.Context(), "", 1); len(page) != 0 || next != "" || err != nil {
		t.Fatalf("%d records are left, error %v", len(page), err)
	}
	for range most {
		must(t, s.Create(t.Context(), storetest.NewID(), probe))
	}
	wantErr(t, s.Create(t.Context(), storetest.NewID(), probe), session.ErrFull)
}

func TestMemoryStoreKeepsNoPartOfALongerText(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{})
	header := strings.Repeat("x", 1<<20)
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	rec.Device.UserAgent = header[:session.MaxUserAgent]
	same := func() bool {
		got, err := s.Load(t.Context(), id)
		must(t, err)
		return unsafe.StringData(got.Device.UserAgent) == unsafe.StringData(header)
	}
	must(t, s.Create(t.Context(), id, rec))
	if same() {
		t.Fatal("Create keeps the header alive")
	}
	rec.Version = 2
	must(t, s.Update(t.Context(), id, rec, 1))
	if same() {
		t.Fatal("Update keeps the header alive")
	}
}

func TestMemoryStoreLoadsWithOneAllocation(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{})
	id := createN(t, s, "bob", 1)[0]
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Load(ctx, id) }); n > 1 {
		t.Fatalf("%v allocations, want 1", n)
	}
}

func TestMemoryStoreRefusesWhatIsNoCursorOrLimit(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{})
	createN(t, s, "bob", 3)
	for _, after := range []string{"x", "1.x", ".", "99999999999999999999.", "1.2.3", " ", "\x00"} {
		_, _, err := s.List(t.Context(), "bob", after, 10)
		wantErr(t, err, session.ErrInvalid)
		_, _, err = s.Scan(t.Context(), after, 10)
		wantErr(t, err, session.ErrInvalid)
	}
	for _, number := range []string{"-1.", "64.", "9223372036854775807.", "-9223372036854775808."} {
		_, _, err := s.List(t.Context(), "bob", number, 10)
		must(t, err)
		page, next, err := s.Scan(t.Context(), number, 10)
		if must(t, err); len(page) != 0 || next != "" {
			t.Fatalf("a scan from %q: %d records, next %q", number, len(page), next)
		}
	}
	for _, limit := range []int{0, -1} {
		_, _, err := s.List(t.Context(), "bob", "", limit)
		wantErr(t, err, session.ErrInvalid)
		_, _, err = s.Scan(t.Context(), "", limit)
		wantErr(t, err, session.ErrInvalid)
		if n, err := s.Purge(t.Context(), time.Now().Add(24*time.Hour), limit); n != 0 || err != nil {
			t.Fatalf("Purge of at most %d: %d, error %v", limit, n, err)
		}
	}
}

func TestMemoryStoreListsNoAnonymousRecords(t *testing.T) {
	s := session.NewMemoryStore(session.MemoryOptions{})
	createN(t, s, "", 3)
	if page, next, err := s.List(t.Context(), "", "", 10); len(page) != 0 || next != "" || err != nil {
		t.Fatalf("%d records, next %q, error %v", len(page), next, err)
	}
}

func TestMemoryStoreValidatesItsBounds(t *testing.T) {
	for _, o := range []session.MemoryOptions{{MaxRecords: -1}, {MaxCached: -1}, {MaxBytes: -1}} {
		wantErr(t, session.NewMemoryStore(o).Validate(), session.ErrInvalid)
	}
	must(t, session.NewMemoryStore(session.MemoryOptions{MaxRecords: 1, MaxCached: 1, MaxBytes: 1}).Validate())
}

func TestMemoryStoreKeepsSessionsOfAnEngineWhoseClockIsBehind(t *testing.T) {
	s := newSite(t, session.Options{Store: session.NewMemoryStore(session.MemoryOptions{})})
	s.clock.now = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	var all []*browser
	for range 50 {
		b := s.browser()
		b.visit(add("tea")).want(200)
		all = append(all, b)
	}
	for _, b := range all {
		b.sees("", "tea")
	}
}

package redisstore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// The process that entered a record may have a clock that is behind by less than
// the grace.
func TestAClockThatIsAheadDropsNoEntryOfALiveRecord(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		id := storetest.NewID()
		must(t, s.Create(t.Context(), id, storetest.NewRecord("bob")))
		member := rdb.ZRange(t.Context(), byCreated, 0, -1).Val()[0]
		ended := time.Now().Add(time.Minute - session.ExpiryGrace)
		must(t, rdb.ZAdd(t.Context(), byEnd, redis.Z{Member: member, Score: float64(ended.UnixMilli())}).Err())
		must(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("bob")))
		if got := listed(t, s, "bob"); len(got) != 2 || !slices.Contains(got, id) {
			t.Errorf("listed %v, want also %s", got, id)
		}
	})
}

func TestAListDropsNoEntryWithinTwoTimeLimitsAndTheGrace(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p, Timeout: time.Hour})
	byCreated, byEnd := indexKeys(p, "bob")
	now, most := time.Now(), 2*time.Hour+session.ExpiryGrace
	young := member(storetest.NewID(), now, now.Add(time.Minute-most))
	old := member(storetest.NewID(), now, now.Add(-time.Minute-most))
	for _, m := range []string{young, old} {
		must(t, rdb.ZAdd(t.Context(), byCreated, redis.Z{Member: m}).Err())
		must(t, rdb.ZAdd(t.Context(), byEnd, redis.Z{Member: m, Score: float64(now.Add(time.Hour).UnixMilli())}).Err())
	}
	if got := listed(t, s, "bob"); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
	for _, key := range []string{byCreated, byEnd} {
		if left := rdb.ZRange(t.Context(), key, 0, -1).Val(); !slices.Equal(left, []string{young}) {
			t.Errorf("%s has %q, want the young entry alone", key, left)
		}
	}
}

// A newer version of this package may have written it, and lists it.
func TestAListKeepsTheEntryOfARecordThatCannotBeRead(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		id, now := storetest.NewID(), time.Now()
		m := member(id, now, now.Add(-time.Hour))
		must(t, rdb.Set(t.Context(), p+string(id), "R2 and more", 0).Err())
		must(t, rdb.ZAdd(t.Context(), byCreated, redis.Z{Member: m}).Err())
		must(t, rdb.ZAdd(t.Context(), byEnd, redis.Z{Member: m, Score: float64(now.Add(time.Hour).UnixMilli())}).Err())
		if got := listed(t, s, "bob"); len(got) != 0 {
			t.Errorf("listed %v", got)
		}
		for _, key := range []string{byCreated, byEnd} {
			if left := rdb.ZRange(t.Context(), key, 0, -1).Val(); !slices.Equal(left, []string{m}) {
				t.Errorf("%s has %q, want the entry", key, left)
			}
		}
	})
}

// A renewal takes its entry out of the index with a second command, which may
// come late or never.
func TestAMovedMarkIsNotListedWhileItsEntryIsStillThere(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, _ := indexKeys(p, "bob")
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		member := rdb.ZRange(t.Context(), byCreated, 0, -1).Val()[0]
		must(t, s.Update(t.Context(), id, moved(rec), 1))
		must(t, rdb.ZAdd(t.Context(), byCreated, redis.Z{Member: member}).Err())
		if page, _, err := s.List(t.Context(), "bob", "", 10); len(page) != 0 || err != nil {
			t.Errorf("listed %v (%v), want nothing", page, err)
		}
	})
}

func TestAnUpdateOfWhenARecordWasCreatedMovesItInTheList(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		var ids []session.ID
		rec := storetest.NewRecord("bob")
		for range 3 {
			id := storetest.NewID()
			rec.Created = rec.Created.Add(time.Second)
			must(t, s.Create(t.Context(), id, rec))
			ids = append(ids, id)
		}
		last := next(rec)
		last.Created = rec.Created.Add(-time.Minute)
		must(t, s.Update(t.Context(), ids[2], last, 1))
		if got := listed(t, s, "bob"); !slices.Equal(got, []session.ID{ids[1], ids[0], ids[2]}) {
			t.Errorf("listed %v of %v, want the last at the end, once", got, ids)
		}
	})
}

func TestATouchThatCannotBringItsEntryBackIsAnError(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, _ := indexKeys(p, "bob")
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		must(t, rdb.Del(t.Context(), byCreated).Err())
		must(t, rdb.Set(t.Context(), byCreated, "foreign", 0).Err())
		if err := s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1); !redis.HasErrorPrefix(err, "WRONGTYPE") {
			t.Errorf("got %v, want WRONGTYPE", err)
		}
	})
}

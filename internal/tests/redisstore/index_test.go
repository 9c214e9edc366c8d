package redisstore_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func indexKeys(prefix, principal string) (byCreated, byEnd string) {
	key := prefix + "p:{" + base64.RawURLEncoding.EncodeToString([]byte(principal)) + "}"
	return key, key + ":end"
}

// member is the index entry of a record that was created, or is in the course of
// being created, at added.
func member(id session.ID, created, added time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(created.UnixMicro())^1<<63)
	b = append(b, id...)
	return string(binary.BigEndian.AppendUint64(b, uint64(added.UnixMicro())^1<<63))
}

func listed(t *testing.T, s *redisstore.Store, principal string) (ids []session.ID) {
	t.Helper()
	for after := ""; ; {
		page, next, err := s.List(t.Context(), principal, after, 2)
		must(t, err)
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if next == "" {
			return ids
		}
		after = next
	}
}

// bothServers runs a test on one server and on a cluster.
func bothServers(t *testing.T, f func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, prefix string)) {
	for name, rdb := range map[string]redis.UniversalClient{"one server": single(t), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			p := prefix()
			f(t, rdb, openWith(t, rdb, redisstore.Options{Prefix: p}), p)
		})
	}
}

func TestATouchBringsALostIndexBack(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		member := rdb.ZRange(t.Context(), byCreated, 0, -1).Val()
		must(t, rdb.Del(t.Context(), byCreated, byEnd).Err()) // as an eviction does
		if got := listed(t, s, "bob"); len(got) != 0 {
			t.Fatalf("listed without an index: %v", got)
		}
		must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1)) // even one that moves nothing
		if got := listed(t, s, "bob"); !slices.Equal(got, []session.ID{id}) {
			t.Errorf("listed after a touch: %v", got)
		}
		must(t, rdb.Del(t.Context(), byEnd).Err())
		must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1))
		if got := rdb.ZRange(t.Context(), byEnd, 0, -1).Val(); !slices.Equal(got, member) {
			t.Errorf("the second set has %q, want %q", got, member)
		}
	})
}

func TestAListDropsOldEntriesWithoutARecordAndNoYoungOnes(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		now := time.Now()
		live := storetest.NewID()
		must(t, s.Create(t.Context(), live, storetest.NewRecord("bob")))
		evicted := storetest.NewID()
		must(t, s.Create(t.Context(), evicted, storetest.NewRecord("bob")))
		must(t, rdb.Del(t.Context(), p+string(evicted)).Err())
		enlist := func(m string) string {
			must(t, rdb.ZAdd(t.Context(), byCreated, redis.Z{Member: m}).Err())
			must(t, rdb.ZAdd(t.Context(), byEnd, redis.Z{Member: m, Score: float64(now.Add(time.Hour).UnixMilli())}).Err())
			return m
		}
		// A renewed session keeps the time it began: only the time of the entry counts.
		old := enlist(member(storetest.NewID(), now, now.Add(-time.Hour)))
		coming := enlist(member(storetest.NewID(), now.Add(-24*time.Hour), now))
		notTheirs := enlist(member(live, now, now.Add(-time.Hour))) // of a record that was created again
		junk := enlist("junk")

		if got := listed(t, s, "bob"); !slices.Equal(got, []session.ID{live}) {
			t.Errorf("listed %v", got)
		}
		for _, key := range []string{byCreated, byEnd} {
			left := rdb.ZRange(t.Context(), key, 0, -1).Val()
			if slices.Contains(left, old) || slices.Contains(left, notTheirs) || !slices.Contains(left, coming) || !slices.Contains(left, junk) || len(left) != 4 {
				t.Errorf("%s has %q", key, left)
			}
		}
	})
}

func TestAnIndexThatNobodyListsStaysSmall(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		long := time.Now().Add(-24 * time.Hour)
		for i := range 5 {
			m := member(storetest.NewID(), long, long.Add(time.Duration(i)))
			must(t, rdb.ZAdd(t.Context(), byCreated, redis.Z{Member: m}).Err())
			must(t, rdb.ZAdd(t.Context(), byEnd, redis.Z{Member: m, Score: float64(long.UnixMilli())}).Err())
		}
		must(t, s.Create(t.Context(), storetest.NewID(), storetest.NewRecord("bob")))
		for _, key := range []string{byCreated, byEnd} {
			if n := rdb.ZCard(t.Context(), key).Val(); n != 1 {
				t.Errorf("%s has %d entries, want 1", key, n)
			}
		}
	})
}

func TestAnIndexGoesWithItsLastRecord(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		gone := func(what string) {
			t.Helper()
			for _, key := range []string{byCreated, byEnd} {
				if rdb.Exists(t.Context(), key).Val() != 0 {
					t.Errorf("after %s the index is still there", what)
				}
			}
		}
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		must(t, s.Update(t.Context(), id, moved(rec), 1))
		gone("a renewal")
		id = storetest.NewID()
		must(t, s.Create(t.Context(), id, rec))
		must(t, s.Touch(t.Context(), id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1))
		must(t, s.Update(t.Context(), id, next(rec), 1))
		must(t, s.Delete(t.Context(), id, 2))
		gone("a logout")
		must(t, s.Create(t.Context(), id, rec))
		if n, err := s.Purge(t.Context(), rec.Expires.Add(time.Hour), 10); n != 2 || err != nil { // and the mark
			t.Fatalf("purged %d, %v", n, err)
		}
		gone("a purge")
	})
}

// An update moves the expiry without telling the index, so the index has to live
// as long as the session can.
func TestAnIndexLivesAsLongAsItsSessionsCan(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, byEnd := indexKeys(p, "bob")
		lives := func(what string, until time.Time) {
			t.Helper()
			for _, key := range []string{byCreated, byEnd} {
				if ttl, least := rdb.PTTL(t.Context(), key).Val(), time.Until(until)+session.ExpiryGrace; ttl < least || ttl > least+time.Hour/2 {
					t.Errorf("%s: %s lives %v, want %v", what, key, ttl, least)
				}
			}
		}
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		must(t, s.Create(t.Context(), id, rec))
		lives("created", rec.LifetimeEnd)
		short := storetest.NewRecord("bob")
		short.LifetimeEnd = short.Expires
		must(t, s.Create(t.Context(), storetest.NewID(), short))
		lives("beside a shorter session", rec.LifetimeEnd)
		rec = next(rec)
		rec.LifetimeEnd = rec.LifetimeEnd.Add(100 * time.Hour)
		must(t, s.Update(t.Context(), id, rec, 1))
		lives("with a longer lifetime", rec.LifetimeEnd)
		must(t, s.Delete(t.Context(), id, 2))
		must(t, s.Create(t.Context(), storetest.NewID(), short))
		lives("without the longest session", short.LifetimeEnd)
	})
}

func TestAForeignKeyInThePlaceOfAnIndexIsAnErrorAndStays(t *testing.T) {
	bothServers(t, func(t *testing.T, rdb redis.UniversalClient, s *redisstore.Store, p string) {
		byCreated, _ := indexKeys(p, "bob")
		must(t, rdb.Set(t.Context(), byCreated, "foreign", 0).Err())
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		if err := s.Create(t.Context(), id, rec); !redis.HasErrorPrefix(err, "WRONGTYPE") {
			t.Errorf("Create: %v", err)
		}
		if _, err := s.Load(t.Context(), id); err == nil {
			t.Error("a record was created that no list shows")
		}
		if _, _, err := s.List(t.Context(), "bob", "", 1); !redis.HasErrorPrefix(err, "WRONGTYPE") {
			t.Errorf("List: %v", err)
		}
		if got := rdb.Get(t.Context(), byCreated).Val(); got != "foreign" {
			t.Errorf("the key has %q", got)
		}
	})
}

func TestAPageOfAListIsBoundedHoweverMuchIsAskedFor(t *testing.T) {
	s := open(t, single(t))
	var want []session.ID
	for i := range 1001 {
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		rec.Created = rec.Created.Add(-time.Duration(i) * time.Second)
		must(t, s.Create(t.Context(), id, rec))
		want = append(want, id)
	}
	page, after, err := s.List(t.Context(), "bob", "", math.MaxInt)
	must(t, err)
	rest, end, err := s.List(t.Context(), "bob", after, math.MaxInt)
	must(t, err)
	var got []session.ID
	for _, r := range append(page, rest...) {
		got = append(got, r.ID)
	}
	if len(page) != 1000 || end != "" || !slices.Equal(got, want) {
		t.Errorf("pages of %d and %d records, then %q", len(page), len(rest), end)
	}
}

// A proxy in front of a cluster looks like one server, but does not take the
// keys of two slots in one script. So does a cluster of one node.
func TestALoginWorksThroughAProxyToACluster(t *testing.T) {
	rdb := connect(t, &redis.Options{Addr: servers.Redis(t, "--cluster-enabled", "yes").Addr})
	must(t, rdb.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	for rdb.ClusterInfo(t.Context()).Val()[:len("cluster_state:ok")] != "cluster_state:ok" {
		must(t, t.Context().Err())
	}
	sent := &recorder{}
	rdb.AddHook(sent)
	s := open(t, rdb)
	warm(t, s)
	sent.take()
	var want []session.ID
	for i := range 3 {
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		rec.Created = rec.Created.Add(time.Duration(i) * time.Second)
		must(t, s.Create(t.Context(), id, rec))
		want = slices.Insert(want, 0, id)
	}
	if got := sent.take(); fmt.Sprint(got) != "[evalsha evalsha evalsha evalsha evalsha evalsha]" {
		t.Errorf("sent %v", got)
	}
	if got := listed(t, s, "bob"); !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

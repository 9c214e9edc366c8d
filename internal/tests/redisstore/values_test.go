package redisstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

func TestPayloadsAreReadableAtTheEndOfValues(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	rec.Payload = []byte(`{"cart":["tea","é"]}`)
	must(t, s.Create(t.Context(), id, rec))
	value, err := rdb.Get(t.Context(), p+string(id)).Result()
	must(t, err)
	if !strings.HasSuffix(value, string(rec.Payload)) {
		t.Errorf("the value is %q", value)
	}
	must(t, s.Update(t.Context(), id, next(rec), 1))
	value, err = rdb.Get(t.Context(), p+string(id)).Result()
	must(t, err)
	if !strings.HasSuffix(value, string(rec.Payload)) {
		t.Errorf("the updated value is %q", value)
	}
}

// foreign puts things at a key that are no record.
var foreign = map[string]func(t *testing.T, rdb *redis.Client, key string){
	"empty": func(t *testing.T, rdb *redis.Client, key string) { must(t, rdb.Set(t.Context(), key, "", 0).Err()) },
	"text": func(t *testing.T, rdb *redis.Client, key string) {
		must(t, rdb.Set(t.Context(), key, "hello", 0).Err())
	},
	"long text": func(t *testing.T, rdb *redis.Client, key string) {
		must(t, rdb.Set(t.Context(), key, strings.Repeat("x", 500), 0).Err())
	},
	"newer format": func(t *testing.T, rdb *redis.Client, key string) {
		must(t, rdb.Set(t.Context(), key, "R2"+strings.Repeat("\x00", 500), 0).Err())
	},
	"list": func(t *testing.T, rdb *redis.Client, key string) { must(t, rdb.RPush(t.Context(), key, "x").Err()) },
	"hash": func(t *testing.T, rdb *redis.Client, key string) { must(t, rdb.HSet(t.Context(), key, "x", "y").Err()) },
}

func TestWhatIsNoRecordIsUndecodableAndStays(t *testing.T) {
	rdb := single(t)
	for name, put := range foreign {
		t.Run(name, func(t *testing.T) {
			p := prefix()
			s := openWith(t, rdb, redisstore.Options{Prefix: p})
			id, rec := storetest.NewID(), storetest.NewRecord("bob")
			must(t, s.Create(t.Context(), id, rec)) // which leaves an index entry
			key := p + string(id)
			must(t, rdb.Del(t.Context(), key).Err())
			put(t, rdb, key)
			before := rdb.Dump(t.Context(), key).Val()

			if got, err := s.Load(t.Context(), id); !errors.Is(err, session.ErrUndecodable) || got.Version != 0 {
				t.Errorf("Load: %v", err)
			}
			if err := s.Create(t.Context(), id, rec); !errors.Is(err, session.ErrExists) {
				t.Errorf("Create: %v", err)
			}
			if err := s.Update(t.Context(), id, next(rec), 1); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("Update: %v", err)
			}
			if err := s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("Touch: %v", err)
			}
			if err := s.Delete(t.Context(), id, 1); !errors.Is(err, session.ErrUndecodable) {
				t.Errorf("Delete: %v", err)
			}
			if page, next, err := s.List(t.Context(), "bob", "", 10); len(page) != 0 || next != "" || err != nil {
				t.Errorf("List: %v, %q, %v", page, next, err)
			}
			if page := scanAll(t, s); len(page) != 0 {
				t.Errorf("Scan: %v", page)
			}
			if n, err := s.Purge(t.Context(), time.Now().Add(1000*time.Hour), 10); n != 0 || err != nil {
				t.Errorf("Purge: %d, %v", n, err)
			}
			if after := rdb.Dump(t.Context(), key).Val(); after != before {
				t.Error("the value was changed")
			}
		})
	}
}

func TestWhatIsNoEntryIsAnEntryOfVersionZeroToACache(t *testing.T) {
	rdb := single(t)
	for name, put := range foreign {
		t.Run(name, func(t *testing.T) {
			p := prefix()
			s := openWith(t, rdb, redisstore.Options{Prefix: p})
			id, lease := storetest.NewID(), session.Lease{}
			entry := session.Cached{Record: storetest.NewRecord("bob"), Checked: storetest.Now()}
			key := p + "c:" + string(id)
			put(t, rdb, key)
			before := rdb.Dump(t.Context(), key).Val()

			if _, err := s.Get(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if ok, err := s.AddLease(t.Context(), id, lease, time.Minute); ok || err != nil {
				t.Errorf("AddLease: %v, %v", ok, err)
			}
			must(t, s.Fill(t.Context(), id, lease, entry))
			must(t, s.RaiseTimes(t.Context(), id, time.Now(), time.Now(), 1))
			must(t, s.Refresh(t.Context(), id, entry, entry))
			older := entry
			older.Record.Version = 0
			must(t, s.Replace(t.Context(), id, older))
			if after := rdb.Dump(t.Context(), key).Val(); after != before {
				t.Error("the value was changed")
			}
			must(t, s.Replace(t.Context(), id, entry))
			if got, err := s.Get(t.Context(), id); err != nil || got.Record.Version != 1 {
				t.Errorf("after Replace: %+v, %v", got, err)
			}
			must(t, rdb.Del(t.Context(), key).Err())
			put(t, rdb, key)
			must(t, s.Remove(t.Context(), id))
			if n := rdb.Exists(t.Context(), key).Val(); n != 0 {
				t.Error("Remove left the value")
			}
		})
	}
}

func TestVersionsAndTimesAreComparedExactly(t *testing.T) {
	s := open(t, single(t))
	for _, v := range []uint64{1, 0x40, 0x60, 0x7f, 0x80, 0xff, 0x100, 1<<31 - 1, 1 << 32, 1 << 53, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 2} {
		id, lease := storetest.NewID(), session.Lease{}
		entry := session.Cached{Record: storetest.NewRecord("bob"), Checked: storetest.Now()}
		entry.Record.Version = v
		_, err := s.AddLease(t.Context(), id, lease, time.Minute)
		must(t, err)
		must(t, s.Fill(t.Context(), id, lease, entry))
		for _, step := range []struct{ give, want uint64 }{{v - 1, v}, {v, v}, {v + 1, v + 1}, {v, v + 1}} {
			entry.Record.Version = step.give
			must(t, s.Replace(t.Context(), id, entry))
			if got, err := s.Get(t.Context(), id); err != nil || got.Record.Version != step.want {
				t.Errorf("%d over %d: is %d, want %d (%v)", step.give, v, got.Record.Version, step.want, err)
			}
		}

		rec := storetest.NewRecord("")
		rec.Version = v
		id = storetest.NewID()
		must(t, s.Create(t.Context(), id, rec))
		if err := s.Update(t.Context(), id, next(rec), v-1); !errors.Is(err, session.ErrConflict) {
			t.Errorf("update of version %d if %d: %v", v, v-1, err)
		}
		must(t, s.Update(t.Context(), id, next(rec), v))
		rec.LastSeen = rec.LastSeen.Add(time.Microsecond)
		must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires.Add(-time.Microsecond), v+1))
		if got, err := s.Load(t.Context(), id); err != nil || got.LastSeen != rec.LastSeen || got.Expires != rec.Expires {
			t.Errorf("touched: %v, %v (%v)", got.LastSeen, got.Expires, err)
		}
	}
}

func TestKeysLiveFiveMinutesLongerThanTheirRecords(t *testing.T) {
	rdb, p := single(t), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, rec := storetest.NewID(), storetest.NewRecord("")
	key := p + string(id)
	lives := func(what string, key string, expires time.Time) {
		t.Helper()
		ttl := rdb.PTTL(t.Context(), key).Val()
		least := max(time.Until(expires), 0) + session.ExpiryGrace
		// The server's clock ran a while since the key was written.
		if ttl > least+time.Minute || ttl < least-time.Minute {
			t.Errorf("%s: lives %v, want %v", what, ttl, least)
		}
	}
	must(t, s.Create(t.Context(), id, rec))
	lives("created", key, rec.Expires)
	must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires.Add(time.Hour), 1))
	lives("touched", key, rec.Expires.Add(time.Hour))
	must(t, s.Touch(t.Context(), id, rec.LastSeen.Add(time.Hour), rec.Expires, 1))
	lives("touched with an earlier expiry", key, rec.Expires.Add(time.Hour))
	must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires.Add(2*time.Hour), 9))
	lives("touched in another version", key, rec.Expires.Add(time.Hour))
	rec = next(rec)
	rec.Expires = rec.Expires.Add(-30 * time.Minute)
	must(t, s.Update(t.Context(), id, rec, 1))
	lives("updated", key, rec.Expires)
	rec = next(rec)
	rec.Expires = time.Now().Add(-time.Hour)
	must(t, s.Update(t.Context(), id, rec, 2))
	lives("updated as expired", key, rec.Expires)

	entry := session.Cached{Record: storetest.NewRecord("bob"), Checked: storetest.Now()}
	key = p + "c:" + string(id)
	ok, err := s.AddLease(t.Context(), id, session.Lease{}, time.Minute)
	must(t, err)
	if ttl := rdb.PTTL(t.Context(), key).Val(); !ok || ttl <= 0 || ttl > time.Minute {
		t.Errorf("the lease lives %v", ttl)
	}
	must(t, s.Fill(t.Context(), id, session.Lease{}, entry))
	lives("filled", key, entry.Record.Expires)
	entry.Record.Expires = entry.Record.Expires.Add(time.Hour)
	must(t, s.RaiseTimes(t.Context(), id, entry.Record.LastSeen, entry.Record.Expires, 1))
	lives("raised", key, entry.Record.Expires)
}

func TestRolesAndPrefixesOnOneServerAreApart(t *testing.T) {
	rdb := single(t)
	p := prefix() + `*?[x]\`
	stores := map[string]*redisstore.Store{}
	for _, more := range []string{"", "a", "ab:", "c", "p", "x:c"} {
		stores[more] = openWith(t, rdb, redisstore.Options{Prefix: p + more})
	}
	id := storetest.NewID()
	for more, s := range stores {
		rec := storetest.NewRecord("bob")
		rec.Payload = []byte(more)
		must(t, s.Create(t.Context(), id, rec))
		_, err := s.AddLease(t.Context(), id, session.Lease{}, time.Minute)
		must(t, err)
		rec.Payload = []byte("cached " + more)
		must(t, s.Fill(t.Context(), id, session.Lease{}, session.Cached{Record: rec, Checked: rec.Created}))
	}
	for more, s := range stores {
		if rec, err := s.Load(t.Context(), id); err != nil || string(rec.Payload) != more {
			t.Errorf("%q loads %q, %v", more, rec.Payload, err)
		}
		if c, err := s.Get(t.Context(), id); err != nil || string(c.Record.Payload) != "cached "+more {
			t.Errorf("%q has cached %q, %v", more, c.Record.Payload, err)
		}
		if page := scanAll(t, s); len(page) != 1 || string(page[0].Record.Payload) != more {
			t.Errorf("%q scans %d records", more, len(page))
		}
		if page, _, err := s.List(t.Context(), "bob", "", 10); err != nil || len(page) != 1 {
			t.Errorf("%q lists %d records, %v", more, len(page), err)
		}
	}
	if n, err := stores[""].Purge(t.Context(), time.Now().Add(time.Hour*1000), 100); n != 1 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
	if _, err := stores["a"].Load(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestAWalkPassesOverManyOtherKeys(t *testing.T) {
	rdb, p := connect(t, &redis.Options{Addr: servers.Redis(t).Addr}), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	pipe := rdb.Pipeline()
	for i := range 30_000 {
		pipe.Set(t.Context(), fmt.Sprint("other:", i), "x", 0)
	}
	_, err := pipe.Exec(t.Context())
	must(t, err)
	want := map[session.ID]bool{}
	for range 50 {
		id := storetest.NewID()
		must(t, s.Create(t.Context(), id, storetest.NewRecord("")))
		want[id] = true
	}
	for _, r := range scanAll(t, s) {
		delete(want, r.ID)
	}
	if len(want) != 0 {
		t.Errorf("%d records were missed", len(want))
	}
}

func scanAll(t *testing.T, s *redisstore.Store) (all []session.Stored) {
	t.Helper()
	for after := ""; ; {
		page, next, err := s.Scan(t.Context(), after, 10)
		must(t, err)
		all = append(all, page...)
		if next == "" {
			return all
		}
		after = next
	}
}

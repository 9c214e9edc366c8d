package storetest

import (
	"bytes"
	"crypto/rand"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var entryChecks = []cacheCheck{
	{"keeps every field", func(c cacheSubject) {
		id := NewID()
		rec := NewRecord("Zoë \U0001F375 O'Brien \"茶\"")
		rec.Version, rec.MovedTo = 3, NewID()
		rec.Authenticated = rec.Created.Add(time.Microsecond)
		rec.IdleTimeout = time.Hour + time.Microsecond
		e := session.Cached{Record: rec, Checked: time.Date(2025, 1, 2, 3, 4, 5, 999999000, time.UTC)}
		c.put(id, e)
		e2 := nextEntry(e, "\x00\xff")
		e2.Record.Persistent, e2.Record.Device.UserAgent = false, "\U0001F4F1"
		c.ok("Replace", c.Replace(c.Context(), id, e2))
		c.holds(id, e2)
	}},
	{"keeps zero values", func(c cacheSubject) {
		c.put(NewID(), session.Cached{Record: session.Record{Version: 1, Expires: Now().Add(time.Hour)}})
	}},
	{"keeps a payload of any bytes", func(c cacheSubject) {
		e := newEntry()
		for i := range 256 {
			e.Record.Payload = append(e.Record.Payload, byte(i))
		}
		c.put(NewID(), e)
		e.Record.Payload = nil
		c.put(NewID(), e)
		e.Record.Payload = make([]byte, 1<<20)
		_, _ = rand.Read(e.Record.Payload)
		c.put(NewID(), e)
	}},
	{"keeps times far away", func(c cacheSubject) {
		e := newEntry()
		e.Record.LifetimeEnd = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
		e.Record.Expires = e.Record.LifetimeEnd
		c.put(NewID(), e)
	}},
	{"is kept beyond the record's expiry, for the engine to judge", func(c cacheSubject) {
		e := newEntry()
		e.Record = expired(e.Record)
		c.put(NewID(), e)
	}},
	{"shares no memory with the caller", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		given := e
		given.Record.Payload = bytes.Clone(e.Record.Payload)
		c.ok("Fill", c.Fill(c.Context(), id, c.lease(id), given))
		wipe(given.Record.Payload)
		c.holds(id, e)
		got, err := c.Get(c.Context(), id)
		c.ok("Get", err)
		wipe(got.Record.Payload)
		c.holds(id, e)

		e2 := nextEntry(e, "two")
		given = e2
		given.Record.Payload = bytes.Clone(e2.Record.Payload)
		c.ok("Replace", c.Replace(c.Context(), id, given))
		wipe(given.Record.Payload)
		c.holds(id, e2)

		e3 := nextEntry(e2, "three")
		given = e3
		given.Record.Payload = bytes.Clone(e3.Record.Payload)
		c.ok("Refresh", c.Refresh(c.Context(), id, e2, given))
		wipe(given.Record.Payload)
		c.holds(id, e3)
	}},
}

var cacheIDChecks = []cacheCheck{
	{"malformed is ErrNotFound, false or no effect", func(c cacheSubject) {
		ctx, l, e := c.Context(), newLease(), newEntry()
		for name, id := range malformed() {
			if ok, err := c.AddLease(ctx, id, l, leaseTTL); ok || err != nil {
				c.Fatalf("%s: AddLease: %v, error %v", name, ok, err)
			}
			c.ok(name+": Fill", c.Fill(ctx, id, l, e))
			c.ok(name+": Replace", c.Replace(ctx, id, e))
			c.ok(name+": RaiseTimes", c.RaiseTimes(ctx, id, Now(), Now(), 1))
			c.ok(name+": Refresh", c.Refresh(ctx, id, e, nextEntry(e, "two")))
			_, err := c.Get(ctx, id)
			wants(c, name+": Get", err, session.ErrNotFound)
			c.ok(name+": Remove", c.Remove(ctx, id))
		}
	}},
	{"that differs in the case of letters is another ID", func(c cacheSubject) {
		id, e := c.filled()
		other := otherCase(id)
		c.empty(other)
		c.holds(id, e)
		otherEntry := newEntry()
		c.put(other, otherEntry)
		c.holds(id, e)
	}},
}

var cacheApartChecks = []cacheCheck{
	{"two caches keep different entries under one ID", func(c cacheSubject) {
		other := c.another()
		id, e := c.filled()
		other.empty(id)
		c.holds(id, e)
		otherEntry := nextEntry(newEntry(), "other")
		other.put(id, otherEntry)
		c.holds(id, e)
		c.ok("Remove", c.Remove(c.Context(), id))
		other.holds(id, otherEntry)
	}},
	{"a lease of one cache is nothing to another", func(c cacheSubject) {
		other := c.another()
		id := NewID()
		l := c.lease(id)
		other.ok("Fill", other.Fill(c.Context(), id, l, newEntry()))
		other.empty(id)
		c.noLease(id)
	}},
	{"what is cached is not stored, and what is stored is not cached", func(c cacheSubject) {
		store, ok := c.Cache.(session.Store)
		if !ok {
			return
		}
		s := subject{c.TB, store, nil}
		id, e := c.filled()
		leased := NewID()
		c.lease(leased)
		s.lacks(id)
		s.lacks(leased)
		s.delete(id, 1)
		s.touch(id, e.Record.LastSeen.Add(time.Hour), e.Record.Expires.Add(time.Hour), 1)
		wants(c, "Update", s.Update(c.Context(), id, nextEntry(e, "two").Record, 1), session.ErrNotFound)
		c.holds(id, e)
		rec := NewRecord("alice")
		s.create(id, rec)
		c.holds(id, e)
		c.ok("Remove", c.Remove(c.Context(), id))
		s.holds(id, rec)
		c.empty(id)
		c.ok("Replace", c.Replace(c.Context(), id, nextEntry(e, "two")))
		s.holds(id, rec)
	}},
}

package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var replaceChecks = []cacheCheck{
	{"replaces an entry of a lower version", func(c cacheSubject) {
		id, e := c.filled()
		for _, version := range []uint64{2, 3, 10, 11, 100, 1 << 40} { // 10 is more than 9, as text it is not
			e = nextEntry(e, "newer")
			e.Record.Version = version
			e.Record.Expires = e.Record.Expires.Add(-time.Second)
			c.ok("Replace", c.Replace(c.Context(), id, e))
			c.holds(id, e)
		}
	}},
	{"leaves an entry of the same or a higher version", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		e.Record.Version = 10
		c.put(id, e)
		for _, version := range []uint64{10, 9, 2, 1, 0} {
			old := nextEntry(e, "older")
			old.Record.Version = version
			c.ok("Replace", c.Replace(c.Context(), id, old))
			c.holds(id, e)
		}
	}},
	{"removes a lease and places nothing", func(c cacheSubject) {
		id := NewID()
		l := c.lease(id)
		c.ok("Replace", c.Replace(c.Context(), id, newEntry()))
		c.dead(id, l)
	}},
	{"removes a lease also for version 0", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		e.Record.Version = 0
		c.ok("Replace", c.Replace(c.Context(), id, e))
		c.dead(id, l)
	}},
	{"places nothing where nothing is", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		c.ok("Replace", c.Replace(c.Context(), id, e))
		c.empty(id)
		id, e = c.filled()
		c.ok("Remove", c.Remove(c.Context(), id))
		c.ok("Replace", c.Replace(c.Context(), id, nextEntry(e, "two")))
		c.empty(id)
	}},
	{"turns an entry into that of a moved mark", func(c cacheSubject) {
		id, e := c.filled()
		mark := session.Cached{Record: movedMark(e.Record, NewID()), Checked: Now()}
		c.ok("Replace", c.Replace(c.Context(), id, mark))
		c.holds(id, mark)
	}},
	{"replaces no other entry", func(c cacheSubject) {
		id, e := c.filled()
		other, otherEntry := c.filled()
		c.ok("Replace", c.Replace(c.Context(), id, nextEntry(e, "two")))
		c.holds(other, otherEntry)
	}},
}

var raiseTimesChecks = []cacheCheck{
	{"moves LastSeen and Expires forward and changes nothing else", func(c cacheSubject) {
		id, e := c.filled()
		for _, d := range []time.Duration{time.Microsecond, time.Minute, 300 * 24 * time.Hour} {
			e.Record.LastSeen, e.Record.Expires = e.Record.LastSeen.Add(d), e.Record.Expires.Add(d)
			c.raise(id, e.Record.LastSeen, e.Record.Expires, 1)
			c.holds(id, e)
		}
	}},
	{"never moves backwards", func(c cacheSubject) {
		id, e := c.filled()
		for _, d := range []time.Duration{0, time.Microsecond, time.Hour, 50 * 365 * 24 * time.Hour} {
			c.raise(id, e.Record.LastSeen.Add(-d), e.Record.Expires.Add(-d), 1)
			c.holds(id, e)
		}
		c.raise(id, time.Time{}, time.Time{}, 1)
		c.holds(id, e)
	}},
	{"moves each time on its own", func(c cacheSubject) {
		id, e := c.filled()
		e.Record.LastSeen = e.Record.LastSeen.Add(time.Minute)
		c.raise(id, e.Record.LastSeen, e.Record.Expires.Add(-time.Minute), 1)
		c.holds(id, e)
		e.Record.Expires = e.Record.Expires.Add(time.Minute)
		c.raise(id, e.Record.LastSeen.Add(-time.Minute), e.Record.Expires, 1)
		c.holds(id, e)
	}},
	{"leaves an entry of another version", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		e.Record.Version = 10
		c.put(id, e)
		for _, v := range []uint64{0, 1, 9, 11, 100} {
			c.raise(id, e.Record.LastSeen.Add(time.Hour), e.Record.Expires.Add(time.Hour), v)
			c.holds(id, e)
		}
	}},
	{"removes a lease, whatever the version", func(c cacheSubject) {
		for _, v := range []uint64{0, 1, 2} {
			id := NewID()
			l := c.lease(id)
			c.raise(id, Now(), Now().Add(time.Hour), v)
			c.dead(id, l)
		}
	}},
	{"places nothing where nothing is", func(c cacheSubject) {
		id := NewID()
		c.raise(id, Now(), Now().Add(time.Hour), 0)
		c.raise(id, Now(), Now().Add(time.Hour), 1)
		c.empty(id)
	}},
	{"is no write: the next version replaces the entry, also by earlier times", func(c cacheSubject) {
		id, e := c.filled()
		c.raise(id, e.Record.LastSeen.Add(time.Hour), e.Record.Expires.Add(time.Hour), 1)
		e2 := nextEntry(e, "two")
		c.ok("Replace", c.Replace(c.Context(), id, e2))
		c.holds(id, e2)
	}},
}

func (c cacheSubject) raise(id session.ID, lastSeen, expires time.Time, ifVersion uint64) {
	c.Helper()
	c.ok("RaiseTimes", c.RaiseTimes(c.Context(), id, lastSeen, expires, ifVersion))
}

var refreshChecks = []cacheCheck{
	{"replaces exactly the entry that was read", func(c cacheSubject) {
		id, e := c.filled()
		checked := e // the same record, checked again
		checked.Checked = e.Checked.Add(time.Minute)
		c.ok("Refresh", c.Refresh(c.Context(), id, e, checked))
		c.holds(id, checked)
		newer := nextEntry(checked, "two")
		newer.Record.Version = 5
		c.ok("Refresh", c.Refresh(c.Context(), id, checked, newer))
		c.holds(id, newer)
		older := newer
		older.Record.Version, older.Record.Payload = 3, []byte("as the database has it")
		c.ok("Refresh", c.Refresh(c.Context(), id, newer, older))
		c.holds(id, older)
	}},
	{"works with what Get returned", func(c cacheSubject) {
		id, e := c.filled()
		read, err := c.Get(c.Context(), id)
		c.ok("Get", err)
		e2 := nextEntry(e, "two")
		c.ok("Refresh", c.Refresh(c.Context(), id, read, e2))
		c.holds(id, e2)
	}},
	{"leaves an entry that differs in any one of what tells it", func(c cacheSubject) {
		id, e := c.filled()
		for name, change := range map[string]func(*session.Cached){
			"lower version":      func(e *session.Cached) { e.Record.Version-- },
			"higher version":     func(e *session.Cached) { e.Record.Version++ },
			"first byte of mark": func(e *session.Cached) { e.Record.Mark[0]++ },
			"last byte of mark":  func(e *session.Cached) { e.Record.Mark[7]++ },
			"earlier check":      func(e *session.Cached) { e.Checked = e.Checked.Add(-time.Microsecond) },
			"later check":        func(e *session.Cached) { e.Checked = e.Checked.Add(time.Microsecond) },
			"earlier last seen":  func(e *session.Cached) { e.Record.LastSeen = e.Record.LastSeen.Add(-time.Microsecond) },
			"later last seen":    func(e *session.Cached) { e.Record.LastSeen = e.Record.LastSeen.Add(time.Microsecond) },
			"earlier expiry":     func(e *session.Cached) { e.Record.Expires = e.Record.Expires.Add(-time.Microsecond) },
			"later expiry":       func(e *session.Cached) { e.Record.Expires = e.Record.Expires.Add(time.Microsecond) },
		} {
			read := e
			change(&read)
			c.ok("Refresh, "+name, c.Refresh(c.Context(), id, read, nextEntry(e, name)))
			c.holds(id, e)
		}
	}},
	{"does not mind what else differs", func(c cacheSubject) {
		id, e := c.filled()
		read := e
		read.Record.Payload, read.Record.Principal, read.Record.Device = nil, "", session.Device{}
		e2 := nextEntry(e, "two")
		c.ok("Refresh", c.Refresh(c.Context(), id, read, e2))
		c.holds(id, e2)
	}},
	{"after a touch that came between leaves the entry", func(c cacheSubject) {
		id, e := c.filled()
		touched := e
		touched.Record.LastSeen, touched.Record.Expires = e.Record.LastSeen.Add(time.Minute), e.Record.Expires.Add(time.Minute)
		c.raise(id, touched.Record.LastSeen, touched.Record.Expires, 1)
		c.ok("Refresh", c.Refresh(c.Context(), id, e, nextEntry(e, "two")))
		c.holds(id, touched)
	}},
	{"after a removal places nothing", func(c cacheSubject) {
		id, e := c.filled()
		c.ok("Remove", c.Remove(c.Context(), id))
		c.ok("Refresh", c.Refresh(c.Context(), id, e, nextEntry(e, "two")))
		c.empty(id)
	}},
	{"leaves a lease as it is", func(c cacheSubject) {
		id, e := c.filled()
		c.ok("Remove", c.Remove(c.Context(), id))
		l := c.lease(id)
		c.ok("Refresh", c.Refresh(c.Context(), id, e, nextEntry(e, "two")))
		c.ok("Refresh", c.Refresh(c.Context(), id, session.Cached{}, nextEntry(e, "two")))
		c.lacks(id)
		c.noLease(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.holds(id, e)
	}},
}

package storetest

import (
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var cacheRaceChecks = []cacheCheck{
	{"of leases has one winner, who can fill", func(c cacheSubject) {
		for range rounds {
			id, e := NewID(), newEntry()
			leases := make([]session.Lease, 8)
			won := make([]bool, len(leases))
			outcomes(c, together(times(len(leases), func(i int) (err error) {
				leases[i] = newLease()
				won[i], err = c.AddLease(c.Context(), id, leases[i], leaseTTL)
				return err
			})...))
			n := 0
			for i, ok := range won {
				if !ok {
					c.ok("Fill", c.Fill(c.Context(), id, leases[i], newEntry()))
					continue
				}
				n++
				c.lacks(id)
				c.ok("Fill", c.Fill(c.Context(), id, leases[i], e))
			}
			if n != 1 {
				c.Fatalf("%d of %d leases were placed, want 1", n, len(leases))
			}
			c.holds(id, e)
		}
	}},
	{"of a fill and a removal leaves nothing", func(c cacheSubject) {
		for range rounds { // in either order: the lease is wiped first, or the entry goes
			id := NewID()
			l := c.lease(id)
			outcomes(c, together(
				func() error { return c.Fill(c.Context(), id, l, newEntry()) },
				func() error { return c.Remove(c.Context(), id) },
			))
			c.dead(id, l)
		}
	}},
	{"of a fill and a replacement leaves the newer entry or nothing", func(c cacheSubject) {
		for range rounds {
			id, e := NewID(), newEntry()
			e2 := nextEntry(e, "two")
			l := c.lease(id)
			outcomes(c, together(
				func() error { return c.Fill(c.Context(), id, l, e) },
				func() error { return c.Replace(c.Context(), id, e2) },
			))
			c.holdsOrEmpty(id, e2)
		}
	}},
	{"of a fill and a touch leaves the later times or nothing", func(c cacheSubject) {
		for range rounds {
			id, e := NewID(), newEntry()
			touched := e
			touched.Record.LastSeen, touched.Record.Expires = e.Record.LastSeen.Add(time.Minute), e.Record.Expires.Add(time.Minute)
			l := c.lease(id)
			outcomes(c, together(
				func() error { return c.Fill(c.Context(), id, l, e) },
				func() error {
					return c.RaiseTimes(c.Context(), id, touched.Record.LastSeen, touched.Record.Expires, 1)
				},
			))
			c.holdsOrEmpty(id, touched)
		}
	}},
	{"of replacements ends with the highest version", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			const n = 8
			entries := make([]session.Cached, n)
			for i := range entries {
				entries[i] = nextEntry(e, "newer")
				entries[i].Record.Version = uint64(i + 2)
			}
			outcomes(c, together(times(n, func(i int) error { return c.Replace(c.Context(), id, entries[(i*3)%n]) })...))
			c.holds(id, entries[n-1])
		}
	}},
	{"of a replacement and a removal leaves nothing", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			replace := func() error { return c.Replace(c.Context(), id, nextEntry(e, "two")) }
			outcomes(c, together(replace, func() error { return c.Remove(c.Context(), id) }, replace))
			c.empty(id)
		}
	}},
	{"of a touch and a removal leaves nothing", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			raise := func() error {
				return c.RaiseTimes(c.Context(), id, e.Record.LastSeen.Add(time.Minute), e.Record.Expires.Add(time.Minute), 1)
			}
			outcomes(c, together(raise, func() error { return c.Remove(c.Context(), id) }, raise))
			c.empty(id)
		}
	}},
	{"of a touch and a replacement leaves the replacement", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			e2 := nextEntry(e, "two")
			e2.Record.Expires = e.Record.Expires.Add(-time.Minute)
			raise := func() error {
				return c.RaiseTimes(c.Context(), id, e.Record.LastSeen.Add(time.Minute), e.Record.Expires.Add(time.Minute), 1)
			}
			outcomes(c, together(raise, func() error { return c.Replace(c.Context(), id, e2) }, raise))
			c.holds(id, e2)
		}
	}},
	{"of touches ends with the latest times", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			const n = 8
			outcomes(c, together(times(n, func(i int) error {
				return c.RaiseTimes(c.Context(), id, e.Record.LastSeen.Add(time.Duration(i)*time.Minute), e.Record.Expires.Add(time.Duration(n-1-i)*time.Minute), 1)
			})...))
			e.Record.LastSeen, e.Record.Expires = e.Record.LastSeen.Add((n-1)*time.Minute), e.Record.Expires.Add((n-1)*time.Minute)
			c.holds(id, e)
		}
	}},
	{"of refreshes of one entry has one winner", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			entries := make([]session.Cached, 6)
			for i := range entries {
				entries[i] = nextEntry(e, "by "+string(rune('a'+i)))
				entries[i].Record.Version = uint64(10 + i)
			}
			outcomes(c, together(times(len(entries), func(i int) error { return c.Refresh(c.Context(), id, e, entries[i]) })...))
			got, err := c.Get(c.Context(), id)
			c.ok("Get", err)
			if v := got.Record.Version; v < 10 || v > 15 {
				c.Fatalf("version %d, want one of 10 to 15", v)
			}
			c.holds(id, entries[got.Record.Version-10])
		}
	}},
	{"of a refresh and a replacement leaves the replacement", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			e3 := nextEntry(e, "three")
			e3.Record.Version = 3
			e2 := nextEntry(e, "two")
			outcomes(c, together(
				func() error { return c.Refresh(c.Context(), id, e, e2) },
				func() error { return c.Replace(c.Context(), id, e3) },
			))
			c.holds(id, e3)
		}
	}},
	{"of a refresh and a removal leaves nothing", func(c cacheSubject) {
		for range rounds {
			id, e := c.filled()
			outcomes(c, together(
				func() error { return c.Refresh(c.Context(), id, e, nextEntry(e, "two")) },
				func() error { return c.Remove(c.Context(), id) },
			))
			c.empty(id)
		}
	}},
}

// holdsOrEmpty fails the test unless there is want or nothing at all.
func (c cacheSubject) holdsOrEmpty(id session.ID, want session.Cached) {
	c.Helper()
	if _, err := c.Get(c.Context(), id); err == nil {
		c.holds(id, want)
	} else {
		c.empty(id)
	}
}

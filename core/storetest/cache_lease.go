package storetest

import (
	"runtime"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var getChecks = []cacheCheck{
	{"of nothing is ErrNotFound", func(c cacheSubject) {
		c.lacks(NewID())
		c.filled()
		c.lacks(NewID())
	}},
	{"of a lease is ErrNotFound", func(c cacheSubject) {
		id := NewID()
		c.lease(id)
		c.lacks(id)
	}},
	{"returns the entry, again and again", func(c cacheSubject) {
		id, e := c.filled()
		other, otherEntry := c.filled()
		for range 3 {
			c.holds(id, e)
			c.holds(other, otherEntry)
		}
	}},
	{"leaves a lease as it is", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		c.lacks(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.holds(id, e)
	}},
}

var addLeaseChecks = []cacheCheck{
	{"places a lease where nothing is", func(c cacheSubject) {
		c.lease(NewID())
	}},
	{"leaves another lease alone", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		c.noLease(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.holds(id, e)
	}},
	{"does not place the same lease twice", func(c cacheSubject) {
		id := NewID()
		l := c.lease(id)
		if ok, err := c.AddLease(c.Context(), id, l, leaseTTL); ok || err != nil {
			c.Fatalf("AddLease: %v, error %v", ok, err)
		}
	}},
	{"leaves an entry alone", func(c cacheSubject) {
		id, e := c.filled()
		c.noLease(id)
		c.holds(id, e)
	}},
	{"places a lease after the entry was removed", func(c cacheSubject) {
		id, _ := c.filled()
		c.ok("Remove", c.Remove(c.Context(), id))
		c.lease(id)
		c.lacks(id)
	}},
	{"lets a lease end, which then fills nothing", leaseEnds},
}

// patience is how long a lease of a millisecond may stay, on a server under
// load and with clocks of its own.
var patience = time.Minute

// leaseEnds is the one check that needs time to pass: at least a millisecond,
// and it does not mind more.
func leaseEnds(c cacheSubject) {
	id, old := NewID(), newLease()
	if ok, err := c.AddLease(c.Context(), id, old, time.Millisecond); err != nil || !ok {
		c.Fatalf("AddLease: %v, error %v", ok, err)
	}
	l := newLease()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		ok, err := c.AddLease(c.Context(), id, l, leaseTTL)
		c.ok("AddLease", err)
		if ok {
			break
		}
		if time.Now().After(deadline) {
			c.Fatalf("a lease of a millisecond is still there after %v", patience)
		}
	}
	c.ok("Fill", c.Fill(c.Context(), id, old, newEntry()))
	c.lacks(id)
	e := newEntry()
	c.ok("Fill", c.Fill(c.Context(), id, l, e))
	c.holds(id, e)
}

var fillChecks = []cacheCheck{
	{"replaces the lease by the entry", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		c.ok("Fill", c.Fill(c.Context(), id, c.lease(id), e))
		c.holds(id, e)
	}},
	{"places nothing where nothing is", func(c cacheSubject) {
		id := NewID()
		c.ok("Fill", c.Fill(c.Context(), id, newLease(), newEntry()))
		c.empty(id)
		c.ok("Fill", c.Fill(c.Context(), id, session.Lease{}, newEntry()))
		c.empty(id)
	}},
	{"with another lease has no effect", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		near := l
		near[15]++
		for _, other := range []session.Lease{newLease(), {}, near} {
			c.ok("Fill", c.Fill(c.Context(), id, other, newEntry()))
			c.lacks(id)
		}
		c.noLease(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.holds(id, e)
	}},
	{"with the lease of another ID has no effect", func(c cacheSubject) {
		id, other := NewID(), NewID()
		l := c.lease(id)
		c.lease(other)
		c.ok("Fill", c.Fill(c.Context(), other, l, newEntry()))
		c.lacks(other)
	}},
	{"works once: the lease is used up", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.ok("Fill", c.Fill(c.Context(), id, l, nextEntry(e, "two")))
		c.holds(id, e)
	}},
	{"with no lease leaves an entry, older or newer, alone", func(c cacheSubject) {
		id, e := c.filled()
		for _, l := range []session.Lease{newLease(), {}} {
			c.ok("Fill", c.Fill(c.Context(), id, l, nextEntry(e, "two")))
			c.holds(id, e)
		}
	}},
	{"with a lease that was removed has no effect", func(c cacheSubject) {
		id := NewID()
		l := c.lease(id)
		c.ok("Remove", c.Remove(c.Context(), id))
		c.dead(id, l)
	}},
	{"with a lease from before a fill and a removal has no effect", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		l := c.lease(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.ok("Remove", c.Remove(c.Context(), id))
		c.dead(id, l)
	}},
	{"with a lease from before another has no effect", func(c cacheSubject) {
		id, e := NewID(), newEntry()
		old := c.lease(id)
		c.ok("Remove", c.Remove(c.Context(), id))
		l := c.lease(id)
		c.ok("Fill", c.Fill(c.Context(), id, old, newEntry()))
		c.lacks(id)
		c.ok("Fill", c.Fill(c.Context(), id, l, e))
		c.holds(id, e)
	}},
	{"accepts any lease, also of zero bytes", func(c cacheSubject) {
		for _, l := range []session.Lease{{}, {0: 255, 15: 255}, {'\r', '\n', 0, '\'', '"'}} {
			id, e := NewID(), newEntry()
			if ok, err := c.AddLease(c.Context(), id, l, leaseTTL); !ok || err != nil {
				c.Fatalf("AddLease: %v, error %v", ok, err)
			}
			c.lacks(id)
			c.ok("Fill", c.Fill(c.Context(), id, l, e))
			c.holds(id, e)
		}
	}},
}

var removeChecks = []cacheCheck{
	{"removes an entry", func(c cacheSubject) {
		id, _ := c.filled()
		c.ok("Remove", c.Remove(c.Context(), id))
		c.empty(id)
	}},
	{"removes a lease", func(c cacheSubject) {
		id := NewID()
		l := c.lease(id)
		c.ok("Remove", c.Remove(c.Context(), id))
		c.dead(id, l)
	}},
	{"of nothing is no error", func(c cacheSubject) {
		id := NewID()
		c.ok("Remove", c.Remove(c.Context(), id))
		c.empty(id)
		c.ok("Remove", c.Remove(c.Context(), id))
	}},
	{"removes nothing else", func(c cacheSubject) {
		id, _ := c.filled()
		other, e := c.filled()
		leased := NewID()
		l := c.lease(leased)
		c.ok("Remove", c.Remove(c.Context(), id))
		c.holds(other, e)
		c.ok("Fill", c.Fill(c.Context(), leased, l, e))
		c.holds(leased, e)
	}},
}

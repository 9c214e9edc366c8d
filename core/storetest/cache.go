package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// RunCache tests a cache as Run tests a store. A cache may evict at any time,
// but in these tests it must have room: they hold a few dozen small entries
// and one of 1 MiB.
func RunCache(t *testing.T, open func(t *testing.T) cacheddb.Cache) {
	t.Helper()
	for _, topic := range cacheTopics {
		t.Run(topic.name, func(t *testing.T) {
			for _, c := range topic.checks {
				t.Run(c.name, func(t *testing.T) {
					c.run(newCacheSubject(t, func() cacheddb.Cache { return open(t) }))
				})
			}
		})
	}
}

type cacheTopic struct {
	name   string
	checks []cacheCheck
}

type cacheCheck struct {
	name string
	run  func(cacheSubject)
}

var cacheTopics = []cacheTopic{
	{"Get", getChecks},
	{"AddLease", addLeaseChecks},
	{"Fill", fillChecks},
	{"Replace", replaceChecks},
	{"RaiseTimes", raiseTimesChecks},
	{"Refresh", refreshChecks},
	{"Remove", removeChecks},
	{"Entry", entryChecks},
	{"CacheID", cacheIDChecks},
	{"CacheApart", cacheApartChecks},
	{"CacheContext", cacheContextChecks},
	{"CacheRace", cacheRaceChecks},
}

// A cacheSubject is a cache in a test, as a subject is a store.
type cacheSubject struct {
	testing.TB
	cacheddb.Cache
	open func() cacheddb.Cache
}

func newCacheSubject(t testing.TB, open func() cacheddb.Cache) cacheSubject {
	return cacheSubject{t, open(), open}
}

func (c cacheSubject) another() cacheSubject { return newCacheSubject(c.TB, c.open) }

// leaseTTL is the time that leases get which must not end during a test.
const leaseTTL = time.Hour

func newLease() (l session.Lease) {
	_, _ = rand.Read(l[:])
	return l
}

// newEntry returns an entry with every field set.
func newEntry() session.Cached {
	return session.Cached{Record: NewRecord("bob"), Checked: Now()}
}

// nextEntry returns what a data write makes of e.
func nextEntry(e session.Cached, payload string) session.Cached {
	return session.Cached{Record: next(e.Record, payload), Checked: e.Checked.Add(time.Second)}
}

// lease places a lease and returns it.
func (c cacheSubject) lease(id session.ID) session.Lease {
	c.Helper()
	l := newLease()
	if ok, err := c.AddLease(c.Context(), id, l, leaseTTL); err != nil || !ok {
		c.Fatalf("AddLease where nothing is: %v, error %v", ok, err)
	}
	return l
}

// noLease fails the test if a lease can be placed.
func (c cacheSubject) noLease(id session.ID) {
	c.Helper()
	if ok, err := c.AddLease(c.Context(), id, newLease(), leaseTTL); err != nil || ok {
		c.Fatalf("AddLease where something is: %v, error %v", ok, err)
	}
}

// filled places an entry and returns it.
func (c cacheSubject) filled() (session.ID, session.Cached) {
	c.Helper()
	id, e := NewID(), newEntry()
	c.put(id, e)
	return id, e
}

func (c cacheSubject) put(id session.ID, e session.Cached) {
	c.Helper()
	c.ok("Fill", c.Fill(c.Context(), id, c.lease(id), e))
	c.holds(id, e)
}

func (c cacheSubject) ok(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// holds fails the test unless exactly want is cached.
func (c cacheSubject) holds(id session.ID, want session.Cached) {
	c.Helper()
	got, err := c.Get(c.Context(), id)
	if err != nil {
		c.Fatalf("Get: %v", err)
	}
	if d := diff(got.Record, want.Record); d != "" {
		c.Fatalf("cached: %s", d)
	}
	if !got.Checked.Equal(want.Checked) || got.Checked.IsZero() != want.Checked.IsZero() || got.Checked.Location() != time.UTC {
		c.Fatalf("cached: Checked is %v, want %v", got.Checked, want.Checked)
	}
}

// lacks fails the test unless there is no entry: nothing, or a lease.
func (c cacheSubject) lacks(id session.ID) {
	c.Helper()
	_, err := c.Get(c.Context(), id)
	wants(c, "Get of what must not be there", err, session.ErrNotFound)
}

// empty fails the test unless there is neither an entry nor a lease. It leaves
// nothing behind.
func (c cacheSubject) empty(id session.ID) {
	c.Helper()
	c.lacks(id)
	c.lease(id)
	c.ok("Remove", c.Remove(c.Context(), id))
}

// dead fails the test unless a fill by the lease has no effect where nothing is.
func (c cacheSubject) dead(id session.ID, l session.Lease) {
	c.Helper()
	c.lacks(id)
	c.ok("Fill", c.Fill(c.Context(), id, l, newEntry()))
	c.empty(id)
}

var cacheContextChecks = []cacheCheck{
	{"cancelled before the call is an error without an effect", func(c cacheSubject) {
		ctx, cancel := context.WithCancel(c.Context())
		cancel()
		cacheContextEnded(c, ctx, context.Canceled)
	}},
	{"past its deadline before the call is an error without an effect", func(c cacheSubject) {
		ctx, cancel := context.WithDeadline(c.Context(), time.Now().Add(-time.Second))
		defer cancel()
		cacheContextEnded(c, ctx, context.DeadlineExceeded)
	}},
}

func cacheContextEnded(c cacheSubject, ctx context.Context, want error) {
	id, e := c.filled()
	leased, unused := NewID(), NewID()
	l := c.lease(leased)
	_, err := c.Get(ctx, id)
	wants(c, "Get", err, want)
	ok, err := c.AddLease(ctx, unused, newLease(), leaseTTL)
	wants(c, "AddLease", err, want)
	if ok {
		c.Fatal("AddLease is true with an error")
	}
	wants(c, "Fill", c.Fill(ctx, leased, l, e), want)
	wants(c, "Replace", c.Replace(ctx, id, nextEntry(e, "two")), want)
	wants(c, "RaiseTimes", c.RaiseTimes(ctx, id, e.Record.LastSeen.Add(time.Hour), e.Record.Expires.Add(time.Hour), 1), want)
	wants(c, "Refresh", c.Refresh(ctx, id, e, nextEntry(e, "two")), want)
	wants(c, "Remove", c.Remove(ctx, id), want)
	c.holds(id, e)
	c.empty(unused)
	c.lacks(leased)
	c.ok("Fill", c.Fill(c.Context(), leased, l, e))
	c.holds(leased, e)
}

package cacheddb

import (
	"context"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A Cache is the fast tier. redisstore.Store and session.MemoryStore are
// caches. Entries may vanish at any moment (eviction, restart, flush); each
// method is one atomic step and one round trip. Under one ID there is nothing,
// a lease, or an entry. A call that failed, or was given up, may still take
// effect at any later moment: the rules below make that harmless.
//
// The keys of a cache are apart from those of the same type used as a
// session.Store: neither reads the other's. A cache may drop an entry whenever
// it likes, and does so at the latest session.ExpiryGrace after the record's
// Expires. Times are kept to the microsecond. An ID that is not Valid: Get is
// session.ErrNotFound, AddLease is false, the others have no effect. An entry
// that cannot be read is session.ErrNotFound to Get, and counts as an entry of
// version 0 for the others.
type Cache interface {
	// Get returns the entry, or session.ErrNotFound where there is nothing or a
	// lease.
	Get(ctx context.Context, id session.ID) (session.Cached, error)

	// AddLease places a lease for at most ttl where there is nothing, and tells
	// whether it did.
	AddLease(ctx context.Context, id session.ID, lease session.Lease, ttl time.Duration) (bool, error)

	// Fill replaces exactly the given lease by the entry, and has no effect on
	// anything else.
	Fill(ctx context.Context, id session.ID, lease session.Lease, entry session.Cached) error

	// Replace tells the cache of a data write: it replaces an entry of a lower
	// version, removes a lease, leaves an entry of the same or a higher version,
	// and places nothing where there is nothing.
	Replace(ctx context.Context, id session.ID, entry session.Cached) error

	// RaiseTimes tells the cache of a touch: in an entry of version ifVersion it
	// moves LastSeen and Expires forward, each only if later than the entry's
	// (Checked stays); it removes a lease, and leaves an entry of another version.
	RaiseTimes(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error

	// Refresh replaces exactly the entry that was read (the same version, mark,
	// checked time, last seen and expires) by the new one, and has no effect on
	// anything else.
	Refresh(ctx context.Context, id session.ID, read, entry session.Cached) error

	// Remove removes whatever there is, an entry or a lease.
	Remove(ctx context.Context, id session.ID) error
}

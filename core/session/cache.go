package session

import "time"

// The types below are what a cache keeps for package cacheddb. They live here
// so that a cache (redisstore, MemoryStore) need not import that package; the
// interface itself is cacheddb.Cache.

// A Lease is a random mark that a load places in a cache where nothing is. It
// earns the load the right to fill the entry, unless a write wiped it meanwhile.
type Lease [16]byte

// A Cached is a record as a cache keeps it.
type Cached struct {
	Record Record
	// Checked is when the record was last known to be what the database holds.
	Checked time.Time
}

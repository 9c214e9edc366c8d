package session

import (
	"context"
	"time"
)

// A Store keeps records. Implementations are safe for concurrent use by many
// goroutines and, but for [MemoryStore], by many processes.
//
// Each method is one atomic step and one round trip where nothing is
// contended. A store never repeats a write on its own after an unknown outcome
// (a time-out, a cut connection): it returns the error, and the engine finds
// out what happened by [Record.Mark]. Every call honours its context and has,
// besides, a time limit of its own.
//
// A record is a value: a store keeps no reference to the Payload it is given,
// and nobody but the caller has one to the Payload it returns. Times are kept
// to the microsecond and returned in UTC; the zero time is returned as the
// zero time. An ID for which [ID.Valid] is false is ErrNotFound (for Touch and
// Delete: no effect, no error), and never reaches the server.
//
// Stores know nothing of expiry: Load returns what is stored, expired or not,
// and the engine judges. A store may drop a record no earlier than
// [ExpiryGrace] after its Expires.
//
// Stored bytes that the store cannot read are [ErrUndecodable]. A bounded store
// refuses what exceeds its bound with [ErrFull]. A write whose context ended may
// still take effect later, as a whole; the engine reckons with it.
// A new store shows that it keeps this contract with package storetest.
type Store interface {
	// Load returns the record as stored, or ErrNotFound.
	Load(ctx context.Context, id ID) (Record, error)

	// Create stores rec under an unused ID. It returns ErrExists, and changes
	// nothing, if the ID is in use, also by an expired record.
	Create(ctx context.Context, id ID, rec Record) error

	// Update replaces the record if its stored version is ifVersion. It returns
	// ErrNotFound if there is none and ErrConflict if it has another version.
	// It never creates, and never lowers the stored LastSeen: the later of the
	// stored and the given one is kept. rec.Version is greater than ifVersion.
	Update(ctx context.Context, id ID, rec Record, ifVersion uint64) error

	// Touch moves LastSeen and Expires forward, each only if the given time is
	// later than the stored one, and changes neither version nor mark. If the
	// record is absent or has another version it has no effect and returns nil.
	Touch(ctx context.Context, id ID, lastSeen, expires time.Time, ifVersion uint64) error

	// Delete removes the record if its stored version is ifVersion, and returns
	// ErrConflict if it has another version. An absent record is no error.
	Delete(ctx context.Context, id ID, ifVersion uint64) error
}

// ExpiryGrace is how long after its Expires a record must still be kept: the
// clocks of servers differ, and the engine's decides.
const ExpiryGrace = 5 * time.Minute

// The interfaces below are optional powers of a store. [New] looks for them
// once; a method of [Manager] that needs a missing one returns an error for
// which errors.Is(err, errors.ErrUnsupported) is true.

// Stored is a record with its ID, as lists and scans return it.
type Stored struct {
	ID     ID
	Record Record // without Payload where a list says so
}

// A Lister lists the records of a principal. Where that is an option of the
// store, a method Lists() bool tells whether it can.
type Lister interface {
	// List returns at most limit records of principal, newest first by Created
	// and then by ID, without Payload, expired ones included, moved marks not
	// (they have no principal). after is "" for the first page and next of the
	// page before for the others; next is "" on the last page. A record that
	// was created before the first page was asked for and still exists when its
	// page is read appears exactly once; of a session that is renewed meanwhile,
	// its record, its successor, or both appear. The principal "" has no
	// records. An after that List did not return is an error.
	List(ctx context.Context, principal, after string, limit int) (page []Stored, next string, err error)
}

// A Purger deletes expired records in bounded batches. Where records leave by
// themselves, a method PurgesItself() bool tells: [Manager.PurgeEvery] then leaves
// the store alone.
type Purger interface {
	// Purge deletes at most limit records that expired before the given time,
	// and returns how many. Fewer than limit means that none are left. It is
	// safe beside traffic and beside itself: a record that was touched or
	// updated to expire later is not deleted.
	Purge(ctx context.Context, before time.Time, limit int) (int, error)
}

// A Scanner walks over all records, for migration and statistics.
type Scanner interface {
	// Scan returns about limit records in an order of its own, payloads
	// included. after and next are as for Lister. A record that exists during
	// the whole walk appears at least once.
	Scan(ctx context.Context, after string, limit int) (page []Stored, next string, err error)
}

// A Pinger tells whether its server can be reached.
type Pinger interface {
	Ping(ctx context.Context) error
}

// A Migrator creates its schema or brings it up to date. It may be called
// again at any time and by several processes at once.
type Migrator interface {
	Migrate(ctx context.Context) error
}

// A Validator checks its own configuration. New calls it and returns its
// error; it does no I/O.
type Validator interface {
	Validate() error
}

// A FreshLoader has a faster place to load from than the truth. LoadFresh is
// Load from the truth: the engine calls it after a conflict and after an
// unknown outcome, and where what Load returned cannot be decoded. Where the
// faster place is an option, a method Caches() bool tells whether there is one.
type FreshLoader interface {
	LoadFresh(ctx context.Context, id ID) (Record, error)
}

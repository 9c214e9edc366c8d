package transition

import (
	"context"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// CopyOne is Copy for one record.
func CopyOne(ctx context.Context, old, new session.Store, id session.ID) (Report, error) {
	rec, err := old.Load(ctx, id)
	if err != nil {
		return Report{}, err
	}
	c := copier{old: old, new: new, clock: time.Now}
	return c.work(ctx, session.Stored{ID: id, Record: rec}, time.Now())
}

// CopyAll is Copy of stores that are known to be two: it does not look for that
// first, which touches no session and would multiply the orders of calls.
func CopyAll(ctx context.Context, old, new session.Store, o CopyOptions) (Report, error) {
	return copyAll(ctx, old, new, o.withDefaults())
}

// MigratedMark is the mark of a session that was moved.
func MigratedMark(id session.ID, rec session.Record) session.Record { return migratedMark(id, &rec) }

// EndedMark is the mark of a session that ended.
func EndedMark(version uint64) session.Record { return endedMark(version) }

// IsMark tells whether a record is a mark of the transition, and which.
func IsMark(id session.ID, rec session.Record) (isMigrated, isEnded bool) {
	k := kindOf(id, &rec)
	return k == migrated, k == ended
}

// What is added to a version to make that of a mark.
const (
	MigratedStep = migratedStep
	EndedStep    = endedStep
)

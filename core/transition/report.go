package transition

import "github.com/seshat-go/seshat/core/session"

// MaxDifferences is how many differences a [Report] lists; it counts all.
const MaxDifferences = 100

// A Report counts what [Copy], [Verify] or [Finish] found and did. Each record of the
// old store that was read is one of Copied, Migrated, Ended, Expired, Unreadable,
// Left and Differing.
type Report struct {
	Scanned    int // records of the old store that were read
	Copied     int // moved to the new store; with DryRun, that would be
	Migrated   int // had been moved before, or were by another copier
	Ended      int // sessions that ended since the transition began
	Expired    int // too long ago for any clock; left where they are
	Unreadable int // bytes that nobody can read; left where they are
	Left       int // live sessions that only the old store has (Verify, Finish)
	Differing  int // both stores have the session, and it cannot be told which is right

	Removed int // copies, left by a copier that died, of sessions that ended since; marks, by Finish
	Retried int // times that a request came in between, or a store failed
	Missing int // moved, but not in the new store any more (Verify)

	// Differences are those counted as Differing, the first MaxDifferences of them.
	Differences []Difference
}

// A Difference is a session about which the two stores disagree in a way that no
// order of requests and copies explains. The old store goes on deciding.
type Difference struct {
	ID  session.ID
	Why string // versions and kinds, never a value
}

// Done tells whether a Copy had nothing to do, which after CreateInNew runs
// everywhere says that the new store may be used alone.
func (r Report) Done() bool {
	return r.Copied == 0 && r.Removed == 0 && r.Left == 0 && r.Differing == 0
}

func (r *Report) add(o Report) {
	r.Scanned += o.Scanned
	r.Copied += o.Copied
	r.Migrated += o.Migrated
	r.Ended += o.Ended
	r.Expired += o.Expired
	r.Unreadable += o.Unreadable
	r.Left += o.Left
	r.Differing += o.Differing
	r.Removed += o.Removed
	r.Retried += o.Retried
	r.Missing += o.Missing
	for _, d := range o.Differences {
		if len(r.Differences) < MaxDifferences {
			r.Differences = append(r.Differences, d)
		}
	}
}

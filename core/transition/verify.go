package transition

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Verify compares the two stores, beside traffic, and changes nothing. It counts as
// Left the live sessions that only the old store has, as Differing what the two disagree
// about, and as Missing what has been moved and is not in the new store any more: such a
// session was ended by a process that uses the new store alone, or expired and was
// purged; right after a Copy, with no such process yet, it is lost.
func Verify(ctx context.Context, old, new session.Store, o CopyOptions) (Report, error) {
	o = o.withDefaults()
	c := copier{old: old, new: new, clock: o.Clock}
	return walk(ctx, "verify", old, new, old, o, c.verify)
}

func (c *copier) verify(ctx context.Context, s session.Stored, _ time.Time) (r Report, err error) {
	there := found{kindOf(s.ID, &s.Record), s.Record}
	for range maxAttempts {
		r = Report{Scanned: 1}
		if there.kind == plain && there.rec.Version == 0 {
			r.Unreadable = 1
			return r, nil
		}
		copied, err := look(ctx, c.new, s.ID)
		if err != nil {
			return r, err
		}
		why := c.compare(&r, there, copied)
		if why == "" {
			return r, nil
		}
		again, err := look(ctx, c.old, s.ID)
		if err != nil {
			return r, err
		}
		if again.kind == there.kind && again.rec.Version == there.rec.Version {
			r = Report{Scanned: 1, Differing: 1, Differences: []Difference{{s.ID, why}}}
			return r, nil
		}
		there = again
	}
	return r, nil
}

// compare counts what the two stores have of a session, or says why they disagree.
func (c *copier) compare(r *Report, old, new found) (why string) {
	is, was := new.rec.Version, old.rec.Version
	switch {
	case old.kind == absent:
		r.Expired++
	case old.kind == migrated && new.kind == absent:
		r.Missing, r.Migrated = 1, 1
	case old.kind == migrated && new.kind == migrated:
		return "each store says that the other has it"
	case old.kind == migrated && new.kind == plain && is < was-migratedStep:
		return fmt.Sprintf("version %d was moved, but the new store has version %d", was-migratedStep, is)
	case old.kind == migrated && new.kind == ended:
		r.Ended = 1
	case old.kind == migrated:
		r.Migrated = 1
	case old.kind == ended && new.kind == plain:
		return fmt.Sprintf("ended, but a copy that was under way left version %d in the new store: run the copy again", is)
	case old.kind == ended:
		r.Ended = 1
	case c.expired(&old.rec) && new.kind == plain && new.rec.MovedTo == "":
		return fmt.Sprintf("expired, but a copy that was under way left version %d in the new store: run the copy again", is)
	case c.expired(&old.rec):
		r.Expired = 1
	case new.kind == ended:
		return fmt.Sprintf("version %d in the old store, but ended in the new one", was)
	case new.kind == plain && is > was:
		return fmt.Sprintf("version %d in the old store, but %d in the new one", was, is)
	case new.kind == plain && is == was && !sameData(&old.rec, &new.rec):
		return fmt.Sprintf("version %d in both stores, but not the same data", was)
	default:
		r.Left = 1
	}
	return ""
}

// sameData compares what a touch does not move.
func sameData(a, b *session.Record) bool {
	return a.Mark == b.Mark && a.Principal == b.Principal && a.Created.Equal(b.Created) && a.Authenticated.Equal(b.Authenticated) &&
		a.LifetimeEnd.Equal(b.LifetimeEnd) && a.IdleTimeout == b.IdleTimeout && a.Persistent == b.Persistent &&
		a.MovedTo == b.MovedTo && a.Device == b.Device && bytes.Equal(a.Payload, b.Payload)
}

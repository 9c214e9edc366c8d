package transition

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A copier moves records, one at a time.
type copier struct {
	old, new session.Store
	dry      bool
	clock    func() time.Time // nil: nothing counts as expired
}

// did is what became of a record of the old store.
type did struct {
	now     kind   // absent: dropped meanwhile; plain: expired, or why
	copied  bool   // by this copier
	made    uint64 // the version that this copier has put into the new store
	removed int    // copies
	retried int    // times
	why     string // it was left alone
}

const (
	// freshFor is how long a record that was read may be worked on: far less than a
	// store keeps what has expired, so that no stalled copier puts back what is gone.
	freshFor = time.Minute
	// maxAttempts is how often a record is tried that changes all the time.
	maxAttempts = 100
	// maxFailures is how many errors of a store in a row end a copy.
	maxFailures = 3
)

// work is [copier.one] for a record that was read at the given time.
func (c *copier) work(ctx context.Context, s session.Stored, read time.Time) (Report, error) {
	r := Report{Scanned: 1}
	if s.Record.Version == 0 {
		r.Unreadable = 1
		return r, nil
	}
	there := found{kindOf(s.ID, &s.Record), s.Record}
	if time.Since(read) > freshFor {
		var err error
		if there, err = look(ctx, c.old, s.ID); err != nil {
			return r, err
		}
	}
	did, err := c.one(ctx, s.ID, there)
	r.Removed, r.Retried = did.removed, did.retried
	switch {
	case errors.Is(err, session.ErrUndecodable):
		r.Unreadable = 1
		return r, nil
	case err != nil:
		return r, err
	case did.why != "":
		r.Differing = 1
		r.Differences = []Difference{{s.ID, did.why}}
	case did.copied:
		r.Copied = 1
	case did.now == migrated:
		r.Migrated = 1
	case did.now == ended:
		r.Ended = 1
	default:
		r.Expired = 1
	}
	return r, nil
}

// one moves a record: it creates the copy, reads the old record once more, for a touch
// that came too early for the copy, and then compares and sets it into a mark. Until
// that has happened the old record is the session, and nobody reads the copy.
// Every step can be repeated, by this copier or another.
func (c *copier) one(ctx context.Context, id session.ID, there found) (did, error) {
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	var out did
	known, failures := true, 0
	for range maxAttempts {
		var err error
		if !known {
			there, err = look(ctx, c.old, id)
		}
		if err == nil {
			var over bool
			if over, err = c.attempt(ctx, id, &there, &out); over && err == nil {
				out.now = there.kind
				return out, nil
			}
		}
		if failures++; err == nil {
			failures = 0
		}
		if failures == maxFailures || hopeless(err) {
			return out, err
		}
		known = false
		out.retried++
		if err := pause(ctx, time.Millisecond+rand.N(4*time.Millisecond)); err != nil {
			return out, err
		}
	}
	return out, fmt.Errorf("%w: the session keeps changing", session.ErrConflict)
}

// hopeless tells whether an error comes again.
func hopeless(err error) bool {
	return errors.Is(err, session.ErrFull) || errors.Is(err, session.ErrTooLarge) || errors.Is(err, session.ErrUndecodable) ||
		errors.Is(err, session.ErrInvalid)
}

// attempt tells whether the record is done with. If not, somebody came in between,
// or a store failed, and the old record must be read again.
func (c *copier) attempt(ctx context.Context, id session.ID, there *found, out *did) (over bool, err error) {
	out.why = ""
	rec := &there.rec
	switch {
	case there.kind == migrated:
		return true, nil
	case there.kind == absent:
		return c.takeBack(ctx, id, out)
	case there.kind == ended || c.expired(rec):
		return c.remove(ctx, id, there, out)
	case c.dry:
		out.copied = true
		return true, nil
	}
	copied, ok, err := c.put(ctx, id, rec, out)
	if !ok || err != nil {
		return false, err
	}
	again, err := look(ctx, c.old, id)
	switch {
	case err != nil || !again.same(there):
		return false, err
	case out.why != "":
		return true, nil
	case again.rec.LastSeen.After(copied.LastSeen) || again.rec.Expires.After(copied.Expires):
		if err = c.new.Touch(ctx, id, again.rec.LastSeen, again.rec.Expires, rec.Version); err != nil {
			return false, err
		}
	}
	err = c.old.Update(ctx, id, migratedMark(id, rec), rec.Version)
	switch {
	case err == nil:
		out.copied, there.kind = true, migrated
		return true, nil
	case errors.Is(err, session.ErrConflict), errors.Is(err, session.ErrNotFound):
		return false, nil
	}
	return false, err
}

// same tells whether no write came in between; a touch is none.
func (f *found) same(o *found) bool {
	return f.kind == o.kind && f.rec.Version == o.rec.Version && f.rec.Mark == o.rec.Mark
}

func (c *copier) expired(rec *session.Record) bool {
	if c.clock == nil {
		return false
	}
	long := c.clock().Add(-session.ExpiryGrace)
	return rec.Expires.Before(long) || rec.LifetimeEnd.Before(long)
}

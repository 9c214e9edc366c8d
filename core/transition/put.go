package transition

import (
	"context"
	"errors"
	"fmt"

	"github.com/seshat-go/seshat/core/session"
)

// put sees to it that the new store has rec, and returns what it has. Not ok means
// to begin again. If out.why is set, the stores disagree, unless the old one has
// changed since rec was read.
func (c *copier) put(ctx context.Context, id session.ID, rec *session.Record, out *did) (copied session.Record, ok bool, err error) {
	out.why = ""
	failed := c.new.Create(ctx, id, *rec)
	switch {
	case failed == nil:
		out.made = rec.Version
		return *rec, true, nil
	case errors.Is(failed, session.ErrFull), errors.Is(failed, session.ErrTooLarge):
		return copied, false, failed
	case errors.Is(failed, session.ErrExists):
		failed = nil
	}
	there, err := look(ctx, c.new, id) // also after an unknown outcome
	if err != nil {
		return copied, false, err
	}
	copied = there.rec
	switch {
	case there.kind == absent:
		return copied, false, failed
	case there.kind == migrated: // left by a move in the other direction
		err = c.new.Delete(ctx, id, copied.Version)
		if errors.Is(err, session.ErrConflict) {
			err = nil
		}
		return copied, false, err
	case there.kind == ended:
		out.why = fmt.Sprintf("version %d in the old store, but ended in the new one", rec.Version)
		return copied, true, nil
	case copied.Version >= rec.Version && copied.MovedTo != "" && rec.MovedTo != "":
		return copied, true, nil // neither is a session: each store has had a lease of PurgeEvery
	case copied.Version > rec.Version:
		out.why = fmt.Sprintf("version %d in the old store, but %d in the new one", rec.Version, copied.Version)
		return copied, true, nil
	case copied.Version == rec.Version && copied.Mark != rec.Mark:
		out.why = fmt.Sprintf("version %d in both stores, but not by the same write", rec.Version)
		return copied, true, nil
	case copied.Version == rec.Version:
		return copied, true, nil
	}
	err = c.new.Update(ctx, id, *rec, copied.Version)
	switch {
	case err == nil:
		out.made = rec.Version
		return *rec, true, nil
	case errors.Is(err, session.ErrConflict), errors.Is(err, session.ErrNotFound):
		return copied, false, nil
	}
	return copied, false, err
}

// remove deletes a copy of what the old store says is over: a copier died, or is late.
// Nobody reads it, since the old store decides, but one day somebody would.
func (c *copier) remove(ctx context.Context, id session.ID, there *found, out *did) (over bool, err error) {
	copied, err := look(ctx, c.new, id)
	switch {
	case err != nil:
		return false, err
	case copied.kind != plain, copied.rec.MovedTo != "": // no session
		return true, nil
	case there.kind == plain && copied.rec.Version > there.rec.Version:
		out.why = fmt.Sprintf("version %d in the old store, which has expired, but %d in the new one", there.rec.Version, copied.rec.Version)
		again, err := look(ctx, c.old, id)
		return err == nil && again.same(there), err
	case c.dry:
		out.removed++
		return true, nil
	}
	return c.delete(ctx, id, copied.rec.Version, out)
}

// takeBack deletes what this copier has put there of a record that the old store
// has dropped since. What others have put there is theirs: where the old store has
// nothing, the new one is asked.
func (c *copier) takeBack(ctx context.Context, id session.ID, out *did) (over bool, err error) {
	if out.made == 0 {
		return true, nil
	}
	if over, err = c.delete(ctx, id, out.made, out); !over && err == nil {
		return true, nil // another version is there: not this copier's
	}
	return over, err
}

func (c *copier) delete(ctx context.Context, id session.ID, version uint64, out *did) (over bool, err error) {
	err = c.new.Delete(ctx, id, version)
	switch {
	case err == nil || errors.Is(err, session.ErrPending):
		out.removed++
		return true, nil
	case errors.Is(err, session.ErrConflict):
		return false, nil
	}
	return false, err
}

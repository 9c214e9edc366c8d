package transition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// ErrUnfinished is what [Finish] returns while the new store does not have all
// that is live in the old one.
var ErrUnfinished = errors.New("transition: the move is not finished")

// Finish ends a move: it removes the marks from the old store, and those of ended
// sessions from the new one. Run it when all processes use the new store alone and
// no copier runs. It first does what [Verify] does, and if there are live sessions left
// in the old store, or differences, removes nothing and returns ErrUnfinished. So it
// does where the new store is empty though sessions have moved: that is another place.
// Expired records stay in the old store.
//
// Without it, marks disappear by themselves after 400 days. Nothing needs it but a
// tidy store, and a move back, which is then no different from the first.
func Finish(ctx context.Context, old, new session.Store, o CopyOptions) (Report, error) {
	sum, err := Verify(ctx, old, new, o)
	if err == nil && sum.Left+sum.Differing > 0 {
		err = fmt.Errorf("%w: %d sessions are left in the old store and %d differ: run the copy again", ErrUnfinished, sum.Left, sum.Differing)
	}
	if err == nil && sum.Missing > 0 && sum.Missing == sum.Migrated {
		err = filled(ctx, new)
	}
	if err != nil {
		return sum, err
	}
	o = o.withDefaults()
	for _, from := range []session.Store{old, new} {
		removed, err := walk(ctx, "finish", old, new, from, o, func(ctx context.Context, s session.Stored, _ time.Time) (Report, error) {
			if kindOf(s.ID, &s.Record) == plain {
				return Report{}, nil
			}
			if o.DryRun {
				return Report{Removed: 1}, nil
			}
			err := from.Delete(ctx, s.ID, s.Record.Version)
			switch {
			case err == nil, errors.Is(err, session.ErrPending):
				return Report{Removed: 1}, nil
			case errors.Is(err, session.ErrConflict): // somebody has changed it: it is no mark any more
				return Report{}, nil
			}
			return Report{}, err
		})
		sum.add(removed)
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// filled returns ErrUnfinished for a store without any record.
func filled(ctx context.Context, store session.Store) error {
	scanner, ok := store.(session.Scanner)
	if !ok {
		return nil // Finish says so
	}
	for after := ""; ; {
		page, next, err := scanner.Scan(ctx, after, defaultBatch)
		switch {
		case err != nil:
			return fmt.Errorf("transition: finish: reading the new store: %w", err)
		case len(page) > 0:
			return nil
		case next == "":
			return fmt.Errorf("%w: the new store is empty, and none of the sessions that moved is there: is it the right one?", ErrUnfinished)
		}
		after = next
	}
}

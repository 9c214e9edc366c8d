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

package transition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// CopyOptions are the settings of [Copy], [Verify] and [Finish]. The zero value is valid.
type CopyOptions struct {
	// Batch is about how many records are read at once, and between how many
	// Progress is called. Default: 500.
	Batch int

	// Parallel is how many records are worked on at a time. Default: 8. Danger, if
	// it is high: the load of the two stores, beside the traffic.
	Parallel int

	// Pause is how long to wait after each batch, for the sake of the traffic.
	// Default: not at all.
	Pause time.Duration

	// DryRun counts and changes nothing.
	DryRun bool

	// Progress is called after each batch with the counts so far. It may be nil.
	Progress func(Report)

	// Clock tells the time by which records have expired. Default: time.Now.
	Clock func() time.Time
}

const (
	defaultBatch    = 500
	defaultParallel = 8
)

func (o CopyOptions) withDefaults() CopyOptions {
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Parallel == 0 {
		o.Parallel = defaultParallel
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o
}

// validate is called after withDefaults.
func (o CopyOptions) validate() error {
	for _, f := range []struct {
		name  string
		value int64
	}{{"Batch", int64(o.Batch)}, {"Parallel", int64(o.Parallel)}, {"Pause", int64(o.Pause)}} {
		if f.value < 0 {
			return fmt.Errorf("transition: CopyOptions.%s is negative; it must be positive, or 0 for its default: %w", f.name, session.ErrInvalid)
		}
	}
	return nil
}

// Copy moves all live sessions of the old store to the new one, beside the traffic of
// processes that all use a [Store] over the two. What is done is marked in the old store: after an
// error, or a copier that died, run it again, and it goes on from there. Several may
// run at once.
//
// It never overwrites newer with older: where the stores disagree in a way that
// cannot have come about by a move, it leaves both alone and counts a difference.
// The old store must be a [session.Scanner]. Two names of one place (a server by its name
// and by its address) are an error before anything is moved.
func Copy(ctx context.Context, old, new session.Store, o CopyOptions) (Report, error) {
	o = o.withDefaults()
	if err := apart(ctx, old, new, o.DryRun); err != nil {
		return Report{}, err
	}
	return copyAll(ctx, old, new, o)
}

func copyAll(ctx context.Context, old, new session.Store, o CopyOptions) (Report, error) {
	c := copier{old: old, new: new, dry: o.DryRun, clock: o.Clock}
	return walk(ctx, "copy", old, new, old, o, c.work)
}

// walk reads all records of one of the stores and has each worked on.
func walk(ctx context.Context, op string, old, new, from session.Store, o CopyOptions, work func(context.Context, session.Stored, time.Time) (Report, error)) (Report, error) {
	var sum Report
	if err := errors.Join(validStores(old, new), o.validate()); err != nil {
		return sum, err
	}
	scanner, ok := from.(session.Scanner)
	if !ok {
		return sum, fmt.Errorf("transition: %s: %T is no session.Scanner: %w", op, from, errors.ErrUnsupported)
	}
	for after := ""; ; {
		read := time.Now()
		page, next, err := scanner.Scan(ctx, after, o.Batch)
		if err != nil {
			return sum, fmt.Errorf("transition: %s: reading all sessions: %w", op, err)
		}
		if err = batch(page, o.Parallel, &sum, func(s session.Stored) (Report, error) {
			did, err := work(ctx, s, read)
			if err != nil {
				err = fmt.Errorf("transition: %s: %s: %w", op, s.ID, err)
			}
			return did, err
		}); err != nil {
			return sum, err
		}
		if o.Progress != nil {
			shown := sum
			shown.Differences = slices.Clone(sum.Differences)
			o.Progress(shown)
		}
		if next == "" {
			return sum, nil
		}
		after = next
		if err := pause(ctx, o.Pause); err != nil {
			return sum, fmt.Errorf("transition: %s: %w", op, err)
		}
	}
}

// batch works on the records of a page, several at a time. After an error it
// begins no other.
func batch(page []session.Stored, parallel int, sum *Report, work func(session.Stored) (Report, error)) error {
	var (
		mu    sync.Mutex
		first error
		next  atomic.Int64
		done  sync.WaitGroup
	)
	each := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(page) {
				return
			}
			did, err := work(page[i])
			mu.Lock()
			sum.add(did)
			if err != nil && first == nil {
				first = err
			}
			over := first != nil
			mu.Unlock()
			if over {
				return
			}
		}
	}
	for range min(parallel, len(page)) {
		done.Go(each)
	}
	done.Wait()
	return first
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

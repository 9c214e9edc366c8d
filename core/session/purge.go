package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A PurgeOption sets how [Manager.Purge] and [Manager.PurgeEvery] go about it.
type PurgeOption func(*purge)

// PurgeBatch bounds how many records a batch deletes: from 10 to 10,000.
// Default 1000. A purge begins with batches of 100, and comes to the bound where
// the store is fast.
func PurgeBatch(most int) PurgeOption { return func(p *purge) { p.most = most } }

// PurgeShare is the part of the time that a purge may keep the store busy: above
// 0, and at most 1, which is without pauses. Default 0.25: after a batch that took
// 20 ms it pauses for 60. A store under pressure answers late, so that the pauses
// grow with it.
func PurgeShare(share float64) PurgeOption { return func(p *purge) { p.share = share } }

// PurgeProgress has f called after each batch, and once more at the end. The
// purge waits for it.
func PurgeProgress(f func(PurgeStatus)) PurgeOption {
	return func(p *purge) { p.progress = append(p.progress, f) }
}

// PurgeStatus is how far a purge has come.
type PurgeStatus struct {
	Records int           // deleted so far
	Batches int           // that were asked for so far, those included that timed out
	Took    time.Duration // since the beginning, pauses included
	Busy    time.Duration // of that, in the store
	Over    bool          // this is the end, in success or not
}

// Rate is how many records a second were deleted, pauses included.
func (s PurgeStatus) Rate() float64 {
	if s.Took <= 0 {
		return 0
	}
	return float64(s.Records) / s.Took.Seconds()
}

const (
	leastBatch   = 10
	firstBatch   = 100
	defaultBatch = 1000
	mostBatch    = 10_000
	defaultShare = 0.25

	// A batch that took longer is followed by one half as large, one that took
	// less than half of it by one twice as large.
	slowBatch = 100 * time.Millisecond
	// Pauses shorter than a timer is exact are saved up.
	leastPause = 2 * time.Millisecond
)

// A purge is one call of Purge, or the settings of a PurgeEvery.
type purge struct {
	most     int
	share    float64
	progress []func(PurgeStatus)

	size   int
	owed   time.Duration // of pauses
	began  time.Time
	status PurgeStatus
}

func newPurge(options []PurgeOption) (*purge, error) {
	p := &purge{most: defaultBatch, share: defaultShare}
	for _, o := range options {
		o(p)
	}
	switch {
	case p.most < leastBatch || p.most > mostBatch:
		return nil, fmt.Errorf("%w: PurgeBatch is %d: give a number of records from %d to %d", ErrInvalid, p.most, leastBatch, mostBatch)
	case !(p.share > 0 && p.share <= 1): // also NaN
		return nil, fmt.Errorf("%w: PurgeShare is %v: give a part of the time above 0, and at most 1", ErrInvalid, p.share)
	}
	p.size = min(firstBatch, p.most)
	return p, nil
}

// Purge deletes what has expired and returns how many records. Sessions end
// without it: it frees space. Records stay for five minutes after they expired,
// since clocks differ.
//
// It is safe beside traffic and beside itself. It deletes in batches, each a step
// of its own for the store, and leaves the store alone for three times as long as
// each took (see [PurgeShare]). A batch that took more than 100 ms is followed by
// one half as large, down to 10 records; one that took less than 50 ms by one
// twice as large (see [PurgeBatch]). One that the store could not do within its time
// limit is tried again at half its size.
//
// It takes as long as it must, and ends with ctx; Options.StoreTimeout does not
// bound it, but the store's own time limit each of its steps. An error may come with a
// number: so many were deleted before. It tells [EventPurging] and [EventPurged] or
// [EventPurgeFailed].
func (m *Manager) Purge(ctx context.Context, options ...PurgeOption) (int, error) {
	p, err := newPurge(options)
	if err != nil {
		return 0, err
	}
	purger, ok := m.store.(Purger)
	if !ok {
		return 0, unsupported("delete expired sessions")
	}
	m.event(ctx, Event{Kind: EventPurging, Op: "purge"})
	err = m.purge(ctx, purger, p)
	e := Event{Kind: EventPurged, Op: "purge", Count: p.status.Records, Err: err}
	if err != nil && ctx.Err() == nil {
		e.Kind = EventPurgeFailed
	}
	m.event(ctx, e)
	p.report(true)
	return p.status.Records, err
}

func (m *Manager) purge(ctx context.Context, purger Purger, p *purge) error {
	p.began = time.Now()
	before := m.now().Add(-ExpiryGrace)
	for {
		began, size := time.Now(), p.size
		n := 0
		err := m.observe(apart{ctx}, Call{Tier: TierStore, Op: "purge"}, func(ctx context.Context) (err error) {
			n, err = purger.Purge(ctx, before, size) // a batch takes its time: the store bounds its steps
			return err
		})
		late := err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && size > leastBatch
		if over := p.did(n, time.Since(began), late) && !late; over || err != nil && !late {
			return m.answer(ctx, "purge", "", err)
		}
		p.report(false)
		if err := p.pause(ctx); err != nil {
			return fmt.Errorf("%w: purge: %w", ErrUnavailable, err)
		}
	}
}

// did enters a batch, and tells whether it was the last: it found fewer than it
// was to delete.
func (p *purge) did(n int, took time.Duration, late bool) bool {
	last := n < p.size
	p.status.Records += n
	p.status.Batches++
	p.status.Busy += took
	p.owed += time.Duration(float64(took) * (1/p.share - 1))
	switch {
	case late || took > slowBatch:
		p.size = max(p.size/2, leastBatch)
	case took < slowBatch/2:
		p.size = min(2*p.size, p.most)
	}
	return last
}

func (p *purge) pause(ctx context.Context) error {
	if p.owed < leastPause {
		return ctx.Err()
	}
	owed := p.owed
	p.owed = 0
	return sleep(ctx, owed)
}

func (p *purge) report(over bool) {
	p.status.Over, p.status.Took = over, time.Since(p.began)
	for _, f := range p.progress {
		f(p.status)
	}
}

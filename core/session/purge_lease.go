package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"
)

// leaseTime is how long a lease holds unless it is renewed, which a purge does
// between batches, when a third of it has passed.
const leaseTime = 5 * time.Minute

// leaseID is where a store keeps the lease. A purge concerns all records of a
// store, whatever the cookie's name; no token has this ID, since the
// text before its first NUL is no cookie name.
var leaseID = func() ID {
	sum := sha256.Sum256([]byte("seshat: whose turn it is to purge\x00"))
	return ID(encoding.EncodeToString(sum[:]))
}()

// A purgeLease is the right to purge, as a record. Created is when the last
// purge began, Authenticated when the last one ended that was not cut short; if
// that is before Created one is under way, up to Expires. MovedTo is random, so that
// the record is a mark that leads nowhere.
type purgeLease struct {
	m       *Manager
	rec     Record // as stored by this process; version 0: none
	renewed time.Time
}

// take takes the lease if a purge is due, or returns when to look again.
func (l *purgeLease) take(ctx context.Context, interval time.Duration) (wait time.Duration, mine bool) {
	rec, err := l.m.loadSound(ctx, leaseID)
	now := l.m.now()
	switch {
	case errors.Is(err, ErrUndecodable):
		l.m.event(ctx, Event{Kind: EventUndecodable, ID: leaseID, Op: "purge", Err: err})
		return 0, true // without a lease
	case errors.Is(err, ErrNotFound):
		rec = Record{}
	case err != nil:
		return leaseTime, false
	default:
		if wait := due(&rec, now, interval); wait > 0 {
			return wait, false
		}
	}
	next := rec
	next.Created = now
	if !rec.Authenticated.Before(now) { // by a clock that is ahead
		next.Created = rec.Authenticated.Add(time.Microsecond)
	}
	var nowhere [sha256.Size]byte
	_, _ = rand.Read(nowhere[:]) // never fails: crypto/rand ends the program instead
	next.MovedTo = ID(encoding.EncodeToString(nowhere[:]))
	next.Device = Device{UserAgent: "Seshat: whose turn it is to purge"} // for who looks at the table
	err = l.store(ctx, next, leaseTime)
	if errors.Is(err, ErrExists) {
		// Somebody was faster, or the ID is in use by what nobody can load: the mark of a
		// lease that package transition has moved.
		if _, err = l.m.loadSound(ctx, leaseID); errors.Is(err, ErrNotFound) {
			return 0, true // without a lease
		}
		return leaseTime, false
	}
	return leaseTime, err == nil
}

// due is how long it is until a purge is due; 0 or less is now. Times that only
// a wrong clock can have written do not count.
func due(rec *Record, now time.Time, interval time.Duration) time.Duration {
	wait, most := rec.Expires.Sub(now), leaseTime
	if !rec.Authenticated.Before(rec.Created) {
		wait, most = rec.Authenticated.Add(interval).Sub(now), interval
	}
	if wait > most+ExpiryGrace {
		return 0
	}
	return wait
}

// store writes the lease, as it is after that of l, or the first.
func (l *purgeLease) store(ctx context.Context, rec Record, d time.Duration) error {
	before, now := rec.Version, l.m.now()
	rec.Version++
	_, _ = rand.Read(rec.Mark[:])
	rec.LastSeen = now
	rec.Expires = now.Add(d)
	rec.LifetimeEnd = rec.Expires
	var err error
	if before == 0 {
		err = l.m.call(ctx, "create", leaseID, func(ctx context.Context) error {
			return l.m.store.Create(ctx, leaseID, rec)
		})
	} else {
		err = l.m.update(ctx, leaseID, rec, before)
	}
	if err == nil {
		l.rec, l.renewed = rec, time.Now()
	}
	return err
}

// keep renews the lease when it is time, and tells whether it is still this
// process's. What cannot be known now is tried again later.
func (l *purgeLease) keep(ctx context.Context) bool {
	if l.rec.Version == 0 || time.Since(l.renewed) < leaseTime/3 {
		return true
	}
	err := l.store(ctx, l.rec, leaseTime)
	return !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound)
}

// release ends the lease: after a purge that was not cut short nobody need purge
// for the interval, after another everybody may at once.
func (l *purgeLease) release(ctx context.Context, interval time.Duration, err error) {
	if l.rec.Version == 0 {
		return
	}
	rec, stays := l.rec, time.Duration(0)
	if err == nil {
		rec.Authenticated = l.m.now()
		if rec.Authenticated.Before(rec.Created) {
			rec.Authenticated = rec.Created
		}
		stays = interval * 2 // so that purges leave it until it is taken again
	}
	_ = l.store(context.WithoutCancel(ctx), rec, stays) // if it fails, the lease runs out
}

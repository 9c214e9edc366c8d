package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	leastInterval = time.Minute
	// firstPurge is within which time of the start a purge begins that is due.
	firstPurge = 30 * time.Second
	// mostJitter bounds the random time that is added to a wait.
	mostJitter = 5 * time.Minute
)

// PurgeEvery purges once every interval until ctx ends, on a goroutine of the
// application's:
//
//	go sessions.PurgeEvery(ctx, time.Hour)
//
// The interval is from the end of a purge to the beginning of the next, up to a
// tenth longer; it is a minute at least, and 400 days at most. What is due at the start begins within half
// a minute. Of all processes that do so on one store one purges, and that counts for all;
// if it dies, another takes over when its lease has run out, five minutes at most.
//
// The lease is a record in the store under a fixed ID, which is nobody's session:
// a moved mark, which gives no access and is in no list. Where the clocks of two
// processes differ by more than five minutes, both may purge at once, which is
// safe; so it is where the record cannot be read.
//
// What fails is an event, and tried again after five minutes. [EventPurgeFailed]
// also tells, once, of a store that cannot purge and of an option that cannot
// work. Where records leave by themselves, as from Redis and from memory, PurgeEvery only
// waits for ctx.
func (m *Manager) PurgeEvery(ctx context.Context, interval time.Duration, options ...PurgeOption) {
	if s, ok := m.store.(interface{ PurgesItself() bool }); ok && s.PurgesItself() {
		<-ctx.Done()
		return
	}
	_, err := newPurge(options)
	if _, ok := m.store.(Purger); err == nil && !ok {
		err = unsupported("delete expired sessions")
	}
	if err != nil {
		m.event(ctx, Event{Kind: EventPurgeFailed, Op: "purge", Err: err})
		<-ctx.Done()
		return
	}
	interval = min(max(interval, leastInterval), maxLifetime)
	wait := rand.N(min(firstPurge, interval))
	for sleep(ctx, wait) == nil {
		wait = min(max(m.purgeTurn(ctx, interval, options), time.Second), interval)
		wait += rand.N(min(wait/10, mostJitter))
	}
}

// purgeTurn purges if it is time, and returns when to look again.
func (m *Manager) purgeTurn(ctx context.Context, interval time.Duration, options []PurgeOption) time.Duration {
	l := purgeLease{m: m}
	if wait, mine := l.take(ctx, interval); !mine {
		return wait
	}
	held, stop := context.WithCancel(ctx)
	defer stop()
	taken := false
	keep := PurgeProgress(func(s PurgeStatus) {
		if taken = taken || !s.Over && !l.keep(ctx); taken {
			stop() // the other one goes on
		}
	})
	_, err := m.Purge(held, append(options[:len(options):len(options)], keep)...)
	if !taken {
		l.release(ctx, interval, err)
	}
	if errors.Is(err, errors.ErrUnsupported) { // by the database below a cacheddb
		<-ctx.Done()
	}
	if err != nil {
		return leaseTime
	}
	return interval
}

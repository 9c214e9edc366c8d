package cacheddb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// doubt is how far the cache's entry for an ID is to be trusted.
type doubt uint8

const (
	// none: the protocol holds.
	none doubt = iota
	// unsure: the outcome of a write to the database is unknown, or another
	// process's removal may not have got through. The database is asked first;
	// while it is down, the entry is served.
	unsure
	// stale: the database has moved on and the cache could not be told. Only
	// the database may answer.
	stale
)

var errTooMany = errors.New("cacheddb: more entries than Options.MaxPending; all entries of this time are re-checked instead")

// pending is what this process still owes the cache. IDs that do not fit are
// covered by a moment: every entry last checked before it is in doubt.
type pending struct {
	max int

	mu       sync.Mutex
	seq      uint64
	notes    map[session.ID]note
	moments  [stale + 1]time.Time
	overflow bool // since the notes were last empty
}

type note struct {
	id    session.ID
	doubt doubt
	seq   uint64    // of the last write: a removal that began before it does not settle it
	due   time.Time // an unsure one is settled no earlier
}

// look returns the doubt about an ID, and the sequence number for clear.
func (p *pending) look(id session.ID) (doubt, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.notes[id]
	return n.doubt, n.seq
}

// momentOf returns the doubt about an entry that was checked at the given time.
func (p *pending) momentOf(checked time.Time) doubt {
	p.mu.Lock()
	defer p.mu.Unlock()
	for d := stale; d > none; d-- {
		if checked.Before(p.moments[d]) {
			return d
		}
	}
	return none
}

// distrust puts every entry that was checked before t in doubt.
func (p *pending) distrust(d doubt, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moments[d] = t
}

// add notes a doubt. known tells that the ID had as strong a one already; full
// that this is the first ID that did not fit.
func (p *pending) add(id session.ID, d doubt, due time.Time) (known, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, ok := p.notes[id]
	if !ok && len(p.notes) >= p.max {
		p.moments[d] = time.Now()
		full = !p.overflow
		p.overflow = true
		return true, full
	}
	if p.notes == nil {
		p.notes = make(map[session.ID]note)
	}
	p.seq++
	p.notes[id] = note{id: id, doubt: max(d, old.doubt), seq: p.seq, due: due}
	return old.doubt >= d, false
}

// clear forgets the doubt about an ID, unless a later write renewed it.
func (p *pending) clear(id session.ID, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, ok := p.notes[id]; ok && n.seq == seq {
		delete(p.notes, id)
	}
	if len(p.notes) == 0 {
		p.overflow = false
		p.notes = nil // a map never shrinks
	}
}

// list returns the notes in no order, so that none stands in the others' way.
func (p *pending) list() []note {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.notes) == 0 {
		return nil
	}
	l := make([]note, 0, len(p.notes))
	for _, n := range p.notes {
		l = append(l, n)
	}
	return l
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.notes)
}

// remember notes that the cache may hold what the database no longer does.
func (s *Store) remember(ctx context.Context, op string, id session.ID) {
	if !id.Valid() {
		return
	}
	known, full := s.pending.add(id, stale, time.Now())
	if full {
		s.event(ctx, session.EventPending, op, "", errTooMany)
	}
	if !known {
		s.event(ctx, session.EventPending, op, id, nil)
	}
	s.startRepair()
}

// suspect notes that a write to the database may or may not have taken effect.
// The entry is not removed: while the database is down, which is what such
// writes most often mean, reads go on from it. It is settled when the engine
// loads afresh, or after a cool-down in the background; that is also the time a
// statement still on its way has to arrive.
func (s *Store) suspect(id session.ID) {
	if !id.Valid() {
		return
	}
	s.pending.add(id, unsure, time.Now().Add(s.o.BreakerCooldown))
	s.startRepair()
}

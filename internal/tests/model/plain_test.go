package model_test

import (
	"slices"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// The plain model of sessions: a map from IDs to what is kept there, in which
// every operation of the laws is one step.

// Lifetimes of the sessions that the machine makes.
const (
	lifetime = 24 * time.Hour
	markLife = time.Minute
)

// kept is what the map has under an ID. Values are never changed in place.
type kept struct {
	principal                         string
	created, auth, seen, expires, end time.Time
	idle                              time.Duration
	persistent                        bool
	movedTo                           session.ID
	values                            values
	writes                            int // how many there were, of any record, when it was written
}

// values is what an application keeps: two texts, of which "" is none, a
// number, of which 0 is none, and messages, each of another text.
type values struct {
	a, b    string
	n       int
	flashes []string
}

func (v values) empty() bool { return v.a == "" && v.b == "" && v.n == 0 && len(v.flashes) == 0 }

func (k kept) live(now time.Time) bool {
	return k.movedTo == "" && now.Before(k.expires) && now.Before(k.end)
}

// used is k after a use at the given time.
func (k kept) used(now time.Time) kept {
	k.seen = later(k.seen, now)
	k.expires = k.end
	if k.idle > 0 && k.seen.Add(k.idle).Before(k.end) {
		k.expires = k.seen.Add(k.idle)
	}
	return k
}

// A plain is the map, with its clock.
type plain struct {
	now    time.Time
	idle   time.Duration // of new sessions
	every  time.Duration // Options.TouchInterval
	all    map[session.ID]kept
	writes int
	down   bool // the store cannot be asked
}

func (p *plain) blank() kept {
	return kept{end: p.now.Add(lifetime), idle: p.idle, persistent: true}
}

// put is a data write.
func (p *plain) put(id session.ID, k kept) kept {
	p.writes++
	k.writes = p.writes
	p.all[id] = k
	return k
}

// end follows marks to the session at their end.
func (p *plain) endOf(id session.ID) (session.ID, kept, bool) {
	k, there := p.all[id]
	for there && k.movedTo != "" {
		id = k.movedTo
		k, there = p.all[id]
	}
	return id, k, there
}

// touchInterval is how old a time of use may grow.
func (p *plain) touchInterval(idle time.Duration) time.Duration {
	switch {
	case p.every > 0 && (idle == 0 || p.every < idle):
		return p.every
	case idle > 0:
		return min(idle/10, time.Hour)
	}
	return time.Hour
}

// revoke ends the session under an ID, or what was made of it.
func (p *plain) revoke(id session.ID, allowed func(kept) bool) bool {
	at, k, there := p.endOf(id)
	if !there || !allowed(k) || !k.live(p.now) {
		return false
	}
	delete(p.all, at)
	return true
}

// revokeAll ends the sessions of a principal but one, and what renewals made of it.
func (p *plain) revokeAll(principal string, except session.ID, spared kept) (n int) {
	at, _, there := p.endOf(except)
	for id, k := range p.all {
		switch {
		case k.principal != principal || k.movedTo != "" || except != "" && id == except:
		case except != "" && there && id == at && k.created.Equal(spared.created) && k.auth.Equal(spared.auth):
		default:
			delete(p.all, id)
			n++
		}
	}
	return n
}

// purge deletes what expired more than five minutes ago.
func (p *plain) purge() (n int) {
	for id, k := range p.all {
		if k.expires.Before(p.now.Add(-session.ExpiryGrace)) {
			delete(p.all, id)
			n++
		}
	}
	return n
}

// list returns the IDs of the live sessions of a principal, newest first.
func (p *plain) list(principal string) (ids []session.ID) {
	for id, k := range p.all {
		if principal != "" && k.principal == principal && k.live(p.now) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(x, y session.ID) int {
		if c := p.all[y].created.Compare(p.all[x].created); c != 0 {
			return c
		}
		if x > y {
			return -1
		}
		return 1
	})
	return ids
}

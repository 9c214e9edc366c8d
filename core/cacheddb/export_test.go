package cacheddb

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// State describes what the Store remembers, relative to the given time. Two
// Stores of one State behave alike.
func (s *Store) State(start time.Time) string {
	since := func(t time.Time) any {
		if t.IsZero() {
			return "-"
		}
		return t.Sub(start)
	}
	var notes []string
	for _, n := range s.pending.list() {
		notes = append(notes, fmt.Sprint(n.id[:4], n.doubt, since(n.due)))
	}
	sort.Strings(notes)
	p, r := &s.pending, &s.rechecks
	return fmt.Sprint(strings.Join(notes, ","), since(p.moments[unsure]), since(p.moments[stale]), p.overflow,
		s.breaker.isOpen(), s.breaker.failed.Load(), s.repair.running, r.down, r.trying, since(r.until))
}

// Repairing tells whether the background goroutine exists.
func (s *Store) Repairing() bool {
	s.repair.mu.Lock()
	defer s.repair.mu.Unlock()
	return s.repair.running
}

// Pending returns how many IDs are in doubt.
func (s *Store) Pending() int { return s.pending.len() }

// ForgetPending makes a Store that does not keep its promises.
func (s *Store) ForgetPending() {
	for _, n := range s.pending.list() {
		s.pending.clear(n.id, n.seq)
	}
}

// FillPending leaves no room for the IDs of further entries, for an hour.
func (s *Store) FillPending() {
	for i := range s.o.MaxPending {
		s.pending.add(session.ID(fmt.Sprintf("another session, %026d", i)), unsure, time.Now().Add(time.Hour))
	}
}

// ClockMargin is how far clocks may differ.
const ClockMargin = clockMargin

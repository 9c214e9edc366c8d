package interleave

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// A verdict is how a call that waits goes on.
type verdict int

const (
	pass    verdict = iota // take effect, answer
	reverse                // the same, where the order of the answer is the store's choice
	refuse                 // no effect, an error
	lose                   // take effect, an error
	delay                  // an error now, the effect at any later moment
)

var errFault = errors.New("connection reset by peer")

// call describes a call that stops.
type call struct {
	kind  kind
	cache bool // it goes to the cache
	what  string
}

type kind int

const (
	beginning kind = iota // of a request: no call
	reading
	listing
	writing
)

// gate is a call that waits to be let go.
type gate struct {
	call
	by   *request
	turn chan verdict
	land func() // of a delayed write, whose caller is gone
}

// schedule knows who runs and who waits.
type schedule struct {
	real bool // else in a bubble of synctest

	mu      sync.Mutex
	idle    sync.Cond
	waiting []*gate
	running int
	open    bool // nobody stops any more
	dropped bool // the run is not of interest any more: all calls fail
}

// at stops the request of ctx before a call, and makes the call as the verdict says.
func (s *schedule) at(ctx context.Context, c call, effect func(ctx context.Context, reversed bool) (string, error)) error {
	r := requestOf(ctx)
	s.mu.Lock()
	if r == nil || s.open {
		dropped := s.dropped
		s.mu.Unlock()
		if dropped {
			return errFault
		}
		_, err := effect(ctx, false)
		return err
	}
	g := &gate{call: c, by: r, turn: make(chan verdict)}
	s.waiting = append(s.waiting, g)
	s.rests()
	s.mu.Unlock()

	var result string
	err := errFault
	switch v := <-g.turn; v {
	case pass, reverse:
		result, err = effect(ctx, v == reverse)
	case lose:
		_, _ = effect(ctx, false)
	case delay:
		late := context.WithoutCancel(ctx)
		s.mu.Lock()
		s.waiting = append(s.waiting, &gate{call: c, by: r, land: func() { _, _ = effect(late, false) }})
		s.mu.Unlock()
	}
	r.note(c.what, result, err)
	return err
}

// rests notes that a request runs no more; mu is held.
func (s *schedule) rests() {
	if s.running--; s.running == 0 {
		s.idle.Broadcast()
	}
}

// release lets a call go on.
func (s *schedule) release(g *gate, v verdict) {
	s.mu.Lock()
	s.waiting = slices.DeleteFunc(slices.Clone(s.waiting), func(o *gate) bool { return o == g })
	if g.land == nil {
		s.running++
	}
	s.mu.Unlock()
	if g.land != nil {
		g.land()
		return
	}
	g.turn <- v
}

// settle waits until every request waits for its turn or is done. In a bubble
// one may also queue inside its manager, or pause after a conflict.
func (s *schedule) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.real {
		for s.running > 0 {
			s.idle.Wait()
		}
		return
	}
	wait := func() {
		s.mu.Unlock()
		defer s.mu.Lock()
		synctest.Wait()
	}
	wait()
	for patience := 0; s.running > 0 && (patience == 0 || len(s.waiting) == 0); patience++ {
		if patience == 1000 {
			panic("interleave: requests wait for nothing that will happen")
		}
		s.mu.Unlock()
		time.Sleep(5 * time.Millisecond) // beyond every pause after a conflict
		s.mu.Lock()
		wait()
	}
}

// sorted returns who waits, in an order that is the same in every run.
func (s *schedule) sorted() []*gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.waiting)
	slices.SortStableFunc(out, func(a, b *gate) int {
		return cmp.Or(cmp.Compare(a.by.name, b.by.name), cmp.Compare(a.landing(), b.landing()), cmp.Compare(a.what, b.what))
	})
	return out
}

func (g *gate) landing() int {
	if g.land != nil {
		return 1
	}
	return 0
}

// drop ends a run that leads nowhere new: its calls fail without an effect.
func (s *schedule) drop() {
	s.mu.Lock()
	s.open, s.dropped = true, true
	waiting := s.waiting
	s.waiting = nil
	for _, g := range waiting {
		if g.land == nil {
			s.running++
		}
	}
	s.mu.Unlock()
	for _, g := range waiting {
		if g.land == nil {
			g.turn <- refuse
		}
	}
	s.settle()
}

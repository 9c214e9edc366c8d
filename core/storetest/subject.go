package storetest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A subject is a store in a test. Its methods in lower case end the test where
// the store does not do as it must.
type subject struct {
	testing.TB
	session.Store
	open func() session.Store
}

func newSubject(t testing.TB, open func() session.Store) subject {
	return subject{t, open(), open}
}

// another is a second store beside the first.
func (s subject) another() subject { return newSubject(s.TB, s.open) }

// stored creates a record of the principal and returns it.
func (s subject) stored(principal string) (session.ID, session.Record) {
	s.Helper()
	id, rec := NewID(), NewRecord(principal)
	s.create(id, rec)
	return id, rec
}

func (s subject) create(id session.ID, rec session.Record) {
	s.Helper()
	if err := s.Create(s.Context(), id, rec); err != nil {
		s.Fatalf("Create: %v", err)
	}
}

func (s subject) load(id session.ID) session.Record {
	s.Helper()
	rec, err := s.Load(s.Context(), id)
	if err != nil {
		s.Fatalf("Load: %v", err)
	}
	return rec
}

func (s subject) update(id session.ID, rec session.Record, ifVersion uint64) {
	s.Helper()
	if err := s.Update(s.Context(), id, rec, ifVersion); err != nil {
		s.Fatalf("Update if version %d: %v", ifVersion, err)
	}
}

func (s subject) touch(id session.ID, lastSeen, expires time.Time, ifVersion uint64) {
	s.Helper()
	if err := s.Touch(s.Context(), id, lastSeen, expires, ifVersion); err != nil {
		s.Fatalf("Touch if version %d: %v", ifVersion, err)
	}
}

func (s subject) delete(id session.ID, ifVersion uint64) {
	s.Helper()
	if err := s.Delete(s.Context(), id, ifVersion); err != nil {
		s.Fatalf("Delete if version %d: %v", ifVersion, err)
	}
}

// holds fails the test unless exactly want is stored.
func (s subject) holds(id session.ID, want session.Record) {
	s.Helper()
	if d := diff(s.load(id), want); d != "" {
		s.Fatalf("stored: %s", d)
	}
}

// lacks fails the test unless nothing is stored.
func (s subject) lacks(id session.ID) {
	s.Helper()
	if _, err := s.Load(s.Context(), id); !errors.Is(err, session.ErrNotFound) {
		s.Fatalf("Load of what must not be there: error %v, want ErrNotFound", err)
	}
}

// wants fails the test unless err is target.
func wants(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: error %v, want %v", what, err, target)
	}
}

// rounds is how often a race is run: each time is another chance.
const rounds = 20

// together lets all the functions go at the same moment, none favoured by its
// place, and returns their errors in order.
func together(fs ...func() error) []error {
	errs := make([]error, len(fs))
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, i := range rand.Perm(len(fs)) {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = fs[i]()
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// times returns f(0) to f(n-1) for together.
func times(n int, f func(i int) error) []func() error {
	fs := make([]func() error, n)
	for i := range fs {
		fs[i] = func() error { return f(i) }
	}
	return fs
}

// outcomes counts the nil errors, and fails the test for any error that is
// neither nil nor one of those allowed.
func outcomes(t testing.TB, errs []error, allowed ...error) (ok int) {
	t.Helper()
next:
	for i, err := range errs {
		if err == nil {
			ok++
			continue
		}
		for _, a := range allowed {
			if errors.Is(err, a) {
				continue next
			}
		}
		t.Fatalf("call %d: error %v, want nil or one of %v", i, err, allowed)
	}
	return ok
}

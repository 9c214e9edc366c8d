package adaptertest

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// store is a memory store that counts its calls and fails on demand.
type store struct {
	memory *session.MemoryStore

	mu      sync.Mutex
	calls   map[string]int
	failing map[string]bool // by operation
}

var _ session.Store = (*store)(nil)

var errDown = errors.New("the store does not answer")

func newStore() *store {
	return &store{
		memory:  session.NewMemoryStore(session.MemoryOptions{}),
		calls:   make(map[string]int),
		failing: make(map[string]bool),
	}
}

// fail makes the named operations fail from now on, and no others: "load",
// "create", "update", "touch", "delete".
func (s *store) fail(ops ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.failing)
	for _, op := range ops {
		s.failing[op] = true
	}
}

// counted returns how often each operation was called since it was last asked.
func (s *store) counted() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer clear(s.calls)
	return maps.Clone(s.calls)
}

// wantCalls checks the calls since the last check. No argument means none.
func (s *store) wantCalls(t *testing.T, ops ...string) {
	t.Helper()
	want := make(map[string]int)
	for _, op := range ops {
		want[op]++
	}
	if got := s.counted(); !maps.Equal(got, want) {
		t.Fatalf("store calls: got %v, want %v", got, want)
	}
}

// records returns all that is stored.
func (s *store) records(t *testing.T) []session.Stored {
	t.Helper()
	all, next, err := s.memory.Scan(context.Background(), "", 1000)
	if err != nil || next != "" {
		t.Fatalf("scan: next %q, error %v", next, err)
	}
	return all
}

// wantRecords checks how many sessions are stored.
func (s *store) wantRecords(t *testing.T, n int) {
	t.Helper()
	if all := s.records(t); len(all) != n {
		t.Fatalf("%d records are stored, want %d", len(all), n)
	}
}

func (s *store) call(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if s.failing[op] {
		return errDown
	}
	return nil
}

func (s *store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := s.call("load"); err != nil {
		return session.Record{}, err
	}
	return s.memory.Load(ctx, id)
}

func (s *store) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if err := s.call("create"); err != nil {
		return err
	}
	return s.memory.Create(ctx, id, rec)
}

func (s *store) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if err := s.call("update"); err != nil {
		return err
	}
	return s.memory.Update(ctx, id, rec, ifVersion)
}

func (s *store) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := s.call("touch"); err != nil {
		return err
	}
	return s.memory.Touch(ctx, id, lastSeen, expires, ifVersion)
}

func (s *store) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if err := s.call("delete"); err != nil {
		return err
	}
	return s.memory.Delete(ctx, id, ifVersion)
}

// events remembers what happened.
type events struct {
	mu  sync.Mutex
	all []session.Event
}

func (e *events) Event(_ context.Context, ev session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// count returns how many events of the kind there were.
func (e *events) count(kind session.EventKind) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, ev := range e.all {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

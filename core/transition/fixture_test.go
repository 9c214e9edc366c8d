package transition_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

var errDown = errors.New("connection refused")

// A tap is a memory store that writes down the calls, and can be made to fail.
type tap struct {
	*session.MemoryStore
	name  string
	calls *[]string
	mu    *sync.Mutex
	fails func(call string, n int) error
	n     map[string]int
}

func (t *tap) pass(call string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	*t.calls = append(*t.calls, t.name+"."+call)
	t.n[call]++
	if t.fails != nil {
		return t.fails(call, t.n[call])
	}
	return nil
}

func (t *tap) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := t.pass("Load"); err != nil {
		return session.Record{}, err
	}
	return t.MemoryStore.Load(ctx, id)
}

func (t *tap) Create(ctx context.Context, id session.ID, rec session.Record) error {
	return errors.Join(t.pass("Create"), t.MemoryStore.Create(ctx, id, rec))
}

func (t *tap) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if err := t.pass("Update"); err != nil {
		return err
	}
	return t.MemoryStore.Update(ctx, id, rec, ifVersion)
}

func (t *tap) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := t.pass("Touch"); err != nil {
		return err
	}
	return t.MemoryStore.Touch(ctx, id, lastSeen, expires, ifVersion)
}

func (t *tap) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	if err := t.pass("Delete"); err != nil {
		return err
	}
	return t.MemoryStore.Delete(ctx, id, ifVersion)
}

func (t *tap) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	if err := t.pass("List"); err != nil {
		return nil, "", err
	}
	return t.MemoryStore.List(ctx, principal, after, limit)
}

// A fixture is a move between two tapped stores.
type fixture struct {
	*testing.T
	old, young   *tap
	first, later *transition.Store // the two deployments
	calls        []string
	mu           sync.Mutex
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{T: t}
	f.old = &tap{MemoryStore: memory(), name: "old", calls: &f.calls, mu: &f.mu, n: map[string]int{}}
	f.young = &tap{MemoryStore: memory(), name: "new", calls: &f.calls, mu: &f.mu, n: map[string]int{}}
	f.first = transition.New(f.old, f.young, transition.Options{Step: step1})
	f.later = transition.New(f.old, f.young, transition.Options{Step: step2})
	return f
}

// stored creates a session in one of the stores.
func (f *fixture) stored(in session.Store) (session.ID, session.Record) {
	f.Helper()
	id, rec := storetest.NewID(), storetest.NewRecord(principal)
	f.ok("Create", in.Create(f.Context(), id, rec))
	return id, rec
}

// migrated creates a session and moves it.
func (f *fixture) migrated() (session.ID, session.Record) {
	f.Helper()
	id, rec := f.stored(f.old)
	_, err := transition.CopyOne(f.Context(), f.old, f.young, id)
	f.ok("Copy", err)
	return id, rec
}

func (f *fixture) copy(o transition.CopyOptions) transition.Report {
	f.Helper()
	r, err := transition.Copy(f.Context(), f.old, f.young, o)
	f.ok("Copy", err)
	return r
}

// took fails the test unless these were the calls since it was last asked.
func (f *fixture) took(want string) {
	f.Helper()
	f.mu.Lock()
	got := strings.Join(f.calls, " ")
	f.calls = nil
	f.mu.Unlock()
	if got != want {
		f.Fatalf("the stores were asked %q, want %q", got, want)
	}
}

func (f *fixture) ok(what string, err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("%s: %v", what, err)
	}
}

func (f *fixture) fails(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// holds fails the test unless the store has the session in this version; 0 is none.
func (f *fixture) holds(in session.Store, id session.ID, version uint64) {
	f.Helper()
	rec, err := in.Load(f.Context(), id)
	if errors.Is(err, session.ErrNotFound) {
		rec, err = session.Record{}, nil
	}
	f.ok("Load", err)
	if migrated, ended := transition.IsMark(id, rec); migrated || ended {
		rec.Version = 0
	}
	if rec.Version != version {
		f.Fatalf("version %d, want %d", rec.Version, version)
	}
}

func next(rec session.Record) session.Record {
	rec.Version++
	rec.Mark[0]++
	rec.Payload = append([]byte("newer "), rec.Payload...)
	return rec
}

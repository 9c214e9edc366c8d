package transition_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/core/transition"
)

// The contract must hold whichever store a session is in, so each session that the
// suite creates is at once moved to where the test says.

func TestStoreKeepsTheContractWithTheSessionsInTheOldStore(t *testing.T) {
	conforms(t, transition.CreateInOld, func(int64) bool { return false })
}

func TestStoreKeepsTheContractWithMigratedSessions(t *testing.T) {
	conforms(t, transition.CreateInOld, func(int64) bool { return true })
}

func TestStoreKeepsTheContractWithSessionsInBothStores(t *testing.T) {
	conforms(t, transition.CreateInOld, func(n int64) bool { return n%2 == 0 })
}

func TestStoreKeepsTheContractWithSessionsCreatedInTheNewStore(t *testing.T) {
	conforms(t, transition.CreateInNew, func(int64) bool { return false })
}

func conforms(t *testing.T, step transition.Step, moves func(n int64) bool) {
	storetest.Run(t, func(*testing.T) session.Store {
		old, young := memory(), memory()
		return &placed{Store: transition.New(old, young, transition.Options{Step: step}), old: old, young: young, moves: moves}
	})
}

func memory() *session.MemoryStore { return session.NewMemoryStore(session.MemoryOptions{}) }

// placed moves a session as soon as it was created, if moves says so of the nth.
//
// It deviates in one thing: an ID whose session was deleted can be used again. In a
// transition it stays in use until the marks go, and must: the mark is what keeps a late copy from
// bringing the session back. The contract of session.Store asks for nothing
// else, since it speaks of unused IDs, and the engine never uses one twice; but the suite
// does, to see that nothing clings to an ID. So the mark goes first here, as by
// transition.Finish.
type placed struct {
	*transition.Store
	old, young *session.MemoryStore
	moves      func(n int64) bool
	created    atomic.Int64
}

func (p *placed) Create(ctx context.Context, id session.ID, rec session.Record) error {
	err := p.Store.Create(ctx, id, rec)
	if errors.Is(err, session.ErrExists) && p.forget(ctx, id) {
		err = p.Store.Create(ctx, id, rec)
	}
	if err != nil || !p.moves(p.created.Add(1)) {
		return err
	}
	_, err = transition.CopyOne(ctx, p.old, p.young, id)
	return err
}

// forget removes the marks of an ended session.
func (p *placed) forget(ctx context.Context, id session.ID) bool {
	if _, err := p.Load(ctx, id); !errors.Is(err, session.ErrNotFound) {
		return false
	}
	for _, s := range []*session.MemoryStore{p.old, p.young} {
		if rec, err := s.Load(ctx, id); err == nil && s.Delete(ctx, id, rec.Version) != nil {
			return false
		}
	}
	return true
}

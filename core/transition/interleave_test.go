package transition_test

import (
	"context"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
	"github.com/seshat-go/seshat/internal/interleave"
)

// The engine over the transition store, while what it has just written is moved.

func TestTheEngineLosesNothingWhileItsSessionsMove(t *testing.T) {
	for _, step := range []transition.Step{step1, step2} {
		stores := moving(step)
		interleave.Holds(t, stores, interleave.With(interleave.Few(2, interleave.Law1())[:3], interleave.Faulty(1)))
		interleave.Holds(t, stores, interleave.With(interleave.Few(2, interleave.Law3())[:3], interleave.Faulty(1)))
	}
}

func TestTheEngineEndsSessionsThatMove(t *testing.T) {
	rows := interleave.Law2Pairs()
	interleave.Holds(t, moving(step1), interleave.With(interleave.Staying(rows), interleave.Faulty(1)))
	interleave.Large(t, moving(step1), interleave.Moving(rows)[:6])
	interleave.Large(t, moving(step2), interleave.Moving(rows)[:6])
}

func moving(step transition.Step) interleave.Engine {
	return interleave.Engine{Name: "transition, " + step.String(), Open: func() interleave.Tiers {
		old, young := memory(), memory()
		return interleave.Tiers{Truth: &mover{transition.New(old, young, transition.Options{Step: step}), old, young}}
	}}
}

// mover is a copier that comes to a session after each of its writes.
type mover struct {
	*transition.Store
	old, young *session.MemoryStore
}

func (m *mover) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	err := m.Store.Update(ctx, id, rec, ifVersion)
	if _, lerr := m.old.Load(ctx, id); lerr == nil {
		if _, merr := transition.CopyOne(ctx, m.old, m.young, id); merr != nil {
			return merr
		}
	}
	return err
}

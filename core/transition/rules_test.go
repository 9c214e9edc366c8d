package transition_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// Each rule of the protocol is needed: without it there is an order of calls
// that breaks a law, and the explorer finds it.

func TestEveryRuleIsNeeded(t *testing.T) {
	copies, rival := copier("copier"), copier("rival")
	for _, row := range []scenario{
		{breaks: createKeeps, actors: []actor{copies, rival, writer("a", step1)}},
		{breaks: markCompares, actors: []actor{copies, writer("a", step1)}},
		{breaks: olderCompares, begins: outdated, actors: []actor{copies, rival, writer("a", step1)}},
		{breaks: readsAgain, actors: []actor{copies, toucher("toucher")}},
		{breaks: touchesBoth, actors: []actor{copies, toucher("toucher")}},
		{breaks: endsInOld, actors: []actor{copies, ender("ender", step1)}},
		{breaks: endsInNew, actors: []actor{copies, rival, ender("ender", step1)}},
		{breaks: removesCopies, deaths: 1, actors: []actor{copies, ender("ender", step1)}},
		{breaks: marksApart, actors: []actor{copies, writer("a", step1), writer("b", step2)}},
		{breaks: marksOfTwoKinds, begins: leftover, faults: 1, actors: []actor{copies, {"late", false, createsLate}, ender("ender", step1)}},
		{breaks: bringsSuccessor, begins: isMigrated, actors: []actor{renewer("renewer", step1), revoker("revoker", step1)}},

		{name: "the old store decides", begins: outdated, actors: []actor{readsBy("reader", newFirst)}},
		{name: "the copy is made before the mark", actors: []actor{{"copier", true, marksFirst}}},
		{name: "a touch goes to the old store first", actors: []actor{copies, touchesBy("toucher", newTouchedFirst)}},
		{name: "a list reads the old store first", actors: []actor{copies, revokesBy("revoker", newListedFirst)}},
		{name: "it takes two deployments", actors: []actor{creator("creator", step2), visitor("visitor", onlyOld)}},
		{name: "no copier runs beside the new store alone", actors: []actor{copies, rival, {"ender", false, endsAlone}}},
	} {
		name := row.name + string(row.breaks)
		t.Run(name, func(t *testing.T) {
			broken, runs := explore(t, &row)
			if broken == nil {
				t.Fatalf("nothing is broken in %d runs without the rule that %s", runs, name)
			}
			for _, line := range broken {
				t.Log(line)
			}
		})
	}
}

// newFirst reads the new store before the old one.
func newFirst(w *world) loads { return either{w.gates[1], w.gates[0]} }

func onlyOld(w *world) loads { return w.gates[0] }

func onlyNew(w *world) loads { return w.gates[1] }

// createsLate is a copier that read the session long ago.
func createsLate(ctx context.Context, w *world) { _ = w.gates[1].Create(ctx, sid, w.record(1, 'o')) }

type either [2]loads

func (e either) Load(ctx context.Context, id session.ID) (session.Record, error) {
	rec, err := e[0].Load(ctx, id)
	if errors.Is(err, session.ErrNotFound) {
		return e[1].Load(ctx, id)
	}
	return rec, err
}

// marksFirst is a copier that sets the mark before it creates the copy.
func marksFirst(ctx context.Context, w *world) {
	rec, err := w.gates[0].Load(ctx, sid)
	if err == nil && w.gates[0].Update(ctx, sid, transition.MigratedMark(sid, rec), rec.Version) == nil {
		_ = w.gates[1].Create(ctx, sid, rec)
	}
}

func newTouchedFirst(ctx context.Context, w *world, seen, expires time.Time) error {
	return errors.Join(
		w.gates[1].Touch(ctx, sid, seen, expires, w.version),
		w.gates[0].Touch(ctx, sid, seen, expires, w.version))
}

func newListedFirst(ctx context.Context, w *world) ([]session.Stored, error) {
	page, _, err := w.gates[1].List(ctx, principal, "", 100)
	if err != nil {
		return nil, err
	}
	more, _, err := w.gates[0].List(ctx, principal, "", 100)
	return append(page, more...), err
}

// endsAlone is a sign-out in a process that knows the new store only, once the
// session is there.
func endsAlone(ctx context.Context, w *world) {
	rec, err := w.gates[0].Load(ctx, sid)
	if migrated, _ := transition.IsMark(sid, rec); err != nil || !migrated {
		return
	}
	w.ending()
	if w.gates[1].Delete(ctx, sid, w.version) == nil {
		w.ended()
	}
}

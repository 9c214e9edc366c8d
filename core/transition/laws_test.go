package transition_test

import (
	"github.com/seshat-go/seshat/core/transition"
	"strings"
	"testing"
)

// holds explores each scenario and fails where a law is broken, with the schedule
// that shows it. With the race detector it explores the first ones only: more
// orders are more orders of the same code.
func holds(t *testing.T, sample int, rows []scenario) {
	t.Helper()
	if slow {
		rows = rows[:sample]
	}
	total := 0
	for _, row := range rows {
		t.Run(row.title(), func(t *testing.T) {
			broken, runs := explore(t, &row)
			total += runs
			t.Logf("%d runs", runs)
			if broken != nil {
				t.Errorf("broken:\n  %s", strings.Join(broken, "\n  "))
			}
		})
	}
	t.Logf("%d scenarios, %d runs", len(rows), total)
}

func (sc *scenario) title() string {
	names := make([]string, len(sc.actors))
	for i, a := range sc.actors {
		names[i] = a.name
	}
	return strings.Join(names, ", ") + ", " + sc.begins.String()
}

var placements = []placement{inOld, inNew, isMigrated, copied, outdated, leftover, endedCopied, expiredCopied}

// alive are the placements of a session that can be used.
var alive = placements[:6]

func rows(deaths, faults int, begins []placement, actors ...actor) (out []scenario) {
	for _, p := range begins {
		out = append(out, scenario{actors: actors, begins: p, deaths: deaths, faults: faults})
	}
	return out
}

// requests are one of each kind.
var requests = []actor{
	writer("a", step1), ender("ender", step1), toucher("toucher"), renewer("renewer", step1), renewer("renewer", step2),
	revoker("revoker", step1), reader("reader"),
}

func TestACopyThatDiesAnywhereLosesNothingBesideARequest(t *testing.T) {
	var all []scenario
	for _, a := range requests {
		all = append(all, rows(1, 0, alive, copier("copier"), a)...)
	}
	holds(t, 1, all)
}

func TestACopyWhoseCallsFailLosesNothingBesideARequest(t *testing.T) {
	var all []scenario
	for _, a := range requests[:3] {
		all = append(all, rows(0, 1, []placement{inOld, outdated, leftover}, copier("copier"), a)...)
	}
	holds(t, 1, all)
}

func TestTwoCopiersLoseNothing(t *testing.T) {
	all := rows(1, 0, []placement{inOld, copied, outdated, leftover, endedCopied, expiredCopied}, copier("copier"), copier("rival"))
	for _, a := range requests[:3] {
		all = append(all, rows(0, 0, []placement{inOld, outdated}, copier("copier"), copier("rival"), a)...)
	}
	all = append(all, rows(0, 0, []placement{leftover}, copier("copier"), copier("rival"), ender("ender", step1))...)
	holds(t, 1, all)
}

func TestACopyLosesNothingBesideTwoRequests(t *testing.T) {
	var all []scenario
	for _, pair := range [][2]actor{
		{writer("a", step1), writer("b", step2)},
		{writer("a", step1), ender("ender", step2)},
		{writer("a", step1), toucher("toucher")},
		{writer("a", step1), reader("reader")},
		{writer("a", step1), renewer("renewer", step1)},
		{ender("ender", step1), toucher("toucher")},
		{ender("ender", step1), reader("reader")},
		{ender("ender", step1), renewer("renewer", step1)},
		{reader("reader"), renewer("renewer", step1)},
		{reader("reader"), renewer("renewer", step2)},
		{revoker("revoker", step2), renewer("renewer", step2)},
		{revoker("revoker", step2), writer("a", step1)},
	} {
		all = append(all, rows(0, 0, []placement{inOld}, copier("copier"), pair[0], pair[1])...)
		all = append(all, rows(0, 0, []placement{inNew, isMigrated}, pair[0], pair[1])...)
	}
	// Two tokens in turn, in both stores: beside a copier that takes a minute, and holds.
	all = append(all, rows(0, 0, []placement{inOld, inNew, isMigrated}, revoker("revoker", step1), renewer("renewer", step1))...)
	holds(t, 1, all)
}

func TestProcessesOfBothDeploymentsFindWhatTheOtherCreates(t *testing.T) {
	store := func(step transition.Step) func(w *world) loads { return func(w *world) loads { return w.stores[step] } }
	holds(t, 4, []scenario{
		{actors: []actor{creator("creator", step1), visitor("visitor", onlyOld)}},
		{actors: []actor{creator("creator", step1), visitor("visitor", store(step1)), copier("copier")}},
		{actors: []actor{creator("creator", step1), visitor("visitor", store(step2)), copier("copier")}},
		{actors: []actor{creator("creator", step2), visitor("visitor", store(step1)), copier("copier")}},
		{actors: []actor{creator("creator", step2), visitor("visitor", onlyNew)}},
	})
}

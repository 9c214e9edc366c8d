package transition_test

import (
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

func TestACopyLosesNothingBesideOneRequest(t *testing.T) {
	var all []scenario
	for _, a := range []actor{
		writer("a", step1), ender("ender", step1), toucher("toucher"), renewer("renewer", step1), renewer("renewer", step2),
		revoker("revoker", step1), reader("reader"), copier("rival"),
	} {
		begins := alive
		all = append(all, rows(1, 1, begins, copier("copier"), a)...)
	}
	all = append(all, rows(1, 1, placements[6:], copier("copier"), copier("rival"))...)
	holds(t, 1, all)
}

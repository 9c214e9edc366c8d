package cacheddb_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
)

// Each actor is in a process of its own unless together puts them into one.
var (
	load0   = reader("a", "L0", 1)
	load1   = reader("b", "L1", 1)
	loads   = reader("b", "L1", 2)
	update0 = writer("c", "U0", 1)
	update1 = writer("d", "U1", 2)
	touch0  = toucher("e", "T0")
	delete0 = deleter("f", "D0")
	delete1 = deleter("g", "D1")
)

func together(actors ...actor) []actor {
	for i := range actors {
		actors[i].process = "p"
	}
	return actors
}

var (
	neverOpens = cacheddb.Options{BreakerFailures: 1000}
	opensAtOne = cacheddb.Options{BreakerFailures: 1}
	noRoom     = cacheddb.Options{BreakerFailures: 1000, MaxPending: 1}
)

// orders are the scenarios without faults: it is only the order that matters.
var orders = map[string]scenario{
	"two loads and an update":           {actors: []actor{load0, load1, update0}, evictions: 2, compared: true},
	"a load and two updates":            {actors: []actor{load0, update0, update1}, evictions: 2, compared: true},
	"a load and two updates, warm":      {actors: []actor{load0, update0, update1}, evictions: 1, cached: fresh},
	"a re-check and two updates":        {actors: []actor{load0, update0, update1}, evictions: 1, cached: overAge, compared: true},
	"a load, an update, a delete":       {actors: []actor{load0, update0, delete0}, evictions: 2, compared: true},
	"a load, an update, a delete, warm": {actors: []actor{load0, update0, delete0}, evictions: 1, cached: fresh},
	"a re-check, an update, a delete":   {actors: []actor{load0, update0, delete0}, evictions: 1, cached: overAge, compared: true},
	"the same where it looks expired":   {actors: []actor{load0, update0, delete0}, evictions: 1, cached: expired},
	"the same after a writer that died": {actors: []actor{load0, update0, delete0}, evictions: 1, cached: outdated},
	"two loads and a touch":             {actors: []actor{load0, load1, touch0}, evictions: 2, compared: true},
	"two loads and a touch, warm":       {actors: []actor{load0, load1, touch0}, evictions: 1, cached: fresh},
	"a load, a touch, an update":        {actors: []actor{load0, touch0, update0}, evictions: 2},
	"a re-check, a touch, an update":    {actors: []actor{load0, touch0, update0}, evictions: 1, cached: overAge, compared: true},
	"a load, a touch, a delete":         {actors: []actor{load0, touch0, delete0}, evictions: 2},
	"a load and two deletes":            {actors: []actor{load0, delete0, delete1}, evictions: 2},
	"two loads, an update, a delete":    {actors: []actor{load0, load1, update0, delete0}},
}

func TestLaws2And3HoldInEveryOrderOfCalls(t *testing.T) { holds(t, orders) }

func TestLaws2And3HoldWithEveryFaultOfTheCache(t *testing.T) {
	holds(t, map[string]scenario{
		"a load and an update":                 {actors: together(load0, update0), cacheFaults: 3, options: neverOpens},
		"two loads and an update, warm":        {actors: together(loads, update0), cached: fresh, cacheFaults: 2, options: neverOpens},
		"two loads and a delete, warm":         {actors: together(loads, delete0), cached: fresh, cacheFaults: 2, options: neverOpens},
		"an update and a delete":               {actors: together(load0, update0, delete0), cached: fresh, cacheFaults: 1, options: neverOpens},
		"a delete, seen from another process":  {actors: append(together(load0, delete0), load1), cached: fresh, cacheFaults: 2, options: neverOpens},
		"an update, and a breaker":             {actors: together(load0, update0), cached: fresh, cacheFaults: 2, ticks: 1, options: opensAtOne},
		"a delete, and a breaker":              {actors: together(load0, delete0), cached: fresh, cacheFaults: 2, ticks: 1, options: opensAtOne},
		"an update that there is no room for":  {actors: together(loads, update0), cached: fresh, cacheFaults: 2, options: noRoom, full: true},
		"a delete that there is no room for":   {actors: together(loads, delete0), cached: fresh, cacheFaults: 2, options: noRoom, full: true},
		"a re-check, an update and a delete":   {actors: together(load0, update0, delete0), cached: overAge, cacheFaults: 1, options: neverOpens},
		"an update after a writer that died":   {actors: together(load0, update0), cached: outdated, cacheFaults: 2, options: neverOpens},
		"an update and a touch, and a breaker": {actors: together(update0, touch0, load0), cached: fresh, cacheFaults: 1, options: opensAtOne},
	})
}

func TestLaws2And3HoldWithEveryFaultOfTheDatabase(t *testing.T) {
	holds(t, map[string]scenario{
		"a load and an update":           {actors: []actor{load0, update0}, truthFaults: 1, evictions: 1, options: neverOpens},
		"a load and an update, warm":     {actors: []actor{load0, update0}, cached: fresh, truthFaults: 2, options: neverOpens},
		"a load and two updates":         {actors: []actor{load0, update0, update1}, cached: fresh, truthFaults: 1, options: neverOpens},
		"a load and a delete, warm":      {actors: []actor{load0, delete0}, cached: fresh, truthFaults: 2, evictions: 1, options: neverOpens},
		"a re-check and a delete":        {actors: []actor{load0, delete0}, cached: overAge, truthFaults: 2, options: neverOpens},
		"an update, and the cache fails": {actors: together(load0, update0), cached: fresh, truthFaults: 1, cacheFaults: 1, options: neverOpens},
		"a delete, and the cache fails":  {actors: together(load0, delete0), cached: fresh, truthFaults: 1, cacheFaults: 1, options: neverOpens},
	})
}

// Processes that read the database only run beside others that read the cache.
func TestLaws2And3HoldBetweenDeployments(t *testing.T) {
	holds(t, map[string]scenario{
		"a load and an update there":            {actors: []actor{load0, update0, load1}, readTruth: "cb", evictions: 1},
		"a load, an update there, a delete":     {actors: []actor{load0, update0, delete0}, readTruth: "c", evictions: 1},
		"a load, an update, a delete there":     {actors: []actor{load0, update0, delete0}, readTruth: "f", cached: fresh, evictions: 1},
		"a re-check, an update, a delete there": {actors: []actor{load0, update0, delete0}, readTruth: "cf", cached: overAge},
		"a load, a touch there, an update":      {actors: []actor{load0, touch0, update0}, readTruth: "e", evictions: 1},
		"a delete there, and the cache fails":   {actors: []actor{load0, delete0}, readTruth: "af", cached: fresh, cacheFaults: 2, options: neverOpens},
		"beside the database alone":             {actors: []actor{load0, load1, aloneWriter("c", "U0", 1)}, readTruth: "ab"},
	})
}

func TestLaws2And3HoldInTheLargeScenarios(t *testing.T) {
	if raceEnabled {
		t.Log("left to the run without -race: they take minutes with it")
		return
	}
	holds(t, map[string]scenario{
		"two loads, an update, a delete, warm":    {actors: []actor{load0, load1, update0, delete0}, evictions: 1, cached: fresh},
		"two loads and an update, and a breaker":  {actors: together(loads, update0), cached: fresh, cacheFaults: 2, ticks: 1, options: opensAtOne},
		"two loads and a delete, and a breaker":   {actors: together(loads, delete0), cached: fresh, cacheFaults: 2, ticks: 1, options: opensAtOne},
		"two loads, two updates":                  {actors: []actor{load0, load1, update0, update1}, evictions: 2, compared: true},
		"two loads, an update, a delete":          {actors: []actor{load0, load1, update0, delete0}, evictions: 2, compared: true},
		"two re-checks, an update, a delete":      {actors: []actor{load0, load1, update0, delete0}, cached: overAge, evictions: 2},
		"two loads and two updates, cache faults": {actors: together(loads, update0, update1), cached: fresh, cacheFaults: 2, options: neverOpens},
		"update and delete, cache faults":         {actors: together(loads, update0, delete0), cached: fresh, cacheFaults: 2, options: neverOpens},
		"update and delete, and a breaker":        {actors: together(load0, update0, delete0), cached: fresh, cacheFaults: 2, ticks: 2, options: opensAtOne},
		"update and delete, faults of both":       {actors: together(load0, update0, delete0), cached: fresh, cacheFaults: 1, truthFaults: 1, options: neverOpens},
		"no room, and a breaker": {
			actors: together(loads, delete0), cached: fresh, cacheFaults: 3, ticks: 2, full: true,
			options: cacheddb.Options{BreakerFailures: 1, MaxPending: 1},
		},
	})
}

// The tests above are worth what they notice.
func TestNoRuleOfCacheCanBeLeftOut(t *testing.T) {
	for r, order := range map[rule]string{
		fillNeedsLease:       "a load, an update, a delete",
		fillNeedsItsLease:    "two loads and an update",
		replacePlacesNothing: "a load and two updates",
		replaceFillsNoLease:  "a load and two updates",
		replaceRemovesLease:  "a load, an update, a delete",
		replaceLeavesNewer:   "a load and two updates",
		replaceReplaces:      "a load and two updates, warm",
		raiseChecksVersion:   "a re-check, a touch, an update",
		raiseRemovesLease:    "two loads and a touch",
		raiseRaises:          "two loads and a touch, warm",
		refreshCompares:      "a re-check and two updates",
		refreshNeedsEntry:    "a re-check, an update, a delete",
		removeRemoves:        "a load, an update, a delete, warm",
		removeRemovesLease:   "a load, an update, a delete",
	} {
		sc := orders[order]
		sc.breaks, sc.compared = r, false
		breaks(t, string(r), sc)
	}
}

func TestNoRuleOfTheProtocolCanBeLeftOut(t *testing.T) {
	for name, sc := range map[string]scenario{
		"a delete tells the cache last":           {actors: []actor{load0, cacheFirstDeleter("f", "D0")}, cached: fresh},
		"an update tells the cache last":          {actors: []actor{load0, cacheFirstWriter("c", "U0", 1)}, cached: fresh},
		"LoadFresh tells the cache of an update":  {actors: []actor{load0, update0}, truthFaults: 1, deaf: true, options: neverOpens},
		"LoadFresh tells the cache of a delete":   {actors: []actor{load0, delete0}, cached: fresh, truthFaults: 1, deaf: true, options: neverOpens},
		"it takes a deployment between":           {actors: []actor{load0, aloneWriter("c", "U0", 1)}},
		"what is pending of an update is pending": {actors: together(loads, update0), cached: fresh, cacheFaults: 2, forgets: true, options: neverOpens},
		"what is pending of a delete is pending":  {actors: together(loads, delete0), cached: fresh, cacheFaults: 2, forgets: true, options: neverOpens},
	} {
		breaks(t, name, sc)
	}
}

func holds(t *testing.T, scenarios map[string]scenario) {
	for n, name := range slices.Sorted(maps.Keys(scenarios)) {
		if raceEnabled && n >= 1 {
			t.Logf("the other %d are left to the run without -race: they add orders, not code", len(scenarios)-n)
			return
		}
		sc := scenarios[name]
		t.Run(name, func(t *testing.T) {
			broken, runs := explore(t, &sc)
			if broken != nil {
				t.Errorf("run %d:\n%s", runs, strings.Join(broken, "\n"))
			}
			t.Logf("%d runs", runs)
		})
	}
}

func breaks(t *testing.T, rule string, sc scenario) {
	t.Run(rule, func(t *testing.T) {
		broken, runs := explore(t, &sc)
		if broken == nil {
			t.Fatalf("not noticed in %d runs", runs)
		}
		t.Logf("noticed in run %d:\n%s", runs, strings.Join(broken, "\n"))
	})
}

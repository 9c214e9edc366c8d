package races_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/interleave"
)

// two is a table's rows of two requests; where each call of each tier is a step,
// only the shorter ones, and the first of those in which a token changes.
func two(e interleave.Engine, rows []interleave.Scenario) []interleave.Scenario {
	rows = interleave.Few(2, rows)
	if !e.Tiered {
		return rows
	}
	rows = slices.DeleteFunc(rows, func(s interleave.Scenario) bool { return strings.Contains(s.Name, "save") })
	moving := interleave.Moving(rows)
	return slices.Concat(interleave.Staying(rows), moving[:min(2, len(moving))])
}

// holds runs a table's rows of two requests.
func holds(rows []interleave.Scenario) func(*testing.T, interleave.Engine) {
	return func(t *testing.T, e interleave.Engine) { interleave.Holds(t, e, two(e, rows)) }
}

func TestNoInterleavingOnAnyEngineLosesAnUpdate(t *testing.T) {
	each(t, holds(interleave.Law1()))
}

func TestEveryInterleavingOnAnyEngineReadsItsWrites(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) {
		interleave.Holds(t, e, two(e, interleave.Law3()))
		if e.Tiered {
			interleave.Holds(t, e, interleave.With(interleave.Staying(two(e, interleave.Law3())), interleave.Warmed, interleave.Evicting(1)))
		}
	})
}

func TestEveryInterleavingOnAnyEngineWithAnEndingLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) { interleave.Holds(t, e, interleave.Law2Pairs()) })
}

func TestEveryInterleavingOnAnyEngineWithAnEndingAndAFaultLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) {
		rows := interleave.Staying(interleave.Law2Pairs())
		if e.Tiered {
			interleave.Holds(t, e, interleave.With(rows[:12], interleave.Warmed, interleave.Evicting(1)))
			rows = rows[2:]
		} else {
			interleave.Large(t, e, interleave.With(share(e, interleave.Law2Pairs()), interleave.Faulty(1)))
		}
		interleave.Holds(t, e, interleave.With(rows[2:4], interleave.Faulty(1), interleave.SoundCache, interleave.Warmed))
	})
}

// share is every fourth row, others for each engine, so that what takes a minute
// each is done once. Memory has them all, and what differs from memory is told.
func share(e interleave.Engine, rows []interleave.Scenario) (out []interleave.Scenario) {
	mine := slices.Index([]string{"db(SQLite)", "db(PostgreSQL)", "db(MariaDB)", "cache(Redis)"}, e.Name)
	for i, row := range rows {
		if (i+i/4)%4 == mine { // not the same ending in each
			out = append(out, row)
		}
	}
	return out
}

func TestEveryInterleavingOnAnyEngineIsSafeInEitherOrderOfResponses(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) {
		if e.Tiered {
			interleave.Holds(t, e, interleave.Law7()[:1])
			return
		}
		interleave.Holds(t, e, interleave.Few(2, interleave.Law7()))
	})
}

func TestNoInterleavingOnAnyEngineCostsOrAdoptsAnything(t *testing.T) {
	each(t, holds(interleave.Law4()))
}

func TestNoInterleavingOnAnyEngineMakesAReadWriteOrATouchGoBack(t *testing.T) {
	each(t, holds(interleave.Law5()))
}

func TestEveryInterleavingOnAnyEngineOfALoginChangesTheToken(t *testing.T) {
	each(t, holds(interleave.Law6()))
}

func TestNoInterleavingOnAnyEngineWithAFaultSignsOut(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) {
		rows := interleave.Staying(interleave.Law8())
		if e.Tiered {
			rows = rows[:3]
		}
		interleave.Holds(t, e, interleave.With(rows, interleave.Faulty(1), interleave.SoundCache))
	})
}

func TestNoInterleavingOnAnyEngineOutlivesItsTime(t *testing.T) {
	each(t, holds(interleave.Law9()))
}

func TestNoInterleavingOnAnyEngineWithBytesThatNobodyCanReadIsMoreThanInput(t *testing.T) {
	each(t, holds(interleave.Law10()))
}

func TestNoInterleavingOnAnyEngineWithAFailingResponseChangesAnything(t *testing.T) {
	each(t, holds(interleave.Law11()))
}

func TestNoInterleavingOnAnyEngineLeaksAToken(t *testing.T) {
	each(t, holds(interleave.Law12()))
}

// A near cache is in one process: there nobody may notice it. These are parts of
// the tables above.
func TestNoInterleavingOnAnyEngineNoticesANearCache(t *testing.T) {
	t.Run("cache(Redis)", func(t *testing.T) {
		t.Parallel()
		e := always("cache(Redis), near", interleave.Tiers{Truth: nearRedis(t)})
		for _, rows := range [][]interleave.Scenario{interleave.Law1(), interleave.Law3(), interleave.Law5(), interleave.Law9(), interleave.Law10()} {
			interleave.Holds(t, e, two(e, rows))
		}
		interleave.Holds(t, e, interleave.Staying(interleave.Law2Pairs()))
		interleave.Holds(t, e, interleave.With(interleave.Staying(interleave.Law8()), interleave.Faulty(1)))
	})
	t.Run("cached_db(Redis, PostgreSQL)", func(t *testing.T) {
		t.Parallel()
		e := always("cached_db(Redis, PostgreSQL), near", interleave.Tiers{Truth: onPostgres(t), Cache: nearRedis(t)})
		interleave.Holds(t, e, two(e, interleave.Law3()))
		interleave.Holds(t, e, interleave.With(interleave.Staying(two(e, interleave.Law3())), interleave.Warmed, interleave.Evicting(1)))
		interleave.Holds(t, e, interleave.Staying(interleave.Law2Pairs())[:3])
	})
}

package races_test

import (
	"slices"
	"testing"

	"github.com/seshat-go/seshat/internal/interleave"
)

// two is a table's rows of two requests; where each call of each tier is a step,
// only the first of those in which a token changes.
func two(e interleave.Engine, rows []interleave.Scenario) []interleave.Scenario {
	rows = interleave.Few(2, rows)
	if moving := interleave.Moving(rows); e.Tiered && len(moving) > 2 {
		return slices.Concat(interleave.Staying(rows), moving[:2])
	}
	return rows
}

func TestNoInterleavingOnAnyEngineLosesAnUpdate(t *testing.T) {
	each(t, func(t *testing.T, e interleave.Engine) { interleave.Holds(t, e, two(e, interleave.Law1())) })
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
			interleave.Holds(t, e, interleave.With(rows, interleave.Warmed, interleave.Evicting(1)))
			rows = interleave.Rows("update", rows)
		}
		interleave.Holds(t, e, interleave.With(rows, interleave.Faulty(1), interleave.SoundCache, interleave.Warmed))
		interleave.Large(t, e, interleave.With(interleave.Moving(interleave.Law2Pairs()), interleave.Faulty(1), interleave.SoundCache))
	})
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

package session_test

import (
	"testing"

	"github.com/seshat-go/seshat/internal/interleave"
)

// The tables of the other laws, over the memory store: each row is two or three
// requests of one browser, in every order of their store calls.

// everyOrder runs a table in two processes and in one, and with a fault.
func everyOrder(t *testing.T, rows []interleave.Scenario) {
	t.Helper()
	memory := interleave.Memory()
	t.Run("two requests", func(t *testing.T) { interleave.Holds(t, memory, interleave.Few(2, rows)) })
	t.Run("two requests in one process", func(t *testing.T) {
		interleave.Holds(t, memory, interleave.With(interleave.Few(2, rows), interleave.OneProcess))
	})
	if three := interleave.Many(2, rows); len(three) > 0 {
		t.Run("three requests", func(t *testing.T) { interleave.Large(t, memory, three) })
		t.Run("three requests in one process", func(t *testing.T) {
			interleave.Large(t, memory, interleave.With(three, interleave.OneProcess))
		})
	}
	t.Run("two requests and a fault", func(t *testing.T) {
		interleave.Large(t, memory, interleave.With(interleave.Few(2, rows), interleave.Faulty(1)))
	})
}

func TestNoInterleavingLosesAnUpdate(t *testing.T) {
	everyOrder(t, interleave.Law1())
}

func TestEveryInterleavingReadsItsWrites(t *testing.T) { everyOrder(t, interleave.Law3()) }

func TestNoInterleavingCostsOrAdoptsAnything(t *testing.T) { everyOrder(t, interleave.Law4()) }

func TestNoInterleavingMakesAReadWriteOrATouchGoBack(t *testing.T) { everyOrder(t, interleave.Law5()) }

func TestEveryInterleavingOfALoginChangesTheToken(t *testing.T) { everyOrder(t, interleave.Law6()) }

func TestEveryInterleavingIsSafeInEitherOrderOfResponses(t *testing.T) {
	everyOrder(t, interleave.Law7())
}

func TestNoInterleavingWithTwoFaultsSignsOut(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.With(interleave.Law8()[:5], interleave.Faulty(1)))
	interleave.Large(t, interleave.Memory(), interleave.With(interleave.Law8(), interleave.Faulty(2)))
}

func TestNoInterleavingOutlivesItsTime(t *testing.T) { everyOrder(t, interleave.Law9()) }

func TestEveryInterleavingWithStoredBytesThatNobodyCanReadIsOnlyInput(t *testing.T) {
	everyOrder(t, interleave.Law10())
}

func TestNoInterleavingWithAFailingResponseChangesAnything(t *testing.T) {
	everyOrder(t, interleave.Law11())
}

func TestNoInterleavingLeaksAToken(t *testing.T) { everyOrder(t, interleave.Law12()) }

// Rows of law 1 and 7 that others refer to by name.

func TestEveryInterleavingOfTwoWritesCountsEach(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.With(interleave.Few(2, interleave.Rows("update", interleave.Law1()))[:1], interleave.Faulty(2)))
}

func TestEveryInterleavingOfTwoPopsHasOneWinner(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.With(interleave.Few(2, interleave.Rows("pop", interleave.Law1()))[:1], interleave.Faulty(2)))
}

func TestEveryInterleavingWithARenewalKeepsOneSessionAndEveryWrite(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.Few(2, interleave.Rows("renew", interleave.Law1())))
	interleave.Large(t, interleave.Memory(), interleave.With(interleave.Few(2, interleave.Rows("renew", interleave.Law1())), interleave.Faulty(1)))
}

func TestNoInterleavingOfLoginsExceedsTheLimitOfSessions(t *testing.T) {
	interleave.Holds(t, interleave.Memory(), interleave.Limit())
}

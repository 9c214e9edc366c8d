package session_test

import (
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/interleave"
)

// Law 2, in every order of the store calls of the requests, with faults before
// and after the effect, and effects that come late. Rows are requests; package
// interleave says what is expected of them.

func TestEveryInterleavingWithAnEndingLeavesNothing(t *testing.T) {
	for name, conditions := range map[string][]interleave.Condition{
		"two processes":             {},
		"one process":               {interleave.OneProcess},
		"two processes and a fault": {interleave.Faulty(1)},
	} {
		t.Run(name, func(t *testing.T) {
			interleave.Holds(t, interleave.Memory(), interleave.With(interleave.Law2Pairs(), conditions...))
		})
	}
	t.Run("one process and a fault", func(t *testing.T) {
		interleave.Large(t, interleave.Memory(), interleave.With(interleave.Law2Pairs(), interleave.OneProcess, interleave.Faulty(1)))
	})
}

func TestEveryInterleavingOfThreeRequestsWithAnEndingLeavesNothing(t *testing.T) {
	rows := interleave.Law2Triples()
	t.Run("without a new token", func(t *testing.T) { interleave.Holds(t, interleave.Memory(), interleave.Staying(rows)) })
	t.Run("with a new token", func(t *testing.T) { interleave.Large(t, interleave.Memory(), interleave.Moving(rows)) })
	t.Run("in one process", func(t *testing.T) {
		interleave.Large(t, interleave.Memory(), interleave.With(rows, interleave.OneProcess))
	})
	t.Run("with a fault", func(t *testing.T) {
		interleave.Large(t, interleave.Memory(), interleave.With(interleave.Staying(rows), interleave.Faulty(1)))
	})
}

// With two faults a renewal or login may leave two sessions: the one exception,
// which its answer of 503 with a token tells. RevokeAll ends both.
func TestEveryInterleavingWithAnEndingAndTwoFaultsLeavesNothingButWhatIsStated(t *testing.T) {
	rows := interleave.With(interleave.Law2Pairs(), interleave.Faulty(2))
	interleave.Holds(t, interleave.Memory(), interleave.Rows("renew", interleave.Rows("destroy", rows)))
	interleave.Large(t, interleave.Memory(), rows)
}

// The exception happens, with two faults and no fewer: what a renewal or login
// that was answered 503 with a token left open is the session under the other
// token, whichever of the two was ended. RevokeAll finds both.
func TestARenewalThatTheStoreLeftUnsettledMayLeaveTwoSessions(t *testing.T) {
	rows := interleave.With(interleave.Rows("renew", interleave.Few(2, interleave.Law2Pairs())), interleave.Unexcused)
	for _, row := range rows {
		if strings.HasPrefix(row.Name, "renew x ") && row.Name != "renew x revoke all" {
			t.Run(row.Name, func(t *testing.T) {
				one := []interleave.Scenario{row}
				interleave.Holds(t, interleave.Memory(), interleave.With(one, interleave.Faulty(1)))
				interleave.Notices(t, interleave.Memory(), interleave.With(one, interleave.Faulty(2)))
			})
		}
	}
}

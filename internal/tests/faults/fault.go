// Package faults lists what goes wrong with the servers that keep sessions, and
// with the network before them, as things that a test can make happen.
package faults

import "testing"

// A Fault is one thing that goes wrong, and is mended again.
type Fault struct {
	// Name says what happens: "Redis is killed".
	Name string
	// Loss is what the server has forgotten once the fault is mended, of what
	// it had acknowledged before.
	Loss Loss
	// Inject makes it happen and returns when it has.
	Inject func(t testing.TB)
	// Mend ends it and returns when the server itself would serve again;
	// nothing of the application is restarted.
	Mend func(t testing.TB)
}

// Loss is what a server forgets in a fault.
type Loss int

const (
	// Nothing is forgotten.
	Nothing Loss = iota
	// Recent writes may be forgotten, deletions among them: the server goes on
	// from an older state.
	Recent
	// Records may be forgotten, some or all of them; what is left is current.
	Records
)

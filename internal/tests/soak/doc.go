// Package soak puts the example shops under load, strikes what they stand on
// with every fault that package faults knows, and judges each answer by the
// laws of the README.
//
// A site is one setup that runs: three shops, one of each framework, that share
// their servers and keep their sessions in them. Browsers, each with a name and
// items of its own, add, remove, sign in and out, several requests at a time;
// thieves try the cookies of sessions that have ended; an operator lists and
// revokes. An [Oracle] is told of every request, with the times at which it was
// sent and answered, and knows from those before it what the answer may be.
//
// What the README states as possible under a fault is counted apart from
// violations, and its bound is checked: see window.go.
//
//	make soak                    # two minutes on all setups
//	make soak SOAK=10m SEED=1
//	go test -run TestEveryFault -every ./internal/tests/soak
package soak

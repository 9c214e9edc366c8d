// Package interleave runs requests of one browser, through real managers over
// real stores, in every order in which their store calls can happen, with every
// fault and every eviction that a scenario allows at every point, and has the
// outcome of each judged by a law of Seshat. It is for tests.
//
//	interleave.Holds(t, interleave.Memory(), interleave.Law2(interleave.Pairs))
//
// A request stops before each call of a store. When nobody runs any more, the
// explorer decides who goes on, and how: the call passes, fails without an
// effect, has its effect and loses its reply, or fails and has its effect at any
// later moment. A run is repeated from its start for each other decision. A state
// that was seen before, by what the requests have seen and the stores hold, is
// not entered again: so the runs, far fewer than there are orders, cover them all.
package interleave

//go:build !race

package interleave

// Slow tells that the race detector is on, with which a run takes nine times as
// long: what is large is left to the run without it, and adds orders, not code.
const Slow = false

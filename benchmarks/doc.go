// Package benchmarks measures Seshat beside the session libraries that Go
// programs use today, beside a session written by hand, and beside no session
// at all: time and allocations in process, requests per second over HTTP, round
// trips to the server, and what parallel requests leave of each other's changes.
//
//	make bench     writes RESULTS.md and charts
//	make growth    writes GROWTH.md and charts: Seshat alone, from little to much
//	make purge     writes PURGE.md: a million expired sessions deleted beside traffic
//
// The README says how each number is measured and how to add a contestant.
package benchmarks

package interleave

import (
	"slices"
	"strings"
)

// The operations that law 2 is about, and those that end sessions.
var (
	disturbers = []Op{TouchingRead, Sets, Updates, Renews, LogsIn, LogsInOther, Destroys, Revokes, RevokesAll, Purges}
	enders     = []Op{Destroys, Revokes, RevokesIt, RevokesAll}
)

// row is a scenario of the given operations.
func row(judge func(*world), ops ...Op) Scenario {
	sc := Scenario{Ops: ops, judge: judge}
	for i, op := range ops {
		if i > 0 {
			sc.Name += " x "
		}
		sc.Name += op.Name
	}
	return sc
}

// Law2Pairs is law 2 for each thing that a request can do, against each that
// ends a session.
func Law2Pairs() (rows []Scenario) {
	for _, op := range disturbers {
		for _, end := range enders {
			rows = append(rows, row(stays, op, end))
		}
	}
	for _, end := range []Op{Destroys, Revokes} {
		for _, op := range []Op{Updates, LogsIn} {
			r := row(stays, op, end)
			r.Name, r.Anonymous = "anonymous "+r.Name, true
			rows = append(rows, r)
		}
	}
	return rows
}

// Law2Triples is law 2 for two requests against one that ends the session.
func Law2Triples() (rows []Scenario) {
	for _, end := range enders {
		for _, ops := range [][2]Op{
			{Updates, Sets},
			{Updates, Reads},
			{TouchingRead, Updates},
			{Renews, Reads},
			{Renews, Updates},
			{Renews, Renews},
			{Renews, LogsIn},
			{LogsIn, LogsIn},
			{LogsIn, Updates},
			{LogsInOther, Renews},
			{Destroys, Renews},
		} {
			rows = append(rows, row(stays, ops[0], ops[1], end))
		}
	}
	return rows
}

// Moving returns the scenarios in which a token may change.
func Moving(rows []Scenario) (out []Scenario) {
	for _, sc := range rows {
		if slices.ContainsFunc(sc.Ops, func(o Op) bool { return o.moves }) {
			out = append(out, sc)
		}
	}
	return out
}

// Staying returns the others.
func Staying(rows []Scenario) (out []Scenario) {
	for _, sc := range rows {
		if !slices.ContainsFunc(sc.Ops, func(o Op) bool { return o.moves }) {
			out = append(out, sc)
		}
	}
	return out
}

// Rows returns the scenarios in which each request but one at most does what the
// word says.
func Rows(word string, rows []Scenario) (out []Scenario) {
	for _, sc := range rows {
		n := 0
		for _, op := range sc.Ops {
			if strings.Contains(op.Name, word) {
				n++
			}
		}
		if n > 0 && n >= len(sc.Ops)-1 {
			out = append(out, sc)
		}
	}
	return out
}

// Few returns the scenarios of at most n requests.
func Few(n int, rows []Scenario) (out []Scenario) {
	for _, sc := range rows {
		if len(sc.Ops) <= n {
			out = append(out, sc)
		}
	}
	return out
}

// Many returns the scenarios of more than n requests.
func Many(n int, rows []Scenario) (out []Scenario) {
	for _, sc := range rows {
		if len(sc.Ops) > n {
			out = append(out, sc)
		}
	}
	return out
}

// With returns the scenarios under other conditions.
func With(rows []Scenario, conditions ...Condition) []Scenario {
	out := make([]Scenario, len(rows))
	for i, sc := range rows {
		for _, c := range conditions {
			c(&sc)
		}
		out[i] = sc
	}
	return out
}

// A Condition changes a scenario.
type Condition func(*Scenario)

// Faulty lets so many calls fail.
func Faulty(n int) Condition { return func(s *Scenario) { s.Faults = n } }

// OneProcess puts all requests into one.
func OneProcess(s *Scenario) { s.One = true }

// Evicting lets the cache lose what it holds so many times.
func Evicting(n int) Condition { return func(s *Scenario) { s.Evictions = n } }

// Warmed has the cache hold the session.
func Warmed(s *Scenario) { s.Warm = true }

// SoundCache spares the cache the faults.
func SoundCache(s *Scenario) { s.OnlyTruth = true }

// Unexcused has law 2 judged without its exception.
func Unexcused(s *Scenario) { s.unexcused = true }

package benchmarks

import (
	"slices"
	"testing"
	"time"
)

// TestAShortRunMeasuresEverything runs all measurements, in one short round.
func TestAShortRunMeasuresEverything(t *testing.T) {
	p := newPark(t)
	r := &Runner{
		Plan: Plan{Rounds: 1, Round: 2 * time.Millisecond, Connections: 2, Sessions: 4, Tries: 1}, Envs: map[string]Env{}, Say: t.Logf,
	}
	short := []string{NoSessions, HandRedis, SeshatMemory, SeshatRedis, SCSMemory, "gorilla, cookie"}
	for _, c := range p.able() {
		if slices.Contains(short, c.Name) {
			r.Contestants = append(r.Contestants, c)
			r.Envs[c.Name] = p.env(t)
		}
	}
	f, err := r.Run()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Contestants {
		for _, w := range Works() {
			if calls, loads := len(f.Calls[w.Name][c.Name]), len(f.Loads[w.Name][c.Name]); c.CanDo(w) != (calls == 1) || c.CanDo(w) != (loads == 1) {
				t.Errorf("%s, %s: %d slices in process and %d over HTTP", c.Name, w.Name, calls, loads)
			}
		}
		if tries := len(f.Survived[c.Name]); tries != 1 && c.Kind != Nowhere {
			t.Errorf("%s: %d tries of the race", c.Name, tries)
		}
	}
	for _, s := range f.Survived[SeshatMemory] {
		if s != (Survival{Kept: marks}) {
			t.Errorf("Seshat keeps %d of %d keys and refuses %d", s.Kept, marks, s.Refused)
		}
	}
	for _, s := range f.Survived[SCSMemory] {
		if s.Kept >= marks {
			t.Errorf("scs keeps %d keys of %d: the requests did not overlap", s.Kept, marks)
		}
	}
}

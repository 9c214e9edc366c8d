package benchmarks

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// BenchmarkResults measures everything and writes RESULTS.md and its charts: make bench.
func BenchmarkResults(t *testing.B) {
	if !servers.Wanted() {
		t.Fatal("measures on real servers: run make bench")
	}
	p := newPark(t)
	r := &Runner{
		Plan:        plan(t, 11),
		Contestants: p.able(),
		Envs:        map[string]Env{},
		Say:         sayer(),
	}
	for _, c := range r.Contestants {
		r.Envs[c.Name] = p.env(t)
	}
	f, err := r.Run()
	if err != nil {
		t.Fatal(err)
	}
	f.Machine = p.machine(t)
	if err := os.WriteFile("RESULTS.md", []byte(f.Markdown()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteCharts("charts"); err != nil {
		t.Fatal(err)
	}
	for _, b := range f.Budgets() {
		met := "met   "
		if !b.Met {
			met = "MISSED"
		}
		fmt.Printf("%s  %s: %s (%s)\n", met, b.What, b.Measured, b.Want)
	}
}

// plan is how long is measured, unless the environment says otherwise.
func plan(t testing.TB, rounds int) Plan {
	t.Helper()
	p := Plan{Rounds: rounds, Round: 300 * time.Millisecond, Connections: 64, Sessions: 256, Tries: 5}
	if text := os.Getenv("BENCH_ROUND"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			t.Fatalf("BENCH_ROUND is %q: give a duration, such as 300ms", text)
		}
		p.Round = d
	}
	if text := os.Getenv("BENCH_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			t.Fatalf("BENCH_ROUNDS is %q: give a number, such as 11", text)
		}
		p.Rounds = n
	}
	return p
}

// sayer prints what it is told, and when.
func sayer() func(format string, a ...any) {
	began := time.Now()
	return func(format string, a ...any) {
		fmt.Printf("%6s  %s\n", time.Since(began).Round(time.Second), fmt.Sprintf(format, a...))
	}
}

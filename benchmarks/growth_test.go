package benchmarks

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// BenchmarkGrowth measures Seshat from little to much and writes GROWTH.md and its
// charts: make growth.
func BenchmarkGrowth(t *testing.B) {
	if !servers.Wanted() {
		t.Fatal("measures on real servers: run make growth")
	}
	p := newPark(t)
	g := &Grower{Plan: plan(t, 7), Env: func() Env { return p.env(t) }, Say: sayer()}
	grown, err := g.Run()
	if err != nil {
		t.Fatal(err)
	}
	grown.Machine = p.machine(t)
	if err := os.WriteFile("GROWTH.md", []byte(grown.Markdown()), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := grown.WriteCharts("charts"); err != nil {
		t.Fatal(err)
	}
}

// TestABriefGrowthMeasuresEverything runs all studies at their smallest size.
func TestABriefGrowthMeasuresEverything(t *testing.T) {
	p := newPark(t)
	if p.admin == nil {
		t.Skip(servers.NotRun)
	}
	g := &Grower{
		Plan: Plan{Rounds: 1, Round: 2 * time.Millisecond, Sessions: 4}, Env: func() Env { return p.env(t) }, Say: t.Logf, Brief: true,
	}
	grown, err := g.Run()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range grown.Studies {
		for _, m := range s.Measures {
			if len(m.stores()) < 3 {
				t.Errorf("%s, %s: measured of %v only", s.Title, m.Title, m.stores())
			}
			for store, all := range m.All {
				if all[s.Sizes[0]] <= 0 {
					t.Errorf("%s, %s, %s: %v", s.Title, m.Title, store, all)
				}
			}
		}
	}
	if h := grown.HOT; h.Updated != h.Writes || h.HeapOnly > h.Updated {
		t.Errorf("%+v", h)
	}
	if err := grown.WriteCharts(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	page := grown.Markdown()
	for _, want := range []string{"| read, us | 1,000 |", "| RevokeAll, us | 1 |", "| requests/s | 1 |", "| Seshat, gormstore | 20 | 20 | "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

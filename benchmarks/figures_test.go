package benchmarks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// invented are the figures of a run in which each contestant costs what cost
// and load say, the same in each of three rounds.
func invented(cost func(c Contestant, w Work) Cost, load func(c Contestant, w Work) Load) *Figures {
	f := newFigures(Plan{Rounds: 3, Round: time.Second, Connections: 64})
	f.Machine = []Setting{{"processor", "of the test"}}
	for _, c := range Contestants() {
		f.Requests[c.Name] = map[string]PerRequest{}
		for _, w := range Works() {
			if !c.CanDo(w) {
				continue
			}
			for range 3 {
				f.Calls.add(w.Name, c.Name, cost(c, w))
				f.Loads.add(w.Name, c.Name, load(c, w))
			}
			f.Requests[c.Name][w.Name] = PerRequest{Commands: 1, Statements: 2, Trips: 2}
		}
		f.Survived[c.Name] = []Survival{{Kept: 1}, {Kept: 90, Refused: 4}, {Kept: 60, Refused: 5}}
	}
	for _, name := range alone {
		f.Alone.add("read", name, Load{Rate: 1000, P50: time.Millisecond})
	}
	return f
}

func even(Contestant, Work) Cost { return Cost{Time: 1500, Bytes: 2048, Allocs: 7} }

func evenLoad(Contestant, Work) Load {
	return Load{Rate: 12345, P50: 2 * time.Millisecond, P99: 30 * time.Millisecond}
}

func TestThePageShowsEachNumberInItsPlace(t *testing.T) {
	page := invented(even, func(c Contestant, w Work) Load {
		l := evenLoad(c, w)
		if c.Name == SeshatRedis {
			l.Rate *= 2
		}
		return l
	}).Markdown()
	lines := strings.Split(page, "\n")
	for _, want := range []string{
		"| processor | of the test |",
		"| **Seshat, redisstore** | 24,690 | 2.00 ms | 30.00 ms | 2.00 | 2.00 |",
		"| scs, goredisstore | 12,345 | 2.00 ms | 30.00 ms | 1.00 | 1.00 |",
		"| scs, goredisstore | 1.50 us | 0.00 us | 7 | 2.0 | 1.00 |",
		"| gin-contrib, redis \\* | 12,345 | 2.00 ms | 30.00 ms | 1.00 | 1.00 |", // no renewal
		"| gorilla, cookie | - | | | | |",                                        // 100 KB
		"| scs, goredisstore | 1 + 2 (2) | 1 + 2 (2) | 1 + 2 (2) | 1 + 2 (2) | 1 + 2 (2) | 1 + 2 (2) |",
		"| scs, goredisstore | 60 | 4 | 36 |",
		"| Seshat, redisstore | 1,000 | 1.00 ms | 0.00 ms | 1.00 |",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("the page has no line\n%s", want)
		}
	}
	if strings.Contains(page, "NaN") {
		t.Error("the page says NaN")
	}
	for _, chart := range []string{"read", "change", "read-in-process", "survivors"} {
		if !strings.Contains(page, "(charts/"+chart+".svg)") {
			t.Errorf("the page does not show the chart %s", chart)
		}
	}
}

func TestBudgetsAreJudgedByTheRun(t *testing.T) {
	f := invented(even, evenLoad) // Seshat is as all others
	for _, b := range f.Budgets() {
		wantMet := strings.HasPrefix(b.Want, "at most") && !strings.HasSuffix(b.Want, " 0.0") && !strings.Contains(b.What, "of that of")
		wantMet = wantMet || strings.Contains(b.Want, "at least 0.") // 0.8, 0.95 or 0.97 of the others
		if b.Met != wantMet {
			t.Errorf("%s: measured %s, want %s: met is %v", b.What, b.Measured, b.Want, b.Met)
		}
	}

	empty := newFigures(Plan{})
	if len(empty.Budgets()) == 0 {
		t.Error("there are no budgets")
	}
	for _, b := range empty.Budgets() {
		if b.Met || b.Measured != "not measured" {
			t.Errorf("%s: nothing was measured: %q, met is %v", b.What, b.Measured, b.Met)
		}
	}
}

func TestChartsNameEachContestantOnce(t *testing.T) {
	dir := t.TempDir()
	f := invented(func(c Contestant, w Work) Cost {
		cost := even(c, w)
		if c.Kind != Nowhere {
			cost.Time += 100 * float64(len(c.Name))
		}
		return cost
	}, evenLoad)
	if err := f.WriteCharts(dir); err != nil {
		t.Fatal(err)
	}
	for _, chart := range []string{"read.svg", "change.svg", "read-in-process.svg", "survivors.svg"} {
		text, err := os.ReadFile(filepath.Join(dir, chart))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range Contestants() {
			want := 1
			if c.Kind == Nowhere && chart == "read-in-process.svg" {
				want = 0 // it adds nothing to itself
			}
			if got := strings.Count(string(text), ">"+c.Name+"</text>"); got != want {
				t.Errorf("%s names %s %d times, want %d", chart, c.Name, got, want)
			}
		}
		if strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Inf") {
			t.Errorf("%s has a place that is no number", chart)
		}
	}
}

func TestNumbersAreWrittenForReaders(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{whole(0), "0"},
		{whole(999.6), "1,000"},
		{whole(1234567), "1,234,567"},
		{whole(-1234), "-1,234"},
		{whole(-123), "-123"},
		{number(2), "2"},
		{number(2.05), "2.05"},
		{number(100), "100"},
		{us(1234), "1.23 us"},
		{us(45_678), "45.7 us"},
		{us(1_234_567), "1,235 us"},
		{millis(1_500_000), "1.50 ms"},
		{plainNumber(1234.5), "1,234"},
		{plainNumber(12.345), "12.3"},
		{tickLabel(0.25), "0.25"},
		{tickLabel(100_000), "100,000"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

package benchmarks

import (
	"math"
	"time"
)

// A Table holds what was measured of each work and contestant, by round.
type Table[T any] map[string]map[string][]T

// add enters what a round measured.
func (t Table[T]) add(work, contestant string, v T) {
	if t[work] == nil {
		t[work] = make(map[string][]T)
	}
	t[work][contestant] = append(t[work][contestant], v)
}

// Figures is all that one run measured.
type Figures struct {
	Date     string
	Plan     Plan
	Machine  []Setting // what the numbers depend on
	Calls    Table[Cost]
	Loads    Table[Load]                      // with Plan.Connections
	Alone    Table[Load]                      // with one connection
	Requests map[string]map[string]PerRequest // by contestant and work
	Survived map[string][]Survival            // by contestant
}

// A Setting is a line of the description of the machine.
type Setting struct{ Name, Value string }

// A Plan is how long is measured.
type Plan struct {
	Rounds      int
	Round       time.Duration // of each contestant over HTTP; half of it in process
	Connections int
	Sessions    int // that calls in process go to in turn
	Tries       int // of the race for lost updates
}

func newFigures(p Plan) *Figures {
	return &Figures{
		Date: time.Now().UTC().Format(time.DateOnly), Plan: p, Calls: Table[Cost]{}, Loads: Table[Load]{}, Alone: Table[Load]{},
		Requests: map[string]map[string]PerRequest{}, Survived: map[string][]Survival{},
	}
}

// pick returns one number of each round.
func pick[T any](rounds []T, number func(T) float64) []float64 {
	numbers := make([]float64, len(rounds))
	for i, r := range rounds {
		numbers[i] = number(r)
	}
	return numbers
}

func (f *Figures) times(work, contestant string) []float64 {
	return pick(f.Calls[work][contestant], func(c Cost) float64 { return c.Time })
}

func (f *Figures) bytes(work, contestant string) []float64 {
	return pick(f.Calls[work][contestant], func(c Cost) float64 { return c.Bytes })
}

func (f *Figures) allocs(work, contestant string) []float64 {
	return pick(f.Calls[work][contestant], func(c Cost) float64 { return c.Allocs })
}

func (f *Figures) rates(work, contestant string) []float64 {
	return pick(f.Loads[work][contestant], func(l Load) float64 { return l.Rate })
}

// extraTime is what a contestant takes over no sessions, in ns, by round.
func (f *Figures) extraTime(work, contestant string) []float64 {
	return Extra(f.times(work, contestant), f.times(work, NoSessions))
}

// extraAllocs is how many allocations a contestant makes over no sessions. The
// fractions are those of the runtime and of what runs in the background.
func (f *Figures) extraAllocs(work, contestant string) float64 {
	return math.Round(Median(Extra(f.allocs(work, contestant), f.allocs(work, NoSessions))))
}

// rateOver is how many times as many requests per second one contestant answers
// as another.
func (f *Figures) rateOver(work, contestant, other string) float64 {
	return PairedRatio(f.rates(work, contestant), f.rates(work, other))
}

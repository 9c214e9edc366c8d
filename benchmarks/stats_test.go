package benchmarks

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		numbers []float64
		want    float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 2, 100}, 3},
		{[]float64{2, 2}, 2},
	} {
		before := slices.Clone(c.numbers)
		if got := Median(c.numbers); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.numbers, got, c.want)
		}
		if !slices.Equal(before, c.numbers) {
			t.Errorf("Median changed %v to %v", before, c.numbers)
		}
	}
	if got := Median(nil); !math.IsNaN(got) {
		t.Errorf("Median of nothing = %v, want NaN", got)
	}
}

func TestPairedRatioComparesWithinEachRound(t *testing.T) {
	// The machine was ten times slower in the second round: the ratio of the
	// medians would be 2 / 1.5.
	fast, slow := []float64{2, 20, 2}, []float64{1, 10, 1.5}
	if got := PairedRatio(fast, slow); got != 2 {
		t.Errorf("PairedRatio = %v, want 2", got)
	}
	if got := PairedRatio([]float64{4, 9, 100}, []float64{2, 3}); got != 2.5 {
		t.Errorf("PairedRatio of three and two rounds = %v, want 2.5", got)
	}
	if got := PairedRatio(nil, slow); !math.IsNaN(got) {
		t.Errorf("PairedRatio with nothing = %v, want NaN", got)
	}
}

func TestExtraIsTheDifferenceInEachRound(t *testing.T) {
	if got := Extra([]float64{5, 7, 9}, []float64{1, 2}); !slices.Equal(got, []float64{4, 5}) {
		t.Errorf("Extra = %v, want [4 5]", got)
	}
}

func TestPercentileIsOneOfTheTimes(t *testing.T) {
	var sorted []time.Duration
	for n := range 200 {
		sorted = append(sorted, time.Duration(n+1))
	}
	for part, want := range map[float64]time.Duration{0: 1, 0.5: 100, 0.99: 198, 1: 200} {
		if got := percentile(sorted, part); got != want {
			t.Errorf("percentile %v = %v, want %v", part, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("percentile of nothing = %v, want 0", got)
	}
}

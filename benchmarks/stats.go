package benchmarks

import (
	"math"
	"slices"
	"time"
)

// Median returns the middle of the numbers, the mean of the two middle ones if
// their count is even, and NaN if there are none.
func Median(numbers []float64) float64 {
	n := len(numbers)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(numbers))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// PairedRatio returns the median of the ratios a[i]/b[i]. What was measured in
// one round was measured on a machine that was as busy, so the ratio within the
// round says more than the ratio of two medians. Rounds that only one of the two
// has are left out.
func PairedRatio(a, b []float64) float64 {
	n := min(len(a), len(b))
	ratios := make([]float64, n)
	for i := range n {
		ratios[i] = a[i] / b[i]
	}
	return Median(ratios)
}

// Extra returns a[i]-b[i]: what a costs over b in each round.
func Extra(a, b []float64) []float64 {
	extra := make([]float64, min(len(a), len(b)))
	for i := range extra {
		extra[i] = a[i] - b[i]
	}
	return extra
}

// percentile returns the time that the given part of the sorted times does not
// exceed; 0 if there are none.
func percentile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(part*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

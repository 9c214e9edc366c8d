package benchmarks

import (
	"math"
	"strconv"
)

// An axis maps values to places between two ends.
type axis struct {
	low, high float64 // values
	from, to  float64 // places
	log       bool
}

// newAxis is an axis that holds the values: from zero, or, if it is
// logarithmic, from a power of ten well below the smallest positive one.
func newAxis(values []float64, log bool, from, to float64) axis {
	a := axis{high: 0, low: math.Inf(1), from: from, to: to, log: log}
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 0) {
			a.low, a.high = min(a.low, v), max(a.high, v)
		}
	}
	switch {
	case a.high == 0:
		a.low, a.high = 0, 1
		a.log = false
	case !log:
		a.low = 0
	default:
		a.low = math.Pow(10, math.Floor(math.Log10(a.low/1.5)))
	}
	return a
}

// place is where a value is.
func (a axis) place(v float64) float64 {
	part := (v - a.low) / (a.high - a.low)
	if a.log {
		part = math.Log(max(v, a.low)/a.low) / math.Log(a.high/a.low)
	}
	return a.from + part*(a.to-a.from)
}

// ticks are round values on the axis: the powers of ten, or four to nine equal steps.
func (a axis) ticks() []float64 {
	var all []float64
	if a.log {
		for v := a.low; v <= a.high*1.001; v *= 10 {
			all = append(all, v)
		}
		return all
	}
	step := math.Pow(10, math.Floor(math.Log10(a.high)))
	for a.high/step < 4 {
		step /= 2
	}
	for n := 0.0; n*step <= a.high*1.001; n++ {
		all = append(all, n*step)
	}
	return all
}

// tickLabel is a number as an axis shows it.
func tickLabel(v float64) string {
	if v >= 1000 {
		return whole(v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

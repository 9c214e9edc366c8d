package benchmarks

import (
	"math"
	"slices"
	"testing"
)

func TestAnAxisHoldsItsValues(t *testing.T) {
	for _, c := range []struct {
		values []float64
		log    bool
		ticks  []float64
	}{
		{[]float64{5, 1, 0.2}, false, []float64{0, 1, 2, 3, 4, 5}},
		{[]float64{22, 401}, true, []float64{10, 100}},
		{[]float64{12, 401}, true, []float64{1, 10, 100}}, // 12 would be a dot
		{[]float64{7, 7}, true, []float64{1}},
		{[]float64{1}, true, []float64{0.1, 1}},
		{nil, true, []float64{0, 0.25, 0.5, 0.75, 1}},
	} {
		a := newAxis(c.values, c.log, 100, 200)
		if got := a.ticks(); !slices.Equal(got, c.ticks) {
			t.Errorf("ticks of %v are %v, want %v", c.values, got, c.ticks)
		}
		for _, v := range c.values {
			if p := a.place(v); math.IsNaN(p) || p < 100 || p > 200 {
				t.Errorf("%v of %v is at %v", v, c.values, p)
			}
		}
	}
}

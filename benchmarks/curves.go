package benchmarks

import (
	"cmp"
	"slices"
)

// A curve is one line in a chart.
type curve struct {
	label  string
	points [][2]float64
}

// curveColors are told apart also by those who see few colors.
var curveColors = []string{oursColor, "#c1562d", "#2f5fb3", "#8a6d1a", "#7b3fa0", "#4d9db3"}

// curveChart is lines over a logarithmic axis.
type curveChart struct {
	title, x, y string
	logY        bool
}

// draw draws the curves, each named at its end. The same curves in the same
// order have the same colors in every chart.
func (c curveChart) draw(curves []curve) *svg {
	const (
		left, right, bottom = 90.0, chartWidth - 260.0, 360.0
		apart               = 16.0 // names
	)
	s := &svg{width: chartWidth, height: bottom + axisHeight}
	s.text(16, 22, begins, c.title, textStyle{size: 16, bold: true})
	var xs, ys []float64
	for _, curve := range curves {
		for _, p := range curve.points {
			xs, ys = append(xs, p[0]), append(ys, p[1])
		}
	}
	x, y := newAxis(xs, true, left, right), newAxis(ys, c.logY, bottom, titleHeight+26)
	slices.Sort(xs)
	xs = slices.Compact(xs)
	if len(xs) > 0 {
		x.low = xs[0] // sizes begin where the chart does
	}
	for _, v := range xs {
		s.line(x.place(v), titleHeight+16, x.place(v), bottom, faint)
		s.text(x.place(v), bottom+12, middle, tickLabel(v), textStyle{size: 12})
	}
	for _, v := range y.ticks() {
		s.line(left, y.place(v), right, y.place(v), faint)
		s.text(left-8, y.place(v), ends, tickLabel(v), textStyle{size: 12})
	}
	s.text((left+right)/2, bottom+34, middle, c.x, textStyle{})
	s.text(16, titleHeight, begins, c.y, textStyle{})
	colors := make(map[string]string)
	for i, curve := range curves {
		colors[curve.label] = curveColors[i%len(curveColors)]
	}
	curves = slices.Clone(curves)
	slices.SortStableFunc(curves, func(a, b curve) int { return cmp.Compare(y.place(last(a)), y.place(last(b))) })
	above := 0.0
	for _, curve := range curves {
		color := colors[curve.label]
		var points [][2]float64
		for _, p := range curve.points {
			points = append(points, [2]float64{x.place(p[0]), y.place(p[1])})
		}
		s.path(points, color)
		above = max(above+apart, y.place(last(curve)))
		s.text(right+12, above, begins, curve.label, textStyle{bold: true, color: color})
	}
	return s
}

// last is the last value of a curve.
func last(c curve) float64 {
	if len(c.points) == 0 {
		return 0
	}
	return c.points[len(c.points)-1][1]
}

package benchmarks

import (
	"cmp"
	"math"
	"slices"
)

// A bar is a contestant in a chart.
type bar struct {
	label string
	value float64
	text  string // of the value
	ours  bool
	base  bool // what others are compared with
}

// barChart is horizontal bars, the best above.
type barChart struct {
	title, axis string
	log         bool    // a logarithmic scale: from the power of ten below the smallest
	lessIsBest  bool    // the shortest is the best
	mark        float64 // where a line is drawn; 0: none
}

// Measures of the charts.
const (
	chartWidth  = 940.0
	labelWidth  = 300.0
	valueWidth  = 130.0
	barPitch    = 24.0
	barHeight   = 16.0
	titleHeight = 44.0
	axisHeight  = 54.0
)

// draw draws the bars that have a value.
func (c barChart) draw(bars []bar) *svg {
	bars = slices.DeleteFunc(slices.Clone(bars), func(b bar) bool { return math.IsNaN(b.value) || c.log && b.value <= 0 })
	slices.SortStableFunc(bars, func(a, b bar) int {
		if c.lessIsBest {
			return cmp.Compare(a.value, b.value)
		}
		return cmp.Compare(b.value, a.value)
	})
	bottom := titleHeight + barPitch*float64(len(bars))
	s := &svg{width: chartWidth, height: bottom + axisHeight}
	s.text(16, 22, begins, c.title, textStyle{size: 16, bold: true})
	x := newAxis(pick(bars, func(b bar) float64 { return b.value }), c.log, labelWidth, chartWidth-valueWidth)
	for _, v := range x.ticks() {
		s.line(x.place(v), titleHeight-4, x.place(v), bottom, faint)
		s.text(x.place(v), bottom+12, middle, tickLabel(v), textStyle{size: 12})
	}
	if c.mark != 0 {
		s.line(x.place(c.mark), titleHeight-4, x.place(c.mark), bottom, baseColor)
	}
	s.text((labelWidth+chartWidth-valueWidth)/2, bottom+34, middle, c.axis, textStyle{})
	for i, b := range bars {
		y := titleHeight + barPitch*(float64(i)+0.5)
		color := otherColor
		switch {
		case b.ours:
			color = oursColor
		case b.base:
			color = baseColor
		}
		s.text(labelWidth-8, y, ends, b.label, textStyle{bold: b.ours})
		s.box(labelWidth, y-barHeight/2, max(1, x.place(b.value)-labelWidth), barHeight, color)
		s.text(x.place(b.value)+6, y, begins, b.text, textStyle{bold: b.ours})
	}
	return s
}

package benchmarks

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// A Study is what was measured while one thing grew.
type Study struct {
	Title, Text string // of its section
	Grows       string // what grows, with its unit
	Sizes       []float64
	Measures    []*Measure
}

// A Measure is one number of a study, by store and size.
type Measure struct {
	Title string // with its unit
	Chart string // the file of its chart
	Level bool   // the chart begins at zero, and is not logarithmic
	All   map[string]map[float64]float64
}

// add enters a number of a store at a size.
func (m *Measure) add(store string, size, value float64) {
	if m.All == nil {
		m.All = make(map[string]map[float64]float64)
	}
	if m.All[store] == nil {
		m.All[store] = make(map[float64]float64)
	}
	m.All[store][size] = value
}

// stores are those of the measure, in alphabetical order.
func (m *Measure) stores() []string { return slices.Sorted(maps.Keys(m.All)) }

func (s *Study) markdown(p printer) {
	p("## %s\n", s.Title)
	p("%s\n", s.Text)
	for _, m := range s.Measures {
		p("![%s](charts/%s)\n", m.Title, m.Chart)
		head, line := "| "+m.Title+" |", "|---|"
		for _, size := range s.Sizes {
			head, line = head+" "+whole(size)+" |", line+"---:|"
		}
		p("%s\n%s", head, line)
		for _, store := range m.stores() {
			cells := make([]string, len(s.Sizes))
			for i, size := range s.Sizes {
				cells[i] = "-"
				if v, there := m.All[store][size]; there {
					cells[i] = plainNumber(v)
				}
			}
			p("| %s | %s |", store, strings.Join(cells, " | "))
		}
		p("")
	}
}

// writeCharts draws each measure, into a folder.
func (s *Study) writeCharts(dir string) error {
	for _, m := range s.Measures {
		var curves []curve
		for _, store := range m.stores() {
			c := curve{label: store}
			for _, size := range s.Sizes {
				if v, there := m.All[store][size]; there {
					c.points = append(c.points, [2]float64{size, v})
				}
			}
			curves = append(curves, c)
		}
		chart := curveChart{title: s.Title, x: s.Grows, y: m.Title, logY: !m.Level}
		if err := chart.draw(curves).save(filepath.Join(dir, m.Chart)); err != nil {
			return err
		}
	}
	return nil
}

package benchmarks

import (
	"errors"
	"fmt"
	"path/filepath"
)

// WriteCharts draws what RESULTS.md shows, into a folder.
func (f *Figures) WriteCharts(dir string) error {
	return errors.Join(
		f.rateChart("read").save(filepath.Join(dir, "read.svg")),
		f.rateChart("change").save(filepath.Join(dir, "change.svg")),
		f.timeChart().save(filepath.Join(dir, "read-in-process.svg")),
		f.survivorChart().save(filepath.Join(dir, "survivors.svg")),
	)
}

// bars makes a bar of each contestant.
func bars(value func(c Contestant) (float64, string)) []bar {
	var all []bar
	for _, c := range Contestants() {
		v, text := value(c)
		base := c.Kind == Nowhere || c.Name == HandRedis || c.Name == HandPostgres
		all = append(all, bar{label: c.Name, value: v, text: text, ours: c.Ours, base: base})
	}
	return all
}

func (f *Figures) rateChart(work string) *svg {
	return barChart{
		title: fmt.Sprintf("Requests per second that %s one key of 1 KB, %d connections", work, f.Plan.Connections),
		axis:  "times those of the session written by hand on Redis; more is better", mark: 1,
	}.draw(bars(func(c Contestant) (float64, string) {
		v := f.rateOver(work, c.Name, HandRedis)
		return v, fmt.Sprintf("%.2f (%s/s)", v, whole(Median(f.rates(work, c.Name))))
	}))
}

func (f *Figures) timeChart() *svg {
	return barChart{
		title: "Time that reading a session adds to a request, in process",
		axis:  "microseconds, on a logarithmic scale; less is better", log: true, lessIsBest: true,
	}.draw(bars(func(c Contestant) (float64, string) {
		ns := Median(f.extraTime("read", c.Name))
		return ns / 1e3, us(ns)
	}))
}

func (f *Figures) survivorChart() *svg {
	return barChart{
		title: "100 parallel requests of one session, each sets another key",
		axis:  "keys that are in the session afterwards; more is better",
	}.draw(bars(func(c Contestant) (float64, string) {
		kept := Median(pick(f.Survived[c.Name], func(s Survival) float64 { return float64(s.Kept) }))
		return kept, number(kept)
	}))
}

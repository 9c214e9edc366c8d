package benchmarks

import (
	"errors"
	"slices"
	"time"
)

// connections measures reads over HTTP while more and more clients ask.
func (g *Grower) connections() (_ *Study, err error) {
	rate := &Measure{Title: "requests/s", Chart: "growth-connections-rate.svg", Level: true}
	p99 := &Measure{Title: "p99, ms", Chart: "growth-connections-p99.svg"}
	s := &Study{
		Title:    "Connections",
		Text:     "Requests that read one key of a session of 1 KB over HTTP, from so many keep-alive connections.",
		Grows:    "connections",
		Sizes:    g.sizes(1, 4, 16, 64, 128, 256, 512),
		Measures: []*Measure{rate, p99},
	}
	taking := []string{NoSessions, HandRedis, SeshatMemory, SeshatPostgres, SeshatRedis, SeshatNear}
	few := Runner{Plan: g.Plan, Say: g.Say}
	addrs := make(map[string]string)
	for _, c := range Contestants() {
		if !slices.Contains(taking, c.Name) {
			continue
		}
		served, err2 := startServing(c, g.Env())
		if err2 != nil {
			return nil, err2
		}
		defer func() { err = errors.Join(err, served.stop()) }()
		few.Contestants = append(few.Contestants, c)
		addrs[c.Name] = served.addr
	}
	for _, size := range s.Sizes {
		if err := g.crowds(&few, addrs, int(size), rate, p99); err != nil {
			return nil, err
		}
		g.Say("%s connections", whole(size))
	}
	return s, nil
}

// crowds measures all contestants with one number of connections.
func (g *Grower) crowds(few *Runner, addrs map[string]string, size int, rate, p99 *Measure) error {
	crowds := make(map[string]*crowd)
	requests := make(map[string][][][]byte)
	loads := make(map[string][]Load)
	for name, addr := range addrs {
		c, err := newCrowd(addr, size)
		if err != nil {
			return err
		}
		defer c.close()
		crowds[name] = c
		if requests[name], err = c.begin(readWork(), 1); err != nil {
			return err
		}
	}
	err := few.rounds(readWork(), g.Plan.Round, func(c Contestant, round int, slice time.Duration) error {
		load, err := crowds[c.Name].run(readWork(), requests[c.Name], slice)
		if err == nil && round >= 0 {
			loads[c.Name] = append(loads[c.Name], load)
		}
		return err
	})
	if err != nil {
		return err
	}
	for name, all := range loads {
		rate.add(name, float64(size), Median(pick(all, func(l Load) float64 { return l.Rate })))
		p99.add(name, float64(size), Median(pick(all, func(l Load) float64 { return float64(l.P99) / float64(time.Millisecond) })))
	}
	return nil
}

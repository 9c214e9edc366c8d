package benchmarks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// A Runner measures contestants, each with an Env of its own.
type Runner struct {
	Plan        Plan
	Contestants []Contestant
	Envs        map[string]Env                // by name of the contestant
	Say         func(format string, a ...any) // tells how far it is
}

// alone are the contestants that are measured with one connection as well.
var alone = []string{HandRedis, SCSRedis, SeshatRedis}

// Run measures everything.
func (r *Runner) Run() (*Figures, error) {
	f := newFigures(r.Plan)
	for _, step := range []func(*Figures) error{r.requests, r.survivors, r.calls, r.loads} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (r *Runner) requests(f *Figures) error {
	for _, c := range r.Contestants {
		counted, err := countRoundTrips(c, r.Envs[c.Name])
		if err != nil {
			return err
		}
		f.Requests[c.Name] = counted
	}
	r.Say("round trips are counted")
	return nil
}

func (r *Runner) survivors(f *Figures) error {
	for _, c := range r.Contestants {
		if c.Kind == Nowhere {
			continue
		}
		tries, err := countSurvivors(c, r.Envs[c.Name], r.Plan.Tries)
		if err != nil {
			return err
		}
		f.Survived[c.Name] = tries
	}
	r.Say("lost updates are counted")
	return nil
}

// rounds calls measure for each contestant that can do the work, once in each
// round and in another order each time. The first round warms up: its number is
// -1, and it is half as long.
func (r *Runner) rounds(w Work, slice time.Duration, measure func(c Contestant, round int, slice time.Duration) error) error {
	var able []Contestant
	for _, c := range r.Contestants {
		if c.CanDo(w) {
			able = append(able, c)
		}
	}
	for round := -1; round < r.Plan.Rounds; round++ {
		rand.Shuffle(len(able), func(i, j int) { able[i], able[j] = able[j], able[i] })
		length := slice
		if round < 0 {
			length /= 2
		}
		for _, c := range able {
			if err := measure(c, round, length); err != nil {
				return fmt.Errorf("%s, %s: %w", c.Name, w.Name, err)
			}
		}
	}
	return nil
}

func (r *Runner) calls(f *Figures) (err error) {
	clients := make(map[string]*inProcess)
	for _, c := range r.Contestants {
		site, err2 := c.New(r.Envs[c.Name])
		if err2 != nil {
			return fmt.Errorf("benchmarks: %s: %w", c.Name, err2)
		}
		defer func() { err = errors.Join(err, site.Close()) }()
		clients[c.Name] = newInProcess(site)
	}
	for _, w := range Works() {
		requests := make(map[string][]*http.Request)
		sessions := make(map[string]int)
		err := r.rounds(w, r.Plan.Round/2, func(c Contestant, round int, slice time.Duration) error {
			client := clients[c.Name]
			if w.Once || requests[c.Name] == nil {
				made, err := client.prepareCalls(w, max(sessions[c.Name], r.Plan.Sessions))
				if err != nil {
					return err
				}
				requests[c.Name] = made
			}
			cost, err := client.measureCalls(w, requests[c.Name], slice)
			if err == nil && round >= 0 {
				f.Calls.add(w.Name, c.Name, cost)
			}
			if w.Once { // enough for the next round, at the rate of this one
				sessions[c.Name] = min(int(float64(r.Plan.Round/2)/cost.Time), mostOnceCalled)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.Say("in process: %s is measured", w.Name)
	}
	return nil
}

// Sessions of each connection.
const (
	sessionsPerConnection = 4
	fewestOnce            = 10  // where each request needs a new one
	mostOnce              = 300 // the same
)

func (r *Runner) loads(f *Figures) (err error) {
	crowds := make(map[string]*crowd)
	addrs := make(map[string]string)
	for _, c := range r.Contestants {
		s, err2 := startServing(c, r.Envs[c.Name])
		if err2 != nil {
			return err2
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		if crowds[c.Name], err = newCrowd(s.addr, r.Plan.Connections); err != nil {
			return err
		}
		defer crowds[c.Name].close()
		addrs[c.Name] = s.addr
	}
	for _, w := range Works() {
		requests := make(map[string][][][]byte)
		sessions := make(map[string]int) // per connection
		err := r.rounds(w, r.Plan.Round, func(c Contestant, round int, slice time.Duration) error {
			if w.Once || requests[c.Name] == nil {
				made, err := crowds[c.Name].begin(w, max(sessions[c.Name], sessionsPerConnection))
				if err != nil {
					return err
				}
				requests[c.Name] = made
			}
			load, err := crowds[c.Name].run(w, requests[c.Name], slice)
			if err == nil && round >= 0 {
				f.Loads.add(w.Name, c.Name, load)
			}
			if w.Once { // enough for the next round, at the rate of this one
				n := int(load.Rate * r.Plan.Round.Seconds() / float64(r.Plan.Connections))
				sessions[c.Name] = min(max(n, fewestOnce), mostOnce)
			}
			return err
		})
		if err != nil {
			return err
		}
		r.Say("over HTTP: %s is measured", w.Name)
	}
	return r.single(f, addrs)
}

// single measures reads with one connection.
func (r *Runner) single(f *Figures, addrs map[string]string) error {
	w := readWork()
	few := Runner{Plan: r.Plan, Say: r.Say}
	crowds := make(map[string]*crowd)
	requests := make(map[string][][][]byte)
	for _, c := range r.Contestants {
		for _, name := range alone {
			if c.Name != name {
				continue
			}
			one, err := newCrowd(addrs[name], 1)
			if err != nil {
				return err
			}
			defer one.close()
			if requests[name], err = one.begin(w, sessionsPerConnection); err != nil {
				return err
			}
			few.Contestants = append(few.Contestants, c)
			crowds[name] = one
		}
	}
	err := few.rounds(w, r.Plan.Round, func(c Contestant, round int, slice time.Duration) error {
		load, err := crowds[c.Name].run(w, requests[c.Name], slice)
		if err == nil && round >= 0 {
			f.Alone.add(w.Name, c.Name, load)
		}
		return err
	})
	r.Say("over HTTP: one connection is measured")
	return err
}

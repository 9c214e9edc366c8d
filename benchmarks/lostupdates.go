package benchmarks

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Survival is what is left of changes that were made to one session at once.
type Survival struct {
	Kept    int // keys that are in the session afterwards
	Refused int // requests that were answered with an error
}

// countSurvivors lets 100 requests, each of which sets another key of one
// session, load it before any of them saves it, and returns what is left after
// each of n tries.
func countSurvivors(c Contestant, env Env, n int) (_ []Survival, err error) {
	gate := newGate()
	env.Loaded = gate.pass
	site, err := c.New(env)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: %s: %w", c.Name, err)
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	var tries []Survival
	for range n {
		s, err := race(site, gate)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		tries = append(tries, s)
	}
	return tries, nil
}

func race(site *Site, gate *gate) (s Survival, err error) {
	client := newInProcess(site)
	cookies, err := readWork().begin(client, 1)
	if err != nil {
		return s, err
	}
	var (
		mu  sync.Mutex
		jar = cookies[0] // as in a browser: the last cookie that came
		all sync.WaitGroup
	)
	gate.close(marks)
	for n := range marks {
		all.Go(func() {
			a, err := newInProcess(site).Get(Mark+"?"+markName(n), cookies[0])
			mu.Lock()
			defer mu.Unlock()
			if err != nil || a.Status != 200 {
				s.Refused++
			} else if len(a.Cookie) > 0 {
				jar = string(a.Cookie)
			}
		})
	}
	all.Wait()
	a, err := client.Get(Marks, jar)
	if err != nil {
		return s, err
	}
	if s.Kept, err = strconv.Atoi(string(a.Body)); err != nil || a.Status != 200 {
		return s, fmt.Errorf("benchmarks: %s answers %d %.200q", Marks, a.Status, a.Body)
	}
	return s, nil
}

// A gate holds those who come to it until all have come. One who never comes
// would hold the others for ever, so their patience ends.
type gate struct {
	mu      sync.Mutex
	missing int
	open    chan struct{}
}

// gateLimit is how long the first waits for the last.
const gateLimit = 10 * time.Second

func newGate() *gate { return &gate{open: make(chan struct{})} }

// close lets the next n wait for each other.
func (g *gate) close(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.missing, g.open = n, make(chan struct{})
}

func (g *gate) pass() {
	g.mu.Lock()
	g.missing--
	open := g.open
	if g.missing == 0 {
		close(open)
	}
	g.mu.Unlock()
	select {
	case <-open:
	case <-time.After(gateLimit):
	}
}

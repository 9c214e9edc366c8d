package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	soakTime = flag.Duration("soak", briefly, "TestSoak: for how long; on all setups if longer than the default")
	soakLogs = flag.String("logs", "", "TestSoak: a folder for what the shops print and the times of the faults")
	soakSeed = flag.Uint64("seed", 0, "TestSoak: which faults happen when; 0 is by chance")
)

// briefly is how long TestSoak lasts where it is one test of many. It is on one
// setup of each engine then.
const (
	briefly  = 20 * time.Second
	reported = 10 * time.Second
)

var oneOfEach = []string{"db on PostgreSQL", "cache in Redis", "cached_db on PostgreSQL and Redis"}

// TestSoak strikes sites of all setups with faults by chance, each once before
// any comes again, and reports what was seen.
func TestSoak(t *testing.T) {
	apps := build(t)
	seed := *soakSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	chosen, browsers := setups, 40
	if *soakTime <= briefly {
		chosen, browsers = nil, 20
		for _, s := range setups {
			if slices.Contains(oneOfEach, s.name) {
				chosen = append(chosen, s)
			}
		}
	}
	fmt.Printf("%v on %d setups of %d shops and %d browsers each, seed %d\n", *soakTime, len(chosen), len(apps), browsers, seed)

	var mu sync.Mutex
	var runs []*run
	began := time.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		told := map[*run]int{} // violations
		for tick := time.NewTicker(reported); ; {
			select {
			case <-tick.C:
				mu.Lock()
				fmt.Println(progress(runs, began))
				for _, r := range runs {
					all := r.oracle.Violations()
					if n := len(all); n > told[r] {
						fmt.Printf("%s:%s\n", r.name, list(all[told[r]:]))
						told[r] = n
					}
				}
				mu.Unlock()
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	onEach(t, chosen, func(t *testing.T, n int, s setup) {
		r := s.start(t, apps).run(browsers, 1000*n, seed)
		defer r.load.end()
		mu.Lock()
		runs = append(runs, r)
		mu.Unlock()
		rnd := rand.New(rand.NewPCG(seed, uint64(n)))
		for end := time.Now().Add(*soakTime); ; {
			for _, i := range rnd.Perm(len(r.faults)) {
				if time.Now().After(end) {
					r.finish(*soakTime > briefly)
					return
				}
				time.Sleep(calm(rnd)) // without a fault
				r.strike(t, r.faults[i], shortFault/2+time.Duration(rnd.Int64N(int64(2*shortFault))))
			}
		}
	})
	close(stop)
	<-stopped

	fmt.Print(summary(runs))
	for _, r := range runs {
		if *soakLogs != "" {
			if err := r.save(*soakLogs); err != nil {
				t.Error(err)
			}
		}
		if all := r.oracle.Violations(); len(all) > 0 {
			t.Errorf("%s:%s", r.name, list(all))
		}
	}
}

// calm is the time before the next fault: now and then longer than anything is
// excused that the one before caused.
func calm(rnd *rand.Rand) time.Duration {
	if rnd.IntN(6) == 0 {
		return settled + 3*time.Second
	}
	return time.Duration(rnd.Int64N(int64(time.Second)))
}

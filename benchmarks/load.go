package benchmarks

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A crowd is keep-alive connections to one site. On each a client sends the
// next request as soon as it has the answer: a closed loop.
type crowd struct {
	wires []*wire
}

func newCrowd(addr string, connections int) (*crowd, error) {
	c := &crowd{}
	for range connections {
		w, err := dial(addr)
		if err != nil {
			c.close()
			return nil, err
		}
		c.wires = append(c.wires, w)
	}
	return c, nil
}

func (c *crowd) close() {
	for _, w := range c.wires {
		w.close()
	}
}

// each runs do for all connections at once.
func (c *crowd) each(do func(n int, w *wire) error) error {
	errs := make([]error, len(c.wires))
	var all sync.WaitGroup
	for n, w := range c.wires {
		all.Go(func() { errs[n] = do(n, w) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// begin makes sessions for the work, perWire of them for each connection, so
// that no two ask with one session, and returns the requests of each.
func (c *crowd) begin(w Work, perWire int) ([][][]byte, error) {
	requests := make([][][]byte, len(c.wires))
	return requests, c.each(func(n int, conn *wire) error {
		cookies, err := w.begin(conn, perWire)
		for _, cookie := range cookies {
			requests[n] = append(requests[n], request(w.Route, cookie))
		}
		return err
	})
}

// A Load is what a site did under a crowd.
type Load struct {
	Rate     float64       // requests per second
	P50, P99 time.Duration // of the time until the answer
}

// run lets all connections ask for the given time, or until they have asked
// once with each session if the work wants that.
func (c *crowd) run(w Work, requests [][][]byte, slice time.Duration) (Load, error) {
	times := make([][]time.Duration, len(c.wires))
	began := time.Now()
	err := c.each(func(n int, conn *wire) error {
		own := requests[n]
		if len(own) == 0 {
			return fmt.Errorf("benchmarks: no request for %s", w.Name)
		}
		took := make([]time.Duration, 0, 4096)
		for i := 0; !w.Once || i < len(own); i++ {
			sent := time.Now()
			if sent.Sub(began) >= slice {
				break
			}
			a, err := conn.ask(own[i%len(own)])
			if err == nil {
				err = w.check(a)
			}
			if err != nil {
				return err
			}
			took = append(took, time.Since(sent))
		}
		times[n] = took
		return nil
	})
	elapsed := time.Since(began)
	if err != nil {
		return Load{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	return Load{Rate: float64(len(all)) / elapsed.Seconds(), P50: percentile(all, 0.5), P99: percentile(all, 0.99)}, nil
}

package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A load is steady traffic on a fleet: browsers, thieves who try the cookies of
// sessions that have ended, and pings.
type load struct {
	fleet    *fleet
	oracle   *Oracle
	browsers []*browser
	pings    pings

	gate sync.RWMutex // held for reading by each step, for writing by an audit
	stop context.CancelFunc
	done sync.WaitGroup
}

// pace is the mean time between two steps of one browser.
const pace = 1500 * time.Millisecond

const (
	thieves   = 2
	pingEvery = 200 * time.Millisecond
)

// startLoad begins the traffic of so many browsers, numbered from first.
func startLoad(f *fleet, o *Oracle, op *operator, browsers, first int, seed uint64) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{fleet: f, oracle: o, stop: stop}
	for n := range browsers {
		b := newBrowser(first+n, seed, f, o, op)
		l.browsers = append(l.browsers, b)
		l.done.Go(func() { l.repeat(ctx, pace, b.step) })
	}
	for n := range thieves {
		rnd := rand.New(rand.NewPCG(seed, uint64(1_000_000+first+n)))
		l.done.Go(func() { l.repeat(ctx, pace/5, func() { l.steal(rnd) }) })
	}
	for place := range f.apps {
		l.done.Go(func() {
			for wait(ctx, pingEvery) {
				x := f.send(ask{kind: Health, place: place})
				o.Judge(nil, x)
				l.pings.add(x.Process, x.Sent, x.Done)
			}
		})
	}
	l.done.Go(func() {
		for wait(ctx, pingEvery) {
			op, _ := op.list("nobody")
			l.pings.add(theStore, op.Sent, op.Done)
		}
	})
	return l
}

func (l *load) repeat(ctx context.Context, mean time.Duration, step func()) {
	for wait(ctx, rand.N(2*mean)) {
		l.gate.RLock()
		step()
		l.gate.RUnlock()
	}
}

// wait is the pause between two requests; false at the end of the load.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// steal tries the cookie of a session that has ended: one of the last, or any.
func (l *load) steal(rnd *rand.Rand) {
	dead := l.oracle.Dead()
	if len(dead) == 0 {
		return
	}
	n := rnd.IntN(len(dead))
	if rnd.IntN(2) == 0 {
		n = len(dead) - 1 - rnd.IntN(min(len(dead), 20))
	}
	line := dead[n]
	l.oracle.Judge(line, l.fleet.send(ask{kind: Stolen, place: rnd.IntN(len(l.fleet.apps)), token: line.Token}))
}

// audit stops the browsers between two steps and has each read its session at
// every process.
func (l *load) audit() {
	l.gate.Lock()
	defer l.gate.Unlock()
	next := make(chan *browser)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for b := range next {
				b.audit()
			}
		})
	}
	for _, b := range l.browsers {
		next <- b
	}
	close(next)
	all.Wait()
}

// end stops the traffic and waits for the last answers.
func (l *load) end() {
	l.stop()
	l.done.Wait()
}

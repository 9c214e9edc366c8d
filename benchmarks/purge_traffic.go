package benchmarks

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Traffic of a measured purge: each client asks when it is time, whether or not
// others wait, and what it waits counts from that time.
const (
	purgeClients  = 8
	purgePace     = 20 * time.Millisecond // of each
	purgeSessions = 500                   // of each, of 1 KB
	purgeChanges  = 5                     // one request in so many changes its session
)

// Traffic is how requests were answered.
type Traffic struct {
	Requests, Failed int
	Waits            []time.Duration // sorted
}

// clients are those that ask.
type clients struct {
	handler http.Handler
	cookies [][]string // of each client
}

// traffic asks until ctx ends.
func (c *clients) traffic(ctx context.Context) Traffic {
	var (
		mu    sync.Mutex
		total Traffic
		all   sync.WaitGroup
	)
	began := time.Now()
	for n, cookies := range c.cookies {
		all.Go(func() {
			one := visits(ctx, newInProcess(c.handler), cookies, began.Add(purgePace*time.Duration(n)/purgeClients))
			mu.Lock()
			defer mu.Unlock()
			total.Requests += one.Requests
			total.Failed += one.Failed
			total.Waits = append(total.Waits, one.Waits...)
		})
	}
	all.Wait()
	slices.Sort(total.Waits)
	return total
}

// visits is what one client does from the given time on. A request that is answered otherwise
// than it must be has failed.
func visits(ctx context.Context, client *inProcess, cookies []string, due time.Time) (t Traffic) {
	works := [...]Work{readWork(), changeWork()}
	for ; ; due = due.Add(purgePace) {
		select {
		case <-ctx.Done():
			return t
		case <-time.After(time.Until(due)):
		}
		w := works[0]
		if t.Requests%purgeChanges == 0 {
			w = works[1]
		}
		answer, err := client.Get(w.Route, cookies[t.Requests%len(cookies)])
		t.Waits = append(t.Waits, time.Since(due))
		t.Requests++
		if err != nil || w.check(answer) != nil {
			t.Failed++
		}
	}
}

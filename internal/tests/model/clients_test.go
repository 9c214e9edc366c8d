package model_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

const siteURL = "https://shop.example/"

// Keys of the values that requests use.
var (
	valueA = session.NewKey[string]("a")
	valueN = session.NewKey[int]("n")
)

// A crowd is the clients of one run: several families, in each several browsers
// that two clients share, and each client at one process after the other.
type crowd struct {
	managers []*session.Manager
	truth    *session.Manager // past cache and chaos
	clock    *ticking
	moment   atomic.Int64
	requests atomic.Int64
	families []*clan
	odd      func(format string, args ...any) // reports what no model could allow
}

// A clan is a family as its clients know it.
type clan struct {
	principals [2]string
	browsers   []*jar

	mu      sync.Mutex
	tokens  []string
	numbers map[string]int
	history history
}

// A jar is the cookie of one browser, -1 if it has none.
type jar struct {
	mu    sync.Mutex
	token int
}

// ticking is a clock that goes on by a microsecond each time it is asked, so
// that touches happen. It begins far in the future, since stores drop what
// has expired by the real clock.
type ticking struct{ n atomic.Int64 }

var epoch = time.Date(2100, 1, 1, 12, 0, 0, 0, time.UTC)

func (c *ticking) Now() time.Time {
	return epoch.Add(time.Duration(c.n.Add(1)) * time.Microsecond)
}

func (c *clan) number(token string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, known := c.numbers[token]
	if !known {
		n = len(c.tokens)
		c.tokens = append(c.tokens, token)
		c.numbers[token] = n
	}
	return n
}

func (c *clan) token(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 0 {
		return ""
	}
	return c.tokens[n]
}

// any returns the number of some token that the clan had.
func (c *clan) any(r *rand.Rand) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return r.IntN(len(c.tokens))
}

func (c *clan) add(o operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, o)
}

// found has a new clan's session stored.
func (c *crowd) found(t testing.TB, principal string, browsers int) {
	t.Helper()
	k := &clan{principals: [2]string{principal, principal + "'"}, numbers: map[string]int{}}
	a := answer(c.truth, "", context.Background(), func(_ *session.Manager, s *session.Session) { s.Login(principal) })
	if a.status != 200 || a.token == "" {
		t.Fatalf("the first login was answered %d", a.status)
	}
	k.number(a.token)
	for range browsers {
		k.browsers = append(k.browsers, &jar{})
	}
	c.families = append(c.families, k)
}

// An answered is a response as far as it matters.
type answered struct {
	status  int
	token   string
	removed bool
}

// answer sends one request and returns what a browser would take from the response.
func answer(m *session.Manager, token string, ctx context.Context, f func(*session.Manager, *session.Session)) (a answered) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, siteURL, nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: token})
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(m, m.From(r.Context())) })).ServeHTTP(w, r)
	a.status = w.Code
	for _, c := range w.Result().Cookies() {
		if c.Value != "" {
			a.token = c.Value
		} else {
			a.removed = true
		}
	}
	return a
}

// mix is how often clients do what.
var mix = []struct {
	verb   verb
	weight int
}{{read, 8}, {set, 4}, {update, 6}, {pop, 3}, {login, 2}, {renew, 3}, {destroy, 1}, {revoke, 1}, {revokeFor, 1}, {revokeAll, 1}}

func draw(r *rand.Rand) verb {
	sum := 0
	for _, m := range mix {
		sum += m.weight
	}
	n := r.IntN(sum)
	for _, m := range mix {
		if n -= m.weight; n < 0 {
			return m.verb
		}
	}
	panic("unreachable")
}

// run has one client make its requests, one after the other.
func (c *crowd) run(client int, k *clan, b *jar, r *rand.Rand, requests int, mayLeave bool) {
	for range requests {
		o := operation{client: client, process: r.IntN(len(c.managers)), verb: draw(r)}
		b.mu.Lock()
		o.token = b.token
		b.mu.Unlock()
		if o.token < 0 && o.verb != login || r.IntN(8) == 0 {
			o.token = k.any(r) // an old or stolen cookie
		}
		c.do(k, &o, r.IntN(6) == 0, mayLeave)
		if o.token2 >= 0 || o.removed {
			b.mu.Lock()
			b.token = o.token2
			b.mu.Unlock()
		}
	}
}

// do makes the request o and notes what came of it.
func (c *crowd) do(k *clan, o *operation, other, mayLeave bool) {
	o.id = int(c.requests.Add(1))
	o.token2 = -1
	ctx, goAway := context.WithCancel(context.Background())
	defer goAway()
	if mayLeave {
		ctx = context.WithValue(ctx, goAwayKey{}, (func())(goAway))
	}
	switch o.verb {
	case set:
		o.arg = fmt.Sprintf("v%d", o.id)
	case login, revokeFor, revokeAll:
		o.arg = k.principals[0]
		if other {
			o.arg = k.principals[1]
		}
	}
	m := c.truth
	if o.verb != readTruth {
		m = c.managers[o.process]
	}
	token := k.token(o.token)
	o.call = 4 * c.moment.Add(1)
	switch o.verb {
	case revoke:
		o.status = adminStatus(m.Revoke(ctx, idOf(token)))
	case revokeFor:
		o.status = adminStatus(m.RevokeFor(ctx, o.arg, idOf(token)))
	case revokeAll:
		_, err := m.RevokeAll(ctx, o.arg)
		o.status = adminStatus(err)
	default:
		a := answer(m, token, ctx, o.handle)
		o.status, o.removed = a.status, a.removed
		if a.token != "" {
			o.token2 = k.number(a.token)
		}
	}
	o.answer = 4*c.moment.Add(1) + 2
	switch {
	case o.status == conflict && ctx.Err() != nil && o.verb != revokeAll:
		return // nobody got this answer, and it says that nothing happened
	case o.status == conflict && o.verb == revokeAll:
		o.status = unavailable // it may have ended some
	case o.status != ok && o.status != notFound && o.status != conflict && o.status != unavailable:
		c.odd("answered %d:\n  %v", o.status, o)
	case o.status != ok && o.removed:
		c.odd("a failing response made the browser forget its token:\n  %v", o)
	}
	k.add(*o)
}

// handle is the handler of the request.
func (o *operation) handle(_ *session.Manager, s *session.Session) {
	switch o.verb {
	case read, readTruth:
		o.live = s.ID() != ""
		o.seen = rec{principal: s.Principal(), a: valueA.Get(s), n: valueN.Get(s)}
	case set:
		valueA.Set(s, o.arg)
	case update:
		valueN.Update(s, func(n int) int { return n + 1 })
	case pop:
		o.seen.a, o.live = valueA.Pop(s)
	case login:
		s.Login(o.arg)
	case renew:
		s.Renew()
	case destroy:
		_ = s.Destroy(context.WithoutCancel(context.Background())) // the response tells
	}
}

func adminStatus(err error) int {
	switch {
	case err == nil, errors.Is(err, session.ErrPending):
		return ok
	case errors.Is(err, session.ErrNotFound):
		return notFound
	case errors.Is(err, session.ErrConflict):
		return conflict
	case errors.Is(err, session.ErrUnavailable):
		return unavailable
	}
	return 0
}

// go lets all clients of all clans go at once, and then looks at every token
// from every process, and past them.
func (c *crowd) play(seed uint64, requests int, mayLeave bool) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	client := 0
	for _, k := range c.families {
		for _, b := range k.browsers {
			for range 2 {
				client++
				r := rand.New(rand.NewPCG(seed, uint64(client)))
				wg.Go(func() {
					<-begin
					c.run(client, k, b, r, requests, mayLeave)
				})
			}
		}
	}
	close(begin)
	wg.Wait()
}

func (c *crowd) lookAround() {
	for _, k := range c.families {
		for token := range k.tokens {
			for p := range c.managers {
				c.do(k, &operation{process: p, verb: read, token: token}, false, false)
			}
			c.do(k, &operation{verb: readTruth, token: token}, false, false)
		}
	}
}

package session_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A schedule runs requests that stop before each of their store calls, and
// decides which goes on. The decisions of a run are kept, so that the next one
// differs in the last that still has another possibility: together the runs
// are all interleavings there are.
type schedule struct {
	t       *testing.T
	choices []choice
	at      int
	faults  int // that this run may still have

	mu      sync.Mutex
	waiting []*stopped
}

type choice struct{ taken, of int }

// stopped is a store call that waits to be let go.
type stopped struct {
	what string
	turn chan plan
}

// choose returns a number below n: another one in each run.
func (s *schedule) choose(n int) int {
	if s.at == len(s.choices) {
		s.choices = append(s.choices, choice{0, n})
	}
	if s.choices[s.at].of != n {
		// A run is repeated exactly but for the order in which sessions of one
		// moment are listed. After another order it is explored from here.
		s.choices = append(s.choices[:s.at], choice{0, n})
	}
	s.at++
	return s.choices[s.at-1].taken
}

// next moves on to the next run; false means that there is none.
func (s *schedule) next() bool {
	s.choices = s.choices[:s.at]
	for s.at = 0; len(s.choices) > 0; s.choices = s.choices[:len(s.choices)-1] {
		last := &s.choices[len(s.choices)-1]
		if last.taken++; last.taken < last.of {
			return true
		}
	}
	return false
}

// stop is the plan of every store call of a request.
func (s *schedule) stop(what string) plan {
	return func(ctx context.Context, do func(context.Context) error) error {
		w := &stopped{what, make(chan plan)}
		s.mu.Lock()
		s.waiting = append(s.waiting, w)
		s.mu.Unlock()
		return (<-w.turn)(ctx, do)
	}
}

// run lets the requests go on, one call at a time, until all are done.
func (s *schedule) run(done *sync.WaitGroup) {
	over := make(chan struct{})
	go func() { done.Wait(); close(over) }()
	for {
		time.Sleep(10 * time.Millisecond) // beyond every pause after a conflict
		synctest.Wait()
		select {
		case <-over:
			return
		default:
		}
		s.mu.Lock()
		waiting := s.waiting
		s.mu.Unlock()
		if len(waiting) == 0 {
			continue
		}
		// The order in which they came here is chance: sort by request.
		i := 0
		if len(waiting) > 1 {
			if waiting[1].what < waiting[0].what {
				waiting[0], waiting[1] = waiting[1], waiting[0]
			}
			i = s.choose(len(waiting))
		}
		fate := plan(pass)
		if s.faults > 0 {
			if fate = []plan{pass, failBefore, failAfter}[s.choose(3)]; s.choices[s.at-1].taken > 0 {
				s.faults--
			}
		}
		s.mu.Lock()
		s.waiting = append(append([]*stopped(nil), waiting[:i]...), waiting[i+1:]...)
		s.mu.Unlock()
		waiting[i].turn <- fate
	}
}

// A request is what a handler does, in the process of a manager.
type request func(m *session.Manager, s *session.Session)

func does(f func(*session.Session)) request {
	return func(_ *session.Manager, s *session.Session) { f(s) }
}

// explore runs two requests of one session, each in a process of its own, in
// every interleaving of their store calls, with at most the given number of
// failing calls, and has each outcome checked.
func explore(t *testing.T, faults int, first, second request, check func(s *site, b *browser, x, y answer)) {
	all := &schedule{t: t}
	runs := 0
	for more := true; more && !t.Failed() && runs < 5000; runs++ {
		synctest.Test(t, func(t *testing.T) {
			s, b := started(t, session.Options{})
			b.visit(func(s *session.Session) { s.Login("alice"); count.Set(s, 0); name.Set(s, "once") }).want(200)
			s.clock.advance(time.Second)
			all.t, all.faults, all.waiting = t, faults, nil
			var wg sync.WaitGroup
			var answers [2]answer
			for i, f := range []request{first, second} {
				process := *s
				process.start(session.Options{Store: &probe{inner: s.store.inner, plans: map[string][]plan{}, all: all.stop(fmt.Sprint(i))}})
				at := b.thief().at(&process)
				wg.Go(func() { answers[i] = at.visit(func(s *session.Session) { f(process.m, s) }) })
			}
			all.run(&wg)
			check(s, b, answers[0], answers[1])
			if t.Failed() {
				t.Logf("after the decisions %v of run %d; answered %d and %d", all.choices[:all.at], runs, answers[0].status, answers[1].status)
			}
		})
		more = all.next()
	}
	t.Logf("%d runs", runs)
}

// ends returns the browsers that the answers left with a live session: the one
// from before, and those with a new token.
func ends(b *browser, answers ...answer) (live []*browser) {
	seen := map[session.ID]bool{"": true}
	for _, a := range append([]answer{{header: nil}}, answers...) {
		c := b.thief()
		c.jar.SetCookies(c.url(), a.cookies())
		id := session.ID("")
		c.visit(func(s *session.Session) { id = s.ID() })
		if !seen[id] {
			seen[id] = true
			live = append(live, c)
		}
	}
	return live
}

func TestEveryInterleavingOfTwoWritesCountsEach(t *testing.T) {
	explore(t, 2, does(addOne(nil)), does(addOne(nil)), func(_ *site, b *browser, x, y answer) {
		exact := 0
		for _, a := range []answer{x, y} {
			if a.status == 200 {
				exact++
			} else if a.status != 503 {
				b.t.Errorf("answered %d", a.status)
			}
		}
		b.visit(func(s *session.Session) {
			if n := count.Get(s); n < exact || n > 2 {
				b.t.Errorf("counted %d, want %d to 2", n, exact)
			}
		}).want(200)
	})
}

func TestEveryInterleavingOfTwoPopsHasOneWinner(t *testing.T) {
	var popped [2]bool
	pop := func(i int) request {
		return func(_ *session.Manager, s *session.Session) { _, popped[i] = name.Pop(s) }
	}
	explore(t, 2, pop(0), pop(1), func(s *site, _ *browser, x, y answer) {
		winners := 0
		for i, a := range []answer{x, y} {
			if a.status == 200 && popped[i] {
				winners++
			}
		}
		if unknown := x.status == 503 || y.status == 503; winners > 1 || winners == 0 && !unknown {
			s.t.Errorf("%d winners", winners)
		}
	})
}

func TestEveryInterleavingWithARenewalKeepsOneSessionAndEveryWrite(t *testing.T) {
	for name, c := range map[string]struct {
		f              func(*session.Session)
		counts, faults int
	}{
		"write":           {addOne(nil), 1, 1},
		"renew":           {renew, 0, 0},
		"write and renew": {addOne(renew), 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			explore(t, c.faults, does(c.f), does(addOne(renew)), func(s *site, b *browser, x, y answer) {
				live := ends(b, x, y)
				if len(live) != 1 || s.alive() != 1 {
					s.t.Errorf("%d browsers have a session, %d are alive", len(live), s.alive())
					return
				}
				exact, most := 0, 0
				for i, a := range []answer{x, y} {
					counts := []int{c.counts, 1}[i]
					if a.status == 200 {
						exact += counts
					}
					if a.status != 409 {
						most += counts
					}
				}
				live[0].visit(func(ses *session.Session) {
					if n := count.Get(ses); n < exact || n > most {
						s.t.Errorf("counted %d, want %d to %d", n, exact, most)
					}
				})
			})
		})
	}
}

func TestEveryInterleavingWithAnEndingLeavesNothing(t *testing.T) {
	ctx := context.Background()
	endings := map[string]func(m *session.Manager, s *session.Session, id session.ID) error{
		"Destroy": func(_ *session.Manager, s *session.Session, _ session.ID) error { return s.Destroy(ctx) },
		"Revoke":  func(m *session.Manager, _ *session.Session, id session.ID) error { return m.Revoke(ctx, id) },
		"RevokeFor": func(m *session.Manager, _ *session.Session, id session.ID) error {
			return m.RevokeFor(ctx, "alice", id)
		},
		"RevokeAll": func(m *session.Manager, _ *session.Session, _ session.ID) error {
			_, err := m.RevokeAll(ctx, "alice")
			return err
		},
	}
	for name, f := range map[string]func(*session.Session){
		"write": addOne(nil), "renew": addOne(renew), "login again": func(s *session.Session) { _ = s.Len(); s.Login("alice") },
	} {
		for by, end := range endings {
			t.Run(name+" against "+by, func(t *testing.T) {
				var had, was session.ID // what the requests came with
				var err error
				faults := 1
				if by == "RevokeAll" || by == "RevokeFor" {
					faults = 0 // one makes many calls, the other is as Revoke
				}
				explore(t, faults, func(_ *session.Manager, s *session.Session) { had = s.ID(); f(s) },
					func(m *session.Manager, s *session.Session) {
						was = s.ID()
						err = end(m, s, was)
					},
					func(s *site, b *browser, x, y answer) {
						switch {
						case err != nil || y.status != 200 || was == "":
							return // it was told, or there was no session any more to end
						case had == "" && x.status == 200:
							return // it found none, and began one of its own
						}
						if live := ends(b, x, y); len(live) != 0 || s.alive() != 0 {
							s.t.Errorf("%d browsers have a session, %d are alive", len(live), s.alive())
						}
					})
			})
		}
	}
}

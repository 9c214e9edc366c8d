package security_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// questdb#7235, questdb#7249: a token that stays good for a moment after its
// rotation is rotated twice, and two successors live.
func TestARotationHasOneSuccessorOnly(t *testing.T) {
	rotations := map[string]struct{ first, second func(*session.Session) }{
		"two renewals":                  {renew, renew},
		"a renewal and a renewal again": {func(s *session.Session) { add("milk")(s); s.Renew() }, renew},
		"a login and a renewal":         {login("alice"), renew},
	}
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		runs := 0
		for does, c := range rotations {
			for n, stopped := 1, true; stopped; n++ { // the first stops at each of its calls, the second goes through
				runs++
				b := s.browser()
				b.begin(loginWith("alice", "tea"))
				second, old := b.thief().at(1), b.thief()
				had := false
				var goOn func() answer
				stopped, goOn = b.halted(n, func(s *session.Session) { had = s.ID() != ""; c.first(s) })
				x := second.visit(c.second)
				y := goOn()
				at := fmt.Sprintf("%s, the first stopped before call %d: answers %d and %d", does, n, y.status, x.status)
				winners := 0
				for _, a := range []answer{x, y} {
					if len(a.header["Set-Cookie"]) > 0 {
						winners++
					}
				}
				// A login that finds the mark of the other begins a session of its own, with nothing in it.
				if want := 1; does != "a login and a renewal" && (winners != want || s.alive() != want) || winners == 0 {
					t.Fatalf("%s: %d new tokens, %d sessions alive (it had one: %v)", at, winners, s.alive(), had)
				}
				if what := old.opens(); what != "" {
					t.Fatalf("%s: the old token opens %s", at, what)
				}
				for _, who := range []*browser{b, second} {
					who.visit(destroy).want(200)
				}
				if s.alive() != 0 {
					t.Fatalf("%s: a session is left that nobody has the token of", at)
				}
			}
		}
		t.Logf("%d interleavings", runs)
	})
}

// Django 6.1: the token is rotated, the response is a 500, and the browser is
// left with a token of nothing.
func TestARotationWithA5xxLosesNoSession(t *testing.T) {
	fails := map[string]func(w http.ResponseWriter, r *http.Request, s *session.Session){
		"status 500": func(w http.ResponseWriter, _ *http.Request, _ *session.Session) { w.WriteHeader(500) },
		"status 503 with a body": func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			w.WriteHeader(503)
			_, _ = w.Write([]byte("sorry"))
		},
		"panic": func(http.ResponseWriter, *http.Request, *session.Session) { panic(http.ErrAbortHandler) },
		"too large": func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			name.Set(s, strings.Repeat("x", 1<<17))
		},
	}
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		for rotates, rotate := range map[string]func(*session.Session){
			"renewal":                  renew,
			"login":                    login("alice"),
			"login as somebody else":   login("mallory"),
			"a change and a renewal":   func(s *session.Session) { add("milk")(s); s.Renew() },
			"a renewal, then a change": func(s *session.Session) { s.Renew(); add("milk")(s) },
		} {
			for how, fail := range fails {
				b := s.browser()
				b.begin(loginWith("alice", "tea"))
				before, alive := b.token(), s.alive()
				a := b.serve(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
					rotate(s)
					fail(w, r, s)
				})
				if a.status != 0 && a.status < 500 || len(a.header["Set-Cookie"]) > 0 || b.token() != before {
					t.Errorf("%s, %s: answered %d with %q", rotates, how, a.status, a.header["Set-Cookie"])
				}
				b.sees("alice", "tea")
				if n := s.alive(); n != alive {
					t.Errorf("%s, %s: %d sessions alive, %d before", rotates, how, n, alive)
				}
			}
		}
	})
}

// The same if it is the store that fails, at each of the calls of a rotation:
// whichever way it went, the browser holds a session that is alive.
func TestARotationThatTheStoreFailsLosesNoSession(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 1)
		for n, calls := 0, 1; n < calls; n++ {
			b := s.browser()
			b.begin(loginWith("alice", "tea"))
			s.reset()
			i := 0
			s.failing(func(op string) error {
				if strings.HasPrefix(op, "sql ") || strings.HasPrefix(op, "cache ") {
					return nil
				}
				if i++; i == n+1 {
					return errors.New("the store is down")
				}
				return nil
			})
			a := b.visit(func(s *session.Session) { s.Renew(); _ = s.Load(context.Background()) })
			s.failing(nil)
			if calls = i; a.status != 200 && a.status != 503 {
				t.Errorf("call %d fails: answered %d", n+1, a.status)
			}
			b.sees("alice", "tea")
		}
	})
}

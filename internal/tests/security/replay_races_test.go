package security_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// An overlap is one request that is slow, and one that ends its session
// meanwhile, on another process.
type overlap struct {
	does  string
	slow  func(*session.Session)
	ends  string
	warm  bool // the cache has the session before
	calls int  // out: store calls of the slow request
}

func overlaps(e engine) (out []overlap) {
	for does, slow := range map[string]func(*session.Session){
		"a read": read, "a write": add("milk"), "a renewal": renew, "a login": login("alice"),
		"a write and a renewal": func(s *session.Session) { add("milk")(s); s.Renew() },
	} {
		for _, ends := range []string{"Destroy", "Revoke", "RevokeAll"} {
			if does == "a login" && ends != "Revoke" {
				continue // the token from before a login cannot end the new session; RevokeAll is for logins that were answered
			}
			for _, warm := range []bool{false, true} {
				if !warm || strings.HasPrefix(e.name, "cached_db") {
					out = append(out, overlap{does: does, slow: slow, ends: ends, warm: warm})
				}
			}
		}
	}
	return out
}

// restored stops the slow request before each of its store calls in turn, ends
// the session, lets the request go on, and returns what of the session was left.
func (o *overlap) restored(s *site) (left []string) {
	s.Helper()
	for n := 1; ; n++ {
		b := s.browser()
		id := b.begin(loginWith("alice", "tea"))
		if o.warm {
			b.sees("alice", "tea")
		}
		s.clock.advance(2 * time.Hour) // a touch is due
		thief, ender := b.thief(), b.thief().at(1)
		had := false
		stopped, goOn := b.halted(n, func(s *session.Session) { had = s.ID() != ""; o.slow(s) })
		var err error
		switch o.ends {
		case "Destroy":
			ender.visit(func(s *session.Session) { err = s.Destroy(context.Background()) }).want(200)
		case "Revoke":
			err = s.m[1].Revoke(s.Context(), id)
		default:
			_, err = s.m[1].RevokeAll(s.Context(), "alice")
		}
		if err != nil {
			left = append(left, fmt.Sprintf("%s: %v", o.ends, err))
		}
		a := goOn()
		if a.status != 200 && a.status != 409 {
			left = append(left, fmt.Sprintf("answered %d %s", a.status, a.body))
		}
		if !had { // it came too late to find the session: what it wrote begins another one
			b.visit(func(s *session.Session) {
				if slices.Contains(cart.Get(s), "tea") {
					left = append(left, fmt.Sprintf("%s found no session, and yet what was in it", o.does))
				}
				destroy(s)
			}).want(200)
		}
		for _, who := range []*browser{b, thief, ender} {
			if what := who.opens(); what != "" {
				left = append(left, fmt.Sprintf("%s, stopped before call %d, against %s: %s", o.does, n, o.ends, what))
			}
		}
		if k := s.alive(); k != 0 {
			left = append(left, fmt.Sprintf("%s, stopped before call %d, against %s: %d sessions are alive", o.does, n, o.ends, k))
		}
		if !stopped {
			o.calls = n - 1
			return left
		}
		if len(left) > 0 {
			return left
		}
	}
}

// CVE-2025-46336 (rack-session), CVE-2013-10075 (Apache::Session),
// keycloak#51127, dalli#1040, connect-redis#328, better-auth#11073, and the
// fill race of Django's cached_db: a request that is under way while its session
// is ended stores it again.
func TestADeletedSessionIsNotRestoredByALateWriter(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		runs := 0
		for _, o := range overlaps(e) {
			for _, what := range o.restored(s) {
				t.Error(what)
			}
			if runs += o.calls + 1; o.calls == 0 && !t.Failed() {
				t.Errorf("%s made no store call", o.does)
			}
		}
		t.Logf("%d interleavings", runs)
	})
}

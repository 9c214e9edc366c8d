package hostile_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// A scene is a site with a session that gets spoiled and one that must not
// notice, both of one principal, and a third of somebody else.
type scene struct {
	*site
	who                      string
	victim, beside, stranger *visitor
}

// scene makes one; the stranger is the same in all of a site.
func (s *site) scene(stranger *visitor) *scene {
	s.t.Helper()
	who := fmt.Sprint("bob", names.Add(1))
	return &scene{s, who, s.signIn(who), s.signIn(who), stranger}
}

// outcome is what became of the victim's session: absent, or not.
func (s *scene) outcome(what string) (absent bool) {
	s.t.Helper()
	_, n := s.events.since(0)
	a := s.ask("", s.victim.cookie())
	events, _ := s.events.since(n)
	if a.status != http.StatusOK || a.cookies != nil {
		s.t.Errorf("%s: answered %d %q with the cookies %q", what, a.status, a.body, a.cookies)
	}
	if a.view.ID != "" {
		if a.view.ID != s.victim.id {
			s.t.Errorf("%s: another session was found: %+v", what, a.view)
		}
		return false
	}
	kinds := []session.EventKind{session.EventUndecodable, session.EventExpired, session.EventUnknownToken}
	if len(events) != 1 || !slices.Contains(kinds, events[0].Kind) {
		s.t.Errorf("%s: the session is absent, and the events are %+v", what, events)
	}
	return true
}

// goesOn checks that all else goes on: the other sessions, lists, and the
// visitor's next login.
func (s *scene) goesOn(what string) {
	s.t.Helper()
	ctx := s.t.Context()
	s.beside.wantWhole()
	infos, err := s.m.List(ctx, s.who)
	if err != nil || !slices.ContainsFunc(infos, func(i session.Info) bool { return i.ID == s.beside.id }) {
		s.t.Errorf("%s: List: %v, %v", what, infos, err)
	}
	if err := s.m.RevokeFor(ctx, "carol", s.victim.id); err == nil {
		s.t.Errorf("%s: somebody else ended it", what)
	}
	again := &visitor{site: s.site, who: s.who}
	again.take(s.ask("user="+s.who, s.victim.cookie()))
	if a := s.ask("", again.cookie()); a.view.Principal != s.who {
		s.t.Errorf("%s: after the next login: %+v", what, a.view)
	}
	if a := s.ask("destroy=", s.victim.cookie()); a.status != http.StatusOK {
		s.t.Errorf("%s: sign-out: %d %q", what, a.status, a.body)
	}
	s.beside.wantWhole()
	if n, err := s.m.RevokeAll(ctx, s.who); n < 2 || err != nil {
		s.t.Errorf("%s: RevokeAll: %d, %v", what, n, err)
	}
	for _, v := range []*visitor{s.victim, s.beside, again} {
		if a := s.ask("", v.cookie()); a.status != http.StatusOK || a.view.ID != "" {
			s.t.Errorf("%s: after RevokeAll: %d %+v", what, a.status, a.view)
		}
	}
	s.stranger.wantWhole()
}

// works checks that purges and walks pass over whatever garbage is left.
func (s *site) works() {
	s.t.Helper()
	if _, err := s.m.Purge(s.t.Context()); err != nil {
		s.t.Errorf("Purge: %v", err)
	}
	walked := map[session.ID]bool{}
	for after := ""; ; {
		page, next, err := s.e.store.(session.Scanner).Scan(s.t.Context(), after, 1000)
		must(s.t, err)
		for _, r := range page {
			walked[r.ID] = true
		}
		if after = next; next == "" {
			break
		}
	}
	if last := s.signIn("carol"); s.records() == 0 || len(walked) == 0 {
		s.t.Errorf("a walk found nothing beside %q", last.id)
	}
}

// A spoil is garbage in place of what is stored.
type spoil struct {
	what string
	do   func(v *visitor) (done bool) // false: the server refuses it
}

// A vault is where the records of an engine can be seen, and put back.
type vault interface {
	same(v *visitor) string           // what is stored now
	keep(v *visitor) (restore func()) // puts back what is stored now
}

// every is how many spoils share a scene, at the end of which all must go on.
const every = 10

// checkSpoils tries each, and wants so many of the sessions absent.
func checkSpoils(t *testing.T, e engine, in vault, spoils []spoil, least int) {
	t.Helper()
	s, absent, refused := open(t, e), 0, 0
	stranger := s.signIn("carol")
	var sc *scene
	var restore func()
	for i, sp := range spoils {
		if sc == nil {
			sc = s.scene(stranger)
			restore = in.keep(sc.victim)
		}
		if !sp.do(sc.victim) {
			refused++
			continue
		}
		before := in.same(sc.victim)
		if sc.outcome(sp.what) {
			absent++
			if after := in.same(sc.victim); after != before {
				t.Errorf("%s: a read changed %.300s to %.300s", sp.what, before, after)
			}
		} else if a := s.ask("add=milk", sc.victim.cookie()); a.status != http.StatusOK || a.cookies != nil {
			t.Errorf("%s: the session is there, but a write is answered %d with the cookies %q", sp.what, a.status, a.cookies)
		}
		if i%every == 0 {
			sc.goesOn(sp.what)
			sc = nil
		} else {
			sc.beside.wantWhole()
			restore()
			sc.victim.wantWhole()
		}
		if t.Failed() {
			return
		}
	}
	s.works()
	stranger.wantWhole()
	if absent < least {
		t.Errorf("of %d spoiled sessions, %d are absent and %d could not be spoiled; want %d absent", len(spoils), absent, refused, least)
	}
	t.Logf("%d spoiled, %d absent, %d refused by the server", len(spoils)-refused, absent, refused)
}

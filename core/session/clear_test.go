package session_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestASignOutClearsWhatTheOptionsSay(t *testing.T) {
	for want, o := range map[string]session.Options{
		"":                   {},
		`"cache"`:            {ClearSiteData: []string{"cache"}},
		`"cache", "storage"`: {ClearSiteData: []string{"cache", "storage"}},
	} {
		s := newSite(t, o)
		for how, signOut := range map[string]func(w http.ResponseWriter, s *session.Session){
			"alone":              func(_ http.ResponseWriter, s *session.Session) { destroy(s) },
			"and begins anew":    func(_ http.ResponseWriter, s *session.Session) { destroy(s); s.Flash("info", "Signed out.") },
			"and fails":          func(w http.ResponseWriter, s *session.Session) { destroy(s); w.WriteHeader(http.StatusBadGateway) },
			"and cannot go on":   func(_ http.ResponseWriter, s *session.Session) { destroy(s); s.Login("") },
			"and answers a page": func(w http.ResponseWriter, s *session.Session) { destroy(s); _, _ = w.Write([]byte("bye")) },
		} {
			b := s.browser()
			b.visit(login("alice")).want(200)
			a := b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { signOut(w, s) })
			if got := strings.Join(a.header["Clear-Site-Data"], "|"); got != want {
				t.Errorf("a sign-out %s has Clear-Site-Data %s, want %s", how, got, want)
			}
		}
	}
}

func TestOnlyASignOutClears(t *testing.T) {
	s := newSite(t, session.Options{ClearSiteData: []string{"storage"}})
	b := s.browser()
	never := func(what string, a answer) {
		t.Helper()
		if got := a.header["Clear-Site-Data"]; len(got) > 0 {
			t.Errorf("%s has Clear-Site-Data %q", what, got)
		}
	}
	never("a sign-out of nobody", b.visit(destroy).want(200))
	never("a login", b.visit(login("alice")).want(200))
	never("a read", b.visit(read).want(200))
	never("a renewal", b.visit(renew).want(200))
	s.store.always(failBefore)
	never("a sign-out that failed", b.visit(destroy).want(503))
}

func TestNewRefusesToClearWhatIsNotItsOwn(t *testing.T) {
	for what, says := range map[string]string{"cookies": "all hosts of the domain", "*": "all hosts of the domain", "caches": "give some of cache, storage", "": "give some of", "cache\"": "give some of"} {
		if _, err := session.New(session.Options{ClearSiteData: []string{"storage", what}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error that says %q", what, err, says)
		}
	}
}

package session

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// clearable is what Options.ClearSiteData may name.
var clearable = []string{"cache", "storage", "executionContexts", "clientHints"}

// checkClearable refuses what a sign-out cannot have cleared.
func checkClearable(types []string) error {
	for _, t := range types {
		switch {
		case t == "cookies" || t == "*":
			return fmt.Errorf("session: Options.ClearSiteData has %q, which takes the cookies of all hosts of the domain, a new session's included: "+
				"leave it out, Destroy removes the session's cookie", t)
		case !slices.Contains(clearable, t):
			return fmt.Errorf("session: Options.ClearSiteData has %q: give some of %s", t, strings.Join(clearable, ", "))
		}
	}
	return nil
}

// clearSiteData sets the header of that name if the response signs out.
func (x *Exchange) clearSiteData(h http.Header) {
	types := x.s.m.opts.ClearSiteData
	if len(types) == 0 || !x.s.signedOut() {
		return
	}
	h.Set("Clear-Site-Data", `"`+strings.Join(types, `", "`)+`"`)
}

func (s *Session) signedOut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

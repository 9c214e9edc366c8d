package adaptertest

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

var (
	visits = session.NewKey[int]("visits")
	note   = session.NewKey[string]("note")
)

// defaultName is the cookie of a manager without a name of its own.
const defaultName = "session"

// Visit counts a visit in the request's session. Native handlers call it before
// they write.
func Visit(ctx context.Context) {
	visits.Update(session.From(ctx), func(n int) int { return n + 1 })
}

// visited counts a visit before the handler runs.
func visited(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		Visit(r.Context())
		h(w, r)
	}
}

// showVisits answers with who is logged in and the number of visits.
func showVisits(w http.ResponseWriter, r *http.Request) {
	s := session.From(r.Context())
	_, _ = fmt.Fprintf(w, "%s:%d", s.Principal(), visits.Get(s))
}

// login signs "alice" in.
func login(w http.ResponseWriter, r *http.Request) {
	session.From(r.Context()).Login("alice")
	_, _ = io.WriteString(w, "hello")
}

// nothing is a handler that does nothing.
func nothing(http.ResponseWriter, *http.Request) {}

// withVisits is a site with the routes that most tests need: /visit counts,
// /show tells the count, /login signs in.
func withVisits(s *site) *site {
	s.handle("/visit", visited(nothing))
	s.handle("/show", showVisits)
	s.handle("/login", login)
	return s
}

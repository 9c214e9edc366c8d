// Package chisession gives a Chi application sessions: r.Use(chisession.New(sessions)).
//
// Handlers get the session with From, or with session.From(r.Context()). It is
// saved just before the response header leaves; what that means is in the
// documentation of package session. middleware.Recoverer may stand on either side.
//
// Chi's router hands on a copy of each request, where net/http does not look for
// the files of an upload: as in any Chi application, a handler that parses one
// removes them by r.MultipartForm.RemoveAll.
package chisession

import (
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

// New returns middleware that gives each request a session of m. It may be
// installed for the whole router, for a group or for a route, and together with
// the middleware of other managers; twice on one path it runs once. Chi is
// plain net/http, so it is m.Handler.
func New(m *session.Manager) func(http.Handler) http.Handler {
	return m.Handler
}

// From returns the session of the request, of the innermost manager if there
// are several (m.From(r.Context()) is that of manager m). It panics without the
// middleware.
func From(r *http.Request) *session.Session {
	return session.From(r.Context())
}

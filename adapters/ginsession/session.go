// Package ginsession gives a Gin application sessions: r.Use(ginsession.New(sessions)).
//
// Handlers get the session with From. It is saved just before the response
// header leaves; what that means is in the documentation of package session.
//
// Register it before (outside of) middleware that turns the errors of handlers
// into responses after c.Next, so that it sees their status: a response with a
// status of 500 or above keeps no changes. gin.Recovery may stand on either side.
package ginsession

import (
	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/core/session"
)

// New returns middleware that gives each request a session of m. It may be
// installed for the whole engine, for a group or for a route, and together with
// the middleware of other managers; twice on one path it runs once.
//
// It replaces c.Writer and c.Request, and leaves them so: what outer
// middleware writes later, such as the response to a panic, is known as well.
func New(m *session.Manager) gin.HandlerFunc {
	return func(c *gin.Context) {
		x := m.Begin(c.Writer, c.Request)
		if x == nil {
			resume(c, m)
			c.Next()
			return
		}
		w := &writer{ResponseWriter: c.Writer, x: x}
		if w.Written() {
			x.Commit(w.Status()) // too late for a cookie
		}
		x.Replaced = func(int) { w.ResponseWriter.WriteHeaderNow() }
		c.Writer = w
		c.Request = remember(x.Request(), m, w)
		defer func() { x.Release(c.Request) }()
		defer x.Abort()
		if !x.Preload() {
			c.Abort()
			return
		}
		c.Next()
		x.Finish(w.Status())
	}
}

// From returns the session of the request, of the innermost manager if there
// are several (m.From(c.Request.Context()) is that of manager m). It panics
// without the middleware. It is safe for a copy of the context (c.Copy) as well.
func From(c *gin.Context) *session.Session {
	return session.From(c.Request.Context())
}

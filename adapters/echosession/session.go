// Package echosession gives an Echo application sessions: e.Use(echosession.New(sessions)).
//
// Handlers get the session with From. It is saved just before the response
// header leaves; what that means is in the documentation of package session.
//
// If a handler returns an error, the session waits for the response that the
// error handler (Echo.HTTPErrorHandler) writes: with a status of 500 or above
// no changes are kept, below it they are. An error handler that writes nothing
// drops them. middleware.Recover may stand on either side.
package echosession

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/seshat-go/seshat/core/session"
)

// New returns middleware that gives each request a session of m. It may be
// installed for the whole application, for a group or for a route, and together
// with the middleware of other managers; twice on one path it runs once.
//
// It replaces the request and Response().Writer, and leaves them so: the error
// handler, which writes last, is known as well.
func New(m *session.Manager) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			res := c.Response()
			x := m.Begin(res.Writer, c.Request())
			if x == nil {
				return next(c)
			}
			if res.Committed {
				x.Commit(res.Status) // too late for a cookie
			}
			x.Replaced = func(status int) {
				sent(res, status)
				sent(c.Response(), status) // another one, after echo.WrapMiddleware
			}
			res.Writer = x.Writer()
			c.SetRequest(x.Request())
			defer func() { x.Release(c.Request()) }()
			return run(c, x, next)
		}
	}
}

func run(c echo.Context, x *session.Exchange, next echo.HandlerFunc) error {
	returned := false
	defer func() {
		if !returned {
			x.Abort()
		}
	}()
	if !x.Preload() {
		returned = true
		return nil
	}
	err := next(c)
	returned = true
	if err == nil || x.Committed() {
		x.Finish(http.StatusOK) // which net/http sends if nothing was written
	}
	return err
}

// sent makes Echo's response tell what was sent in place of the handler's.
func sent(res *echo.Response, status int) {
	res.Status, res.Committed = status, true
}

// From returns the session of the request, of the innermost manager if there
// are several (m.From(c.Request().Context()) is that of manager m). It panics
// without the middleware.
func From(c echo.Context) *session.Session {
	return session.From(c.Request().Context())
}

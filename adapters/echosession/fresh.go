package echosession

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seshat-go/seshat/core/session"
)

// RequireFresh is [session.RequireFresh] for Echo, a gate for sensitive pages, for a route or a
// group inside New: the handler runs only if the principal has authenticated at
// most d ago. Otherwise Options.ErrorHandler answers with session.ErrNotFresh,
// and Echo's error handler is not asked.
func RequireFresh(d time.Duration) echo.MiddlewareFunc {
	gate := session.RequireFresh(d)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			fresh := false
			gate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fresh = true })).ServeHTTP(c.Response(), c.Request())
			if !fresh {
				return nil
			}
			return next(c)
		}
	}
}

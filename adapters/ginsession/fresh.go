package ginsession

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/core/session"
)

// RequireFresh is [session.RequireFresh] for Gin, a gate for sensitive pages, for a route or a
// group inside New: the handlers after it run only if the principal has
// authenticated at most d ago. Otherwise Options.ErrorHandler answers with
// session.ErrNotFresh, and the chain is aborted.
func RequireFresh(d time.Duration) gin.HandlerFunc {
	gate := session.RequireFresh(d)
	return func(c *gin.Context) {
		fresh := false
		gate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fresh = true })).ServeHTTP(c.Writer, c.Request)
		if !fresh {
			c.Abort()
		}
	}
}

package chisession

import (
	"net/http"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// RequireFresh is a gate for sensitive pages, for a route or a group inside New:
// the handler runs only if the principal has authenticated at most d ago.
// Otherwise Options.ErrorHandler answers with session.ErrNotFresh. Chi is plain
// net/http, so it is session.RequireFresh.
func RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return session.RequireFresh(d)
}

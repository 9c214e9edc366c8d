package session

import (
	"fmt"
	"io"
)

// A session and what it belongs to hold the token and the request's cookies in
// fields that fmt would print. So they print as their names, whatever the verb.

// Format implements [fmt.Formatter]: a session prints as its type, since it
// knows its token. Log s.ID() instead.
func (s *Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Session") }

// Format implements [fmt.Formatter]: an exchange prints as its type, since it
// holds the request.
func (x *Exchange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Exchange") }

// Format implements [fmt.Formatter]: a response writer prints as its type.
func (w *responseWriter) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "session.responseWriter")
}

// Format implements [fmt.Formatter]: the context of a request prints as its type.
func (c *sessionContext) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.Context") }

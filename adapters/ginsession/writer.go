package ginsession

import (
	"bufio"
	"context"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/core/session"
)

// writer commits the session before Gin sends the header. Once the error
// handler has answered, it discards what the handler writes. Status, Size and
// Written are those of Gin's writer below, and tell what was sent.
type writer struct {
	gin.ResponseWriter
	x *session.Exchange
}

var _ gin.ResponseWriter = (*writer)(nil)

// commit is to be called before the header leaves. False means to discard.
func (w *writer) commit() bool {
	status := w.Status()
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		status = http.StatusOK // Gin takes an informational status for the last one; net/http adds the 200
	}
	return w.x.Commit(status)
}

func (w *writer) Header() http.Header { return w.x.Writer().Header() }

func (w *writer) WriteHeaderNow() {
	if w.commit() {
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.commit() {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *writer) WriteString(s string) (int, error) {
	if !w.commit() {
		return len(s), nil
	}
	return w.ResponseWriter.WriteString(s)
}

// Flush sends what there is: of the error handler, if that has answered.
func (w *writer) Flush() {
	w.commit()
	w.ResponseWriter.Flush()
}

// Hijack fails if the session needs a cookie, which a hijacked connection
// cannot carry.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.x.Writer()).Hijack()
}

// Unwrap serves http.ResponseController for all else.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// key finds, in the context of a request, the writer of a manager.
type key struct{ m *session.Manager }

func remember(r *http.Request, m *session.Manager, w *writer) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{m}, w))
}

// resume puts the writer back into a context that Engine.HandleContext has
// reset, so that it is Gin's own again. Elsewhere it does nothing.
func resume(c *gin.Context, m *session.Manager) {
	if w, ok := c.Request.Context().Value(key{m}).(*writer); ok && c.Writer == w.ResponseWriter {
		c.Writer = w
	}
}

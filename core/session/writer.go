package session

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// responseWriter commits the session before the header leaves. Once the error
// handler has answered, it discards what the handler writes.
type responseWriter struct {
	raw http.ResponseWriter
	x   *Exchange
}

var (
	_ http.Flusher    = (*responseWriter)(nil)
	_ http.Hijacker   = (*responseWriter)(nil)
	_ io.ReaderFrom   = (*responseWriter)(nil)
	_ io.StringWriter = (*responseWriter)(nil)
)

func (w *responseWriter) Header() http.Header {
	if w.x.replaced {
		return http.Header{} // of a response that nobody will see
	}
	return w.raw.Header()
}

func (w *responseWriter) WriteHeader(status int) {
	if w.x.Commit(status) {
		w.raw.WriteHeader(status)
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	if !w.x.Commit(http.StatusOK) {
		return len(b), nil
	}
	return w.raw.Write(b)
}

func (w *responseWriter) WriteString(s string) (int, error) {
	if !w.x.Commit(http.StatusOK) {
		return len(s), nil
	}
	return io.WriteString(w.raw, s)
}

// ReadFrom lets net/http use sendfile. As there, the header does not leave before
// the first bytes have come: until then the handler may answer otherwise.
func (w *responseWriter) ReadFrom(r io.Reader) (n int64, err error) {
	if !w.x.committed {
		n, err = io.Copy(struct{ io.Writer }{w}, io.LimitReader(r, firstBytes))
		if err != nil || n < firstBytes {
			return n, err
		}
	}
	to := io.Writer(w.raw)
	if w.x.replaced {
		to = io.Discard
	}
	rest, err := io.Copy(to, r)
	return n + rest, err
}

// firstBytes is what net/http wants to see of a body to tell its content type.
const firstBytes = 512

func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController looks for. If the error handler has
// answered, that is what it flushes.
func (w *responseWriter) FlushError() error {
	if !can[http.Flusher](w.raw) && !can[interface{ FlushError() error }](w.raw) {
		return http.ErrNotSupported // before a commit: no header leaves
	}
	w.x.Commit(http.StatusOK)
	return http.NewResponseController(w.raw).Flush()
}

// Hijack commits first. It fails if the session needs a cookie, which a
// hijacked connection cannot carry.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !can[http.Hijacker](w.raw) {
		return nil, nil, http.ErrNotSupported // before a commit, as above
	}
	if err := w.x.canHijack(); err != nil {
		return nil, nil, err
	}
	first := !w.x.committed
	if !w.x.Commit(http.StatusSwitchingProtocols) {
		return nil, nil, w.x.failed
	}
	conn, buffered, err := http.NewResponseController(w.raw).Hijack()
	if first && errors.Is(err, http.ErrNotSupported) { // a writer that promised more than it wraps
		w.x.reopen()
	}
	return conn, buffered, err
}

// can tells whether w, or a writer that it wraps, is a T.
func can[T any](w http.ResponseWriter) bool {
	for {
		if _, ok := w.(T); ok {
			return true
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = outer.Unwrap()
	}
}

// CloseNotify serves frameworks that rely on the deprecated
// http.CloseNotifier, as Gin's Context.Stream does.
func (w *responseWriter) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(w.x.req.Context(), func() { gone <- true })
	return gone
}

// Unwrap serves http.ResponseController for all else.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.raw }

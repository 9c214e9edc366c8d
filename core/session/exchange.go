package session

import (
	"errors"
	"maps"
	"net/http"
)

// An Exchange takes one request through a manager. It is for adapters;
// applications use an adapter or [Manager.Handler], which reads:
//
//	x := m.Begin(w, r)
//	if x == nil { // this manager is already on the path
//		next.ServeHTTP(w, r)
//		return
//	}
//	defer x.Release(x.Request())
//	defer x.Abort() // after a panic; nothing after Finish
//	if !x.Preload() {
//		return
//	}
//	next.ServeHTTP(x.Writer(), x.Request())
//	x.Finish(http.StatusOK)
//
// An adapter with a response writer of its own calls Commit before the header
// leaves, and discards what the handler writes once Commit has returned false.
// Its methods are called by the request's goroutine.
type Exchange struct {
	ctx     sessionContext
	s       Session
	w       responseWriter
	req     *http.Request
	served  *http.Request // as Begin got it
	headers http.Header   // from before the handler, if there were any

	// Replaced is called with the status that the error handler sent in place
	// of the handler's, for frameworks that keep a status of their own.
	Replaced func(status int)

	committed bool
	replaced  bool // by the error handler's response
	dropped   bool // the response fails, so it changes nothing
	ended     bool
	failed    error
	inner     []string // Set-Cookie lines of managers further in
	vary      [1]string
}

// Begin takes up a request. It does no I/O and reads nothing of the request.
// It returns nil if this manager already handles the request.
func (m *Manager) Begin(w http.ResponseWriter, r *http.Request) *Exchange {
	outer, _ := Lookup(r.Context())
	if outer.of(m) != nil {
		return nil
	}
	x := &Exchange{}
	x.s.m = m
	x.s.outer = outer
	x.s.x = x
	x.s.started = m.opts.Clock()
	x.ctx = sessionContext{r.Context(), &x.s}
	x.req, x.served = r.WithContext(&x.ctx), r
	x.w = responseWriter{raw: w, x: x}
	if h := w.Header(); len(h) > 0 {
		x.headers = h.Clone()
	}
	return x
}

// Request returns the request to hand on: its context has the session.
func (x *Exchange) Request() *http.Request { return x.req }

// Writer returns the response writer to hand on: it commits before the header
// leaves, and keeps Flush, Hijack and ReadFrom, also through
// http.ResponseController.
func (x *Exchange) Writer() http.ResponseWriter { return &x.w }

// Session returns the request's session.
func (x *Exchange) Session() *Session { return &x.s }

// Preload loads the session if Options.Preload says so. False means that the
// store could not be asked and the response has been written: do not call the
// handler.
func (x *Exchange) Preload() bool {
	if !x.s.m.opts.Preload {
		return true
	}
	err := x.s.Load(x.req.Context())
	if err == nil {
		return true
	}
	x.committed = true
	x.s.closeHeader()
	x.replace(err)
	x.ended = true
	return false
}

// Commit saves the session and writes its headers; to be called just before
// the response header leaves with the given status. From 500 on, pending
// changes are dropped. Informational statuses other than 101 do nothing.
//
// False means that the session could not be saved or loaded, and the response
// of Options.ErrorHandler has been sent in place of the handler's: whatever the
// handler writes now must be discarded. Later calls repeat the answer.
func (x *Exchange) Commit(status int) bool {
	if x.committed || (status < 200 && status != http.StatusSwitchingProtocols) {
		return !x.replaced
	}
	x.dropped = status >= 500 || x.ended
	switch {
	case x.s.closeUnused():
		x.committed = true
		return true
	case x.dropped:
		x.s.discard()
	default:
		x.failed = x.s.commit(x.req.Context())
	}
	x.committed = true // not before: after a panic in there it is tried again, and fails
	x.s.closeHeader()
	if x.failed != nil {
		x.replace(x.failed)
		return false
	}
	x.writeHeaders()
	return true
}

// Committed tells whether the header has left, or is about to.
func (x *Exchange) Committed() bool { return x.committed }

// Finish ends the exchange after the handler has returned. If the header has
// not left yet, status is what it will leave with (an informational one is not
// the last: net/http adds 200); else changes that were made since are saved, as
// far as they need no cookie.
func (x *Exchange) Finish(status int) {
	if x.ended {
		return
	}
	if !x.committed {
		if status < 200 {
			status = http.StatusOK
		}
		x.Commit(status)
	} else if !x.replaced && !x.dropped {
		x.s.saveLate(x.req.Context())
	}
	x.ended = true
}

// Abort drops pending changes: the handler panicked. It has no effect after
// Finish. A response that is written later, by a recovery middleware, changes nothing.
func (x *Exchange) Abort() {
	if x.ended {
		return
	}
	x.ended = true
	x.s.discard()
	if !x.committed {
		x.writeHeaders() // of what Save and Destroy have done, for a recovery further out
	}
}

// Release gives an upload back to net/http, which removes its files after the
// handler, but looks for them in the request that it made. r is the request on
// which the form was parsed: what Request returned, or the framework's copy of it.
// To be deferred, so that it comes after everything else.
func (x *Exchange) Release(r *http.Request) {
	if x.served.MultipartForm == nil {
		x.served.MultipartForm = r.MultipartForm
	}
}

// writeHeaders puts into the response header what the session needs there.
func (x *Exchange) writeHeaders() {
	h := x.w.raw.Header()
	if x.s.wasAccessed() {
		x.varyCookie(h)
	}
	x.clearSiteData(h)
	if c := x.s.cookie(); c != nil {
		putCookie(h, c)
		x.varyCookie(h)
		noStore(h)
		for outer := x.s.outer; outer != nil; outer = outer.outer {
			outer.x.inner = append(outer.x.inner, c.String())
		}
	}
}

// replace sends the error handler's response in place of the handler's. A new
// cookie goes out with it where the browser would lose its session otherwise.
func (x *Exchange) replace(err error) {
	x.replaced = true
	h := x.w.raw.Header()
	clear(h)
	maps.Copy(h, x.headers)
	for _, line := range x.inner {
		h.Add("Set-Cookie", line)
	}
	x.writeHeaders()
	noStore(h)
	sent := &statusWriter{ResponseWriter: x.w.raw}
	x.s.m.opts.ErrorHandler(sent, x.req, err)
	if sent.status == 0 {
		sent.WriteHeader(http.StatusInternalServerError)
	}
	if x.Replaced != nil {
		x.Replaced(sent.status)
	}
}

// canHijack refuses to give the connection away while the browser still needs
// a cookie, which only a response header can carry.
func (x *Exchange) canHijack() error {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if !x.committed && x.s.needsCookie() {
		return errors.Join(ErrHeaderSent, errors.New("session: write the header with status 101 before Hijack, or change the session in an earlier request"))
	}
	return nil
}

// reopen takes Commit back: the header has not left after all. What was saved
// stays so.
func (x *Exchange) reopen() {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.committed, x.s.headerSent = false, false
}

// statusWriter remembers which status was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

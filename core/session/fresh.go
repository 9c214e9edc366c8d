package session

import (
	"net/http"
	"time"
)

// RequireFresh returns a gate for sensitive pages (OWASP ASVS 5.0, 7.5.1): its
// handler runs only if the session, of the innermost manager on the request's
// path, is Fresh(d). Install it inside the middleware that gives the session; without
// that it panics as From does.
//
// Otherwise Options.ErrorHandler answers with ErrNotFresh: the place from which to
// redirect to the page that asks for the password, and where that then calls
// Reauthenticate, or Login if nobody is signed in. The error handler may use the
// session here, to keep where the user wanted to go: it is a handler in place of the
// one behind the gate, with whatever headers were set before. If the store cannot be asked
// it answers with ErrUnavailable, as for any read.
//
// Either answer has `Vary: Cookie` and `Cache-Control: no-store`; the handler behind the
// gate may set the latter otherwise.
func RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return gate(d, func(r *http.Request) *Session { return From(r.Context()) })
}

// RequireFresh is the gate for this manager's sessions, also where another manager is
// installed further in.
func (m *Manager) RequireFresh(d time.Duration) func(http.Handler) http.Handler {
	return gate(d, func(r *http.Request) *Session { return m.From(r.Context()) })
}

func gate(d time.Duration, of func(*http.Request) *Session) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := of(r)
			noStore(w.Header())
			switch {
			case s.Fresh(d):
				next.ServeHTTP(w, r)
			case s.loadFailure() == nil:
				s.notFresh(w, r)
			} // else the answer is that of a session that could not be loaded
		})
	}
}

// notFresh answers in place of the handler behind the gate.
func (s *Session) notFresh(w http.ResponseWriter, r *http.Request) {
	s.m.event(r.Context(), Event{Kind: EventNotFresh, ID: s.ID(), Principal: s.Principal(), Op: "gate"})
	sent := &statusWriter{ResponseWriter: w}
	s.m.opts.ErrorHandler(sent, r, ErrNotFresh)
	if sent.status == 0 { // net/http would make it a success
		sent.WriteHeader(http.StatusInternalServerError)
	}
}

// Fresh tells whether the principal has authenticated, by Login or Reauthenticate, at
// most d ago, by the engine's clock; at exactly d it still has, as with max_age of OpenID
// Connect and RFC 9470. Nobody is never fresh, and nothing is for a d of 0 or below.
//
// A login that the clock of another process puts into the future counts if it is at
// most d ahead; further off, nobody can tell how old it is. Clocks that differ
// make the answer wrong by as much.
func (s *Session) Fresh(d time.Duration) bool {
	s.lock()
	defer s.mu.Unlock()
	switch {
	case d <= 0 || s.principal() == "":
		return false
	case s.login != "":
		return true // it is being answered at this moment
	}
	age := s.m.now().Sub(s.base.rec.Authenticated)
	return age.Abs() <= d
}

// Reauthenticate tells that the principal has proved again who it is, before something
// sensitive: the password was asked for once more, and was right. As with Login, the session
// gets a new token when the response is sent, the old one is worth nothing, AuthenticatedAt
// is that moment, and Options.Lifetime and the idle timeout begin anew (NIST SP 800-63B-4,
// section 5.2). Values, the idle timeout and whether the cookie outlives the browser stay as
// they are, and so does CreatedAt; a lifetime of its own must be set again.
//
// It signs nobody in. If nobody is signed in, Err and Options.ErrorHandler tell
// ErrNotFresh. If the session has ended, or a parallel request has given it another
// token, it is ErrSessionEnded as for any write, where Login would begin a new session.
func (s *Session) Reauthenticate() {
	s.lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil || s.login != "":
	case s.status == moved:
		s.err = ErrSessionEnded
	case s.principal() == "":
		s.err = ErrNotFresh
	default:
		s.login, s.renew, s.same = s.principal(), true, true
	}
}

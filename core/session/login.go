package session

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// Login sets the principal: the application's user ID, of 1 to 256 bytes of
// UTF-8 without NUL. When the response is sent the session gets a new token and
// a new lifetime, and the old token is worth nothing (OWASP ASVS 5.0, 7.2.4).
// What an anonymous visitor collected is kept, and so is everything when the
// same principal logs in again; as another principal nothing is carried over.
//
// A response with a status of 500 or above drops the login with all changes.
func (s *Session) Login(principal string) {
	s.lock()
	defer s.mu.Unlock()
	switch {
	case principal == "" || len(principal) > MaxPrincipal:
		s.invalid("the principal given to Login has %d bytes; it has 1 to %d", len(principal), MaxPrincipal)
		return
	case !utf8.ValidString(principal) || strings.IndexByte(principal, 0) >= 0:
		s.invalid("the principal given to Login is not UTF-8 without NUL")
		return
	case s.err != nil:
		return
	}
	if was := s.principal(); was != "" && was != principal {
		s.ops, s.clean = nil, true
		s.cur = s.m.blank()
	}
	s.login, s.renew, s.same = principal, true, false
}

// Renew gives the session a new token when the response is sent; to be called
// when the user's rights change. Data, principal and times stay. It does nothing for a session
// that is not stored yet.
func (s *Session) Renew() {
	s.lock()
	defer s.mu.Unlock()
	if s.err == nil && (s.status == live || s.status == moved) {
		s.renew = true
	}
}

// Destroy ends the session at once, on every tier, and makes the response
// remove the cookie: sign-out. Nothing that runs meanwhile brings it back. If the
// browser sent several session cookies, the sessions of all are ended. The
// session is empty then; what is set later begins a new one.
//
// An error means that the session may still be there: it is kept in Err as
// well, and the response becomes that of Options.ErrorHandler.
func (s *Session) Destroy(ctx context.Context) error {
	s.io.Lock()
	defer s.io.Unlock()
	s.loadOnce(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accessed = true
	s.forget()
	if s.status == failed {
		s.err = s.loadErr
		return s.err
	}
	id, was, base := s.id, s.status, s.base.rec
	ended, err := s.endUnlocked(ctx, id, was, base, s.rest)
	if errors.Is(err, ErrPending) {
		s.m.event(ctx, Event{Kind: EventPending, ID: id, Principal: base.Principal, Op: "destroy", Err: err})
		err = nil
	}
	if err != nil {
		s.err = err
		return err
	}
	if ended {
		s.m.event(ctx, Event{Kind: EventDestroyed, ID: id, Principal: base.Principal})
	}
	if s.status = none; (was == live || was == moved) && !ended {
		s.status = moved // the browser has a newer token: leave it its cookie
	} else if len(s.x.req.CookiesNamed(s.m.opts.Cookie.Name)) > 0 {
		s.drop, s.ended = true, true
	}
	s.sendCookie = false
	s.token, s.id, s.rest = token{}, "", nil
	s.base = s.m.blank()
	s.forget() // also what another goroutine of the request has changed meanwhile
	return nil
}

// endUnlocked ends the session in the store without holding mu. A renewal that
// came before is still this session. Not so a login, since whoever has the token
// from before it must not reach the new session.
func (s *Session) endUnlocked(ctx context.Context, id ID, was status, base Record, others []rest) (ended bool, err error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	switch {
	case was == live:
		ended, err = s.m.end(ctx, id, base.Version, func(_, next *Record) bool { return next.Principal == base.Principal })
	case was == moved && id != "":
		ended, err = s.m.end(ctx, id, 0, func(mark, next *Record) bool {
			return s.m.now().Before(mark.Expires) && next.Authenticated.Equal(mark.Authenticated)
		})
	}
	for _, o := range others { // other cookies of this browser: it would be signed in by them next
		gone, oerr := s.m.end(ctx, o.id, o.version, func(_, next *Record) bool { return next.Principal == o.principal })
		if gone {
			s.m.event(ctx, Event{Kind: EventDestroyed, ID: o.id, Principal: o.principal})
		}
		if oerr != nil && (err == nil || errors.Is(err, ErrPending)) { // a session that may still be there weighs more
			err = oerr
		}
	}
	return ended, err
}

// blank is the state of a session that is not stored.
func (m *Manager) blank() state {
	now := m.now()
	rec := Record{
		LifetimeEnd: now.Add(m.opts.Lifetime),
		IdleTimeout: m.opts.IdleTimeout,
		Persistent:  !m.opts.Cookie.BrowserSession,
	}
	return state{rec, values{codec: m.opts.Codec}}
}

package session

import (
	"context"
	"fmt"
)

type contextKey struct{}

// sessionContext is a request's context with the session in it.
type sessionContext struct {
	context.Context
	s *Session
}

func (c *sessionContext) Value(key any) any {
	if key == (contextKey{}) {
		return c.s
	}
	return c.Context.Value(key)
}

// apart is a context without the session: for stores and Events, which must not
// use it, since they run while it is locked.
type apart struct{ context.Context }

func (c apart) Value(key any) any {
	if key == (contextKey{}) {
		return nil
	}
	return c.Context.Value(key)
}

// From returns the session of the innermost manager on the request's path. It
// panics if there is none: the middleware is missing.
func From(ctx context.Context) *Session {
	s, ok := Lookup(ctx)
	if !ok {
		panic("session: no session in the context: install the middleware before this handler " +
			"(ginsession.New, echosession.New, chisession.New, or Manager.Handler), and pass the request's own context")
	}
	return s
}

// Lookup is From for code that may run without the middleware.
func Lookup(ctx context.Context) (*Session, bool) {
	s, ok := ctx.Value(contextKey{}).(*Session)
	return s, ok
}

// From returns this manager's session, also where another manager is installed
// further in. It panics if the manager is not on the request's path.
func (m *Manager) From(ctx context.Context) *Session {
	s, ok := m.Lookup(ctx)
	if !ok {
		panic(fmt.Sprintf("session: no session of the manager with cookie %q in the context: install its middleware before this handler, "+
			"and pass the request's own context", m.opts.Cookie.Name))
	}
	return s
}

// Lookup is From for code that may run without the middleware.
func (m *Manager) Lookup(ctx context.Context) (*Session, bool) {
	s, _ := Lookup(ctx)
	s = s.of(m)
	return s, s != nil
}

// of returns the session of a manager on the path that s, which may be nil, is
// the innermost one of; nil if it is not there.
func (s *Session) of(m *Manager) *Session {
	for s != nil && s.m != m {
		s = s.outer
	}
	return s
}

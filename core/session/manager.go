package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A Manager keeps the sessions of one application, or of one part of it, under
// one cookie name. It is safe for concurrent use. It starts no goroutine and
// holds nothing that must be closed; the store is the application's to close.
type Manager struct {
	opts  Options
	store Store
	// saved and fresh are the store's Load and LoadFresh, save its Update.
	saved, fresh func(context.Context, ID) (Record, error)
	save         func(context.Context, ID, Record, uint64) error
	calls        CallObserver // nil: nobody observes them
	// cached: fresh asks the truth, and the store's Load perhaps a cache.
	cached bool
	queue  queue
	// touches are those under way: parallel requests of one session need only one.
	touches sync.Map // from touched to *touching
}

// New returns a manager, or an error that says which option is wrong. It does
// no I/O.
func New(o Options) (*Manager, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if v, ok := o.Store.(Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, fmt.Errorf("session: Options.Store: %w", err)
		}
	}
	if v, ok := o.Events.(Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, fmt.Errorf("session: Options.Events: %w", err)
		}
	}
	if o.Store == nil {
		o.Logger.Warn("session: sessions are kept in the memory of this process: they end when it does, and are not shared with other processes. Set Options.Store for production.")
		o.Store = NewMemoryStore(MemoryOptions{})
	}
	if err := o.checkMaxSessions(); err != nil {
		return nil, err
	}
	if o.Insecure {
		o.Logger.Warn("session: Options.Insecure is on: the session cookie goes over plain http, where anybody on the way can take it. For development only.")
	}
	m := &Manager{opts: o, store: o.Store, saved: o.Store.Load, fresh: o.Store.Load, save: o.Store.Update}
	m.calls, _ = o.Events.(CallObserver)
	if s, ok := o.Store.(*MemoryStore); ok {
		m.saved, m.save = s.share, s.take // without copies
	}
	if f, ok := o.Store.(FreshLoader); ok {
		c, tells := f.(interface{ Caches() bool })
		m.fresh, m.cached = f.LoadFresh, !tells || c.Caches()
	}
	return m, nil
}

// Must returns m, and panics if err is not nil: session.Must(session.New(o)).
func Must(m *Manager, err error) *Manager {
	if err != nil {
		panic(err)
	}
	return m
}

// Store returns the store that the manager uses.
func (m *Manager) Store() Store { return m.store }

// Handler returns next with a session for each request: plain net/http
// middleware. Requests get it with From. A manager that is installed twice on
// one path runs once.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := m.Begin(w, r)
		if x == nil {
			next.ServeHTTP(w, r)
			return
		}
		defer x.Release(x.Request())
		defer x.Abort()
		if !x.Preload() {
			return
		}
		next.ServeHTTP(x.Writer(), x.Request())
		x.Finish(http.StatusOK)
	})
}

// DefaultErrorHandler answers 503 if the store could not be asked, 409 if the
// session ended or changed meanwhile or the principal has too many, and 500 for
// what the application must mend. For ErrNotFresh it is 403, not 401, which would
// need the challenge of an HTTP authentication scheme (RFC 9110, section 15.5.2;
// RFC 9470 has one for OAuth's bearer tokens), and a cookie has none. The text says
// nothing about the cause.
func DefaultErrorHandler(w http.ResponseWriter, _ *http.Request, err error) {
	switch {
	case errors.Is(err, ErrTooManySessions):
		http.Error(w, "You are signed in on as many devices as allowed. Please sign out on one of them and try again.", http.StatusConflict)
	case errors.Is(err, ErrSessionEnded):
		http.Error(w, "Your session has ended meanwhile. Please reload the page and try again.", http.StatusConflict)
	case errors.Is(err, ErrConflict):
		http.Error(w, "Your session was changed by another request. Please reload the page and try again.", http.StatusConflict)
	case errors.Is(err, ErrNotFresh):
		http.Error(w, "Please sign in again to go on.", http.StatusForbidden)
	case errors.Is(err, ErrUnavailable):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Sessions are unavailable at the moment. Please try again.", http.StatusServiceUnavailable)
	default:
		http.Error(w, "The session could not be saved.", http.StatusInternalServerError)
	}
}

// now is the time as records keep it.
func (m *Manager) now() time.Time {
	return m.opts.Clock().UTC().Truncate(time.Microsecond)
}

func (m *Manager) event(ctx context.Context, e Event) {
	m.opts.Events.Event(apart{ctx}, e)
}

// touchInterval is how old LastSeen may grow before a use is stored.
func (m *Manager) touchInterval(idle time.Duration) time.Duration {
	if t := m.opts.TouchInterval; t > 0 && (idle == 0 || t < idle) {
		return t
	}
	if idle > 0 {
		return min(idle/10, maxTouchInterval)
	}
	return maxTouchInterval
}

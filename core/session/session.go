package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// A Session is the session of one request. It is loaded at its first use and
// saved just before the response header leaves. It is safe for concurrent use
// by the goroutines of its request.
//
// Accessors never fail loudly. If the session cannot be loaded they return
// zero values, Err tells why, and the response becomes the one of
// Options.ErrorHandler; ask Load first to handle that yourself. What is set
// wrongly (too large, not encodable) is kept in Err in the same way.
type Session struct {
	m       *Manager
	x       *Exchange
	outer   *Session  // of the manager further out on the same path
	started time.Time // when the request arrived

	io sync.Mutex // held around store calls; taken before mu
	mu sync.Mutex

	status     status
	loadErr    error // why status is failed
	err        error // what Err tells
	accessed   bool
	headerSent bool
	sendCookie bool // the browser must get the current token
	drop       bool // the browser must forget its token
	ended      bool // Destroy has signed the browser out

	*loaded        // nil while status is unloaded
	ops     []op   // pending
	login   string // pending; "" is none
	renew   bool   // pending; true also with login
	clean   bool   // the login carries nothing over
	same    bool   // the login is of who is signed in already, and begins no session
}

// loaded is what a request that does not use its session can do without.
type loaded struct {
	found
	cur state // base with the pending operations applied
}

// found is a stored session and its token.
type found struct {
	token token
	id    ID
	rest  []rest
	base  state // as stored
}

// state is what operations change.
type state struct {
	rec    Record // but for the payload
	values values
}

type status int

const (
	unloaded  status = iota
	failed           // the store could not be asked
	none             // the request came with no session
	live             // the request came with a session
	moved            // the session was here, and was ended or got another token
	ambiguous        // the request came with sessions of two principals
)

func (s *Session) ctx() context.Context { return s.x.req.Context() }

// lock locks the session, loaded. Accessors begin with it.
func (s *Session) lock() {
	s.mu.Lock()
	s.accessed = true
	if s.status == unloaded {
		s.mu.Unlock()
		s.load()
		s.mu.Lock()
	}
	if s.status == failed && s.err == nil {
		s.err = s.loadErr // the accessor cannot tell the truth
	}
}

func (s *Session) load() {
	s.io.Lock()
	defer s.io.Unlock()
	s.loadOnce(s.ctx())
}

// loadOnce loads the session if it is not loaded; io is held.
func (s *Session) loadOnce(ctx context.Context) {
	s.mu.Lock()
	known := s.status != unloaded
	s.mu.Unlock()
	if known {
		return
	}
	l, st, err := s.m.find(ctx, s.x.req, s.started)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(l, st, err)
}

// set takes over what was found.
func (s *Session) set(l *loaded, st status, err error) {
	s.status, s.loadErr, s.loaded = st, err, l
	if st != live {
		s.base.values = values{codec: s.m.opts.Codec}
	}
	s.cur = s.base
}

// rest is a record that the browser has a token of beside the session in use:
// one of another cookie of the same name, or one that cannot be decoded here.
type rest struct {
	id        ID
	version   uint64
	principal string
}

func (f *found) asRest() rest { return rest{f.id, f.base.rec.Version, f.base.rec.Principal} }

// find looks for the session of a request among its cookies.
func (m *Manager) find(ctx context.Context, r *http.Request, started time.Time) (*loaded, status, error) {
	best := &loaded{}
	var others []rest
	st, two := none, false // principals
	c := m.candidates(r)
	for i, t := range c.tokens[:c.n] {
		f := best
		if i > 0 {
			f = &loaded{}
		}
		fst, err := m.loadState(ctx, t, started, &f.found)
		is, was := &f.base.rec, &best.base.rec
		switch {
		case err != nil:
			return &loaded{}, failed, err
		case fst == live && st == live && is.Principal != was.Principal && is.Principal != "" && was.Principal != "":
			m.event(ctx, Event{Kind: EventAmbiguous, ID: f.id, Op: "load"})
			two, others = true, append(others, f.asRest())
		case fst == live && st == live && !better(is, was),
			fst == none && is.Version != 0:
			others = append(others, f.asRest())
		case fst == live && st == live:
			others = append(others, best.asRest())
			best = f
		case fst == live, fst == moved && st == none:
			best, st = f, fst
		}
		if st == none && f == best {
			best = &loaded{} // that was nothing
		}
	}
	if two {
		return &loaded{found: found{rest: append(others, best.asRest())}}, ambiguous, nil
	}
	best.rest = others
	return best, st, nil
}

// better prefers, of two live sessions of one browser, the one with a
// principal, then the newer.
func better(a, b *Record) bool {
	if (a.Principal != "") != (b.Principal != "") {
		return a.Principal != ""
	}
	if !a.Authenticated.Equal(b.Authenticated) {
		return a.Authenticated.After(b.Authenticated)
	}
	return a.Created.After(b.Created)
}

// loadState loads what is stored for a token: live, moved, or none, which has a
// version if there is a record that cannot be decoded.
func (m *Manager) loadState(ctx context.Context, t token, started time.Time, f *found) (status, error) {
	f.token, f.id = t, t.id(m.opts.Cookie.Name)
	err := m.read(ctx, f.id, &f.base)
	rec := &f.base.rec
	mark := err == nil && rec.MovedTo != ""
	e := Event{Kind: EventUnknownToken, ID: f.id, Principal: rec.Principal, Op: "load"}
	switch {
	case mark && m.now().Before(rec.Expires):
		return moved, nil
	case mark, errors.Is(err, ErrNotFound):
		f.base = state{}
		if m.opts.Clock().Sub(started) > markLife/2 {
			return moved, nil // a mark may have been here and gone
		}
	case errors.Is(err, ErrUndecodable):
		e.Kind, e.Err = EventUndecodable, err
	case err != nil:
		return failed, err
	case !rec.live(m.now()):
		e.Kind = EventExpired
		f.base = state{}
	default:
		return live, nil
	}
	m.event(ctx, e)
	return none, nil
}

// read loads a record and decodes it. Where what a cache holds cannot be
// decoded, the truth decides.
func (m *Manager) read(ctx context.Context, id ID, st *state) error {
	rec, err := m.load(ctx, id)
	if err != nil {
		return err
	}
	if err = m.decode(&rec, st); err == nil || !m.cached {
		return err
	}
	truth, failed := m.loadFresh(ctx, id)
	if failed != nil {
		*st = state{}
		return failed
	}
	if failed = m.decode(&truth, st); failed == nil {
		m.event(ctx, Event{Kind: EventCacheError, ID: id, Principal: truth.Principal, Op: "load", Err: err})
	}
	return failed
}

// decode makes st the state of a record, as far as it can be read.
func (m *Manager) decode(rec *Record, st *state) (err error) {
	st.rec = *rec
	st.rec.Payload = nil
	if st.values, err = decodeValues(rec.Payload, m.opts.Codec); err != nil {
		return err
	}
	return rec.check()
}

// Load loads the session if it has not been loaded, and tells whether the store
// could be asked. Handlers that can do without a session call it first: if they
// then use nothing of the session, their own response is sent. A failed load is
// tried again by Reload only.
func (s *Session) Load(ctx context.Context) error {
	s.io.Lock()
	defer s.io.Unlock()
	s.loadOnce(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accessed = true
	return s.loadErr
}

// Reload loads the stored session again, for handlers that run for long, and
// applies this request's unsaved changes on it. It returns ErrSessionEnded if
// the session has ended or got a new token meanwhile; the session is empty then
// and takes no changes. A success clears Err.
func (s *Session) Reload(ctx context.Context) error {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	s.accessed = true
	was, is := s.status, s.loaded
	s.mu.Unlock()
	var l *loaded
	var st status
	var err error
	switch was {
	case live:
		l = &loaded{found: found{rest: is.rest}}
		if st, err = s.m.loadState(ctx, is.token, s.started, &l.found); err == nil && st != live {
			st = moved
		}
	case moved:
		return ErrSessionEnded
	default:
		l, st, err = s.m.find(ctx, s.x.req, s.started)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st == failed && was == live {
		return err // what is loaded stays
	}
	s.set(l, st, err)
	switch {
	case st == moved:
		s.forget()
		return ErrSessionEnded
	case err != nil:
		return err
	case s.clean:
		s.cur = s.m.blank()
	}
	s.err = nil
	for i := range s.ops {
		if err := s.ops[i].apply(s.m, &s.cur); err != nil {
			s.forget()
			s.err = err
			return err
		}
	}
	return nil
}

// Err returns what went wrong with the session in this request, if anything:
// the reason why the response is, or will be, that of Options.ErrorHandler, or
// why a change after the header was not kept. It loads nothing.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// forget drops pending changes; mu is held.
func (s *Session) forget() {
	s.ops, s.login, s.renew, s.clean, s.same = nil, "", false, false, false
	if s.loaded != nil {
		s.cur = s.base
	}
}

func (s *Session) pending() bool { return len(s.ops) > 0 || s.renew }

func (s *Session) discard() {
	s.io.Lock() // a Save under way may need the cookie that leaves with this header
	defer s.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

func (s *Session) wasAccessed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accessed
}

func (s *Session) loadFailure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loadErr
}

// ID returns the public handle of the stored session, "" while it is not
// stored. It changes when a login or renewal is saved.
func (s *Session) ID() ID {
	s.lock()
	defer s.mu.Unlock()
	if s.status != live {
		return ""
	}
	return s.id
}

// Principal returns who is logged in, "" if nobody is.
func (s *Session) Principal() string {
	s.lock()
	defer s.mu.Unlock()
	return s.principal()
}

func (s *Session) principal() string {
	switch {
	case s.login != "":
		return s.login
	case s.status == live:
		return s.base.rec.Principal
	}
	return ""
}

// The times of a session are zero while it is not stored.

// CreatedAt returns when the session began: its first save, or the last login.
func (s *Session) CreatedAt() time.Time { return s.record().Created }

// AuthenticatedAt returns when the principal logged in; zero if nobody is.
func (s *Session) AuthenticatedAt() time.Time { return s.record().Authenticated }

// LastSeen returns when the session was last used before this request, or
// before its last save by this request, to within Options.TouchInterval.
func (s *Session) LastSeen() time.Time { return s.record().LastSeen }

// ExpiresAt returns when the session ends unless it is used again. Asking does
// not extend it.
func (s *Session) ExpiresAt() time.Time { return s.record().Expires }

func (s *Session) record() *Record {
	s.lock()
	defer s.mu.Unlock()
	if s.status != live {
		return &Record{}
	}
	rec := s.cur.rec
	return &rec
}

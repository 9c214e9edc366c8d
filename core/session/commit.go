package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// markLife is how long a moved mark stays: longer than any parallel request of
// the old token takes to arrive.
const markLife = time.Minute

// Save stores the changes made so far, and the time of use if it is due, for
// handlers that run for long or must know the outcome. Before the header has left it may do anything, and the
// cookie follows with the header, whatever its status. Afterwards a change that
// needs a cookie (a new session, Login, Renew) is ErrHeaderSent.
//
// On an error the changes are dropped, since they may have been stored all the
// same if the error is ErrUnavailable, and Err keeps it until Reload succeeds.
func (s *Session) Save(ctx context.Context) error {
	s.io.Lock()
	defer s.io.Unlock()
	if err := s.save(ctx); err != nil {
		return err
	}
	s.touchNow(ctx)
	return nil
}

// commit is the save before the header leaves.
func (s *Session) commit(ctx context.Context) error {
	s.mu.Lock()
	idle := s.status == unloaded && s.err == nil
	s.mu.Unlock()
	if idle {
		return nil
	}
	return s.Save(ctx)
}

// saveLate is the save after the handler. What cannot be kept is an event, since
// there is no response any more to tell it by.
func (s *Session) saveLate(ctx context.Context) {
	s.mu.Lock()
	idle := !s.pending() && (s.err == nil || s.status == failed)
	s.mu.Unlock()
	if idle {
		return
	}
	s.io.Lock()
	defer s.io.Unlock()
	if err := s.save(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, ErrHeaderSent) {
		s.m.event(ctx, Event{Kind: EventLateWrite, ID: s.id, Op: "save after the handler", Err: err})
	}
}

// save stores what is pending; io is held.
func (s *Session) save(ctx context.Context) error {
	s.mu.Lock()
	if s.err != nil || !s.pending() {
		defer s.mu.Unlock()
		return s.err
	}
	w := work{m: s.m, s: s, base: s.base, id: s.id, token: s.token, ops: s.ops, login: s.login, clean: s.clean}
	st, renew, late := s.status, s.renew, s.headerSent && s.needsCookie()
	s.ops, s.login, s.renew, s.clean = nil, "", false, false // what comes meanwhile is for the next save
	s.mu.Unlock()

	finished := false
	defer func() {
		if !finished { // a function given to Update panicked
			s.mu.Lock()
			defer s.mu.Unlock()
			s.err = fmt.Errorf("%w: saving the session panicked", ErrInvalid)
			s.forget()
		}
	}()
	var err error
	switch {
	case st == ambiguous:
		err = fmt.Errorf("%w: the browser sends the session cookies of two principals", ErrConflict)
	case st == moved && w.login == "":
		err = ErrSessionEnded
	case late:
		err = ErrHeaderSent
		s.m.event(ctx, Event{Kind: EventLateWrite, ID: w.id, Op: "save", Err: err})
	case st == live && renew:
		err = w.move(ctx)
	case st == live:
		err = w.update(ctx)
	default:
		err = w.begin(ctx)
	}
	if errors.Is(err, ErrSessionEnded) {
		s.m.event(ctx, Event{Kind: EventEnded, ID: w.id, Principal: w.base.rec.Principal, Op: "save"})
	}

	finished = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.stored {
		s.status, s.token, s.id, s.base = live, w.token, w.id, w.base
		s.sendCookie = s.sendCookie || w.cookie
		if w.cookie {
			s.drop = false
		}
	}
	if err != nil {
		s.err = err
		if errors.Is(err, ErrSessionEnded) {
			s.status, s.base = moved, s.m.blank()
		}
		s.forget()
		return err
	}
	if s.clean {
		return nil // another goroutine has begun anew meanwhile
	}
	rest := s.ops  // of another goroutine
	if !w.stored { // there were no values yet, but perhaps settings
		s.base = s.m.blank()
		rest = append(slices.DeleteFunc(w.ops, func(o op) bool { return !o.setting() }), rest...)
	}
	s.ops, s.cur = nil, s.base
	for _, o := range rest {
		s.change(o)
	}
	return nil
}

// needsCookie tells whether saving what is pending would send a cookie; mu is held.
func (s *Session) needsCookie() bool {
	if s.sendCookie || s.renew {
		return true
	}
	if len(s.ops) == 0 {
		return false
	}
	if s.status != live {
		return s.status != moved && len(s.cur.values.entries) > 0
	}
	return changesCookie(s.ops)
}

func changesCookie(ops []op) bool {
	return slices.ContainsFunc(ops, func(o op) bool { return o.kind == opSetLifetime || o.kind == opSetPersistent })
}

// touchNow stores the time of use if it is due; io is held.
func (s *Session) touchNow(ctx context.Context) {
	now := s.m.now()
	s.mu.Lock()
	rec, id := s.base.rec, s.id
	due := s.status == live && rec.live(now) && now.Sub(rec.LastSeen) >= s.m.touchInterval(rec.IdleTimeout)
	s.mu.Unlock()
	if !due {
		return
	}
	rec.seen(now)
	if !s.m.touch(ctx, id, rec.LastSeen, rec.Expires, rec.Version) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base.rec = rec
	s.cur.rec.seen(now)
}

// closeHeader notes that the header is about to leave. It waits for a Save under
// way in another goroutine, whose cookie must leave with it.
func (s *Session) closeHeader() {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headerSent = true
}

// cookie returns the cookie that the response must carry, nil for none.
func (s *Session) cookie() *http.Cookie {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.sendCookie && s.status == live:
		s.sendCookie = false
		return s.m.setCookie(s.token, &s.base.rec)
	case s.drop:
		s.drop = false
		return s.m.removalCookie()
	}
	return nil
}

// work is one save: what it starts from, and what it has reached. It runs
// without the session's lock, so that accessors go on.
type work struct {
	m     *Manager
	s     *Session
	ops   []op
	login string
	clean bool

	base  state // the newest known; what is stored once stored is set
	id    ID
	token token

	stored bool // base, id and token are in the store
	cookie bool // the browser must get the token
}

// apply returns the base with the operations applied.
func (w *work) apply(base state) (state, error) {
	for i := range w.ops {
		if err := w.ops[i].apply(w.m, &base); err != nil {
			return base, err
		}
	}
	return base, nil
}

// record is the stored form of st as a new write at this moment.
func (w *work) record(st *state, version uint64) Record {
	st.rec.Version = version
	_, _ = rand.Read(st.rec.Mark[:])
	st.rec.seen(w.m.now())
	rec := st.rec
	rec.Payload = st.values.encode()
	return rec
}

// begin stores a new session, unless there is nothing to store.
func (w *work) begin(ctx context.Context) error {
	next, err := w.apply(w.m.blank())
	if err != nil || (w.login == "" && len(next.values.entries) == 0) {
		return err
	}
	w.start(&next)
	return w.create(ctx, &next)
}

// start makes the record that of a session that begins now.
func (w *work) start(st *state) {
	now := w.m.now()
	st.rec.Created = now
	st.rec.LastSeen = now
	if st.rec.Principal = w.login; w.login != "" {
		st.rec.Authenticated = now
	}
	st.rec.Device = w.m.device(w.s.x.req)
}

// create stores next under a new token.
func (w *work) create(ctx context.Context, next *state) error {
	t, id, err := w.m.create(ctx, w.record(next, 1))
	if err != nil {
		return err
	}
	w.base, w.id, w.token, w.stored, w.cookie = *next, id, t, true, true
	w.announce(ctx, EventCreated, id)
	return nil
}

func (w *work) announce(ctx context.Context, kind EventKind, id ID) {
	w.m.event(ctx, Event{Kind: kind, ID: id, Principal: w.base.rec.Principal})
	if w.login != "" {
		w.m.event(ctx, Event{Kind: EventLogin, ID: id, Principal: w.login})
	}
}

// update stores the operations by compare-and-set, on whatever is newest.
func (w *work) update(ctx context.Context) error {
	slot, err := w.m.queue.enter(ctx, w.id)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer w.m.queue.leave(w.id, slot)
	if slot.latest != nil && slot.latest.rec.Version > w.base.rec.Version {
		w.base = *slot.latest
	}
	for range maxAttempts {
		if err := w.current(ctx, w.id); err != nil {
			return err
		}
		next, err := w.apply(w.base)
		if err != nil {
			return err
		}
		version := w.base.rec.Version
		err = w.m.update(ctx, w.id, w.record(&next, version+1), version)
		switch {
		case err == nil:
			w.base, w.stored, w.cookie = next, true, changesCookie(w.ops)
			slot.latest = &next
			return nil
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUndecodable):
			slot.latest = nil
			return ErrSessionEnded
		case !errors.Is(err, ErrConflict):
			slot.latest = nil
			return err
		}
		if err := w.again(ctx, w.id); err != nil {
			slot.latest = nil
			return err
		}
	}
	return errMoves
}

// again makes the truth the base after a conflict.
func (w *work) again(ctx context.Context, id ID) error {
	w.m.event(ctx, Event{Kind: EventConflict, ID: id, Principal: w.base.rec.Principal, Op: "save"})
	if err := backoff(ctx); err != nil {
		return fmt.Errorf("%w: %w", errMoves, err)
	}
	return w.reload(ctx, id)
}

// current sees to it that the base has not ended. It may seem so after a
// handler that ran for long: touches by other requests leave the version as it is.
func (w *work) current(ctx context.Context, id ID) error {
	if w.base.rec.live(w.m.now()) {
		return nil
	}
	return w.reload(ctx, id)
}

// reload makes the truth the base.
func (w *work) reload(ctx context.Context, id ID) error {
	rec, err := w.m.loadFresh(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrUndecodable):
		return ErrSessionEnded
	case err != nil:
		return err
	case !rec.live(w.m.now()):
		return ErrSessionEnded // moved, or expired
	}
	next, err := w.m.decode(rec)
	if err != nil {
		return ErrSessionEnded
	}
	w.base = next
	return nil
}

// move renews the token, for Renew and Login: the successor is created first,
// then the old record is compare-and-set into a mark. Until that has happened
// the old session is the only one that anybody can use.
func (w *work) move(ctx context.Context) error {
	old := w.id
	slot, err := w.m.queue.enter(ctx, old)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer w.m.queue.leave(old, slot)
	defer func() { slot.latest = nil }()
	if slot.latest != nil && slot.latest.rec.Version > w.base.rec.Version {
		w.base = *slot.latest
	}
	var (
		successor state // once created
		t         token
		id        ID
		kept      bool // the successor is the session now
	)
	defer func() {
		if v := successor.rec.Version; v != 0 && !kept {
			w.m.abandon(ctx, id, v)
		}
	}()
	for range maxAttempts {
		var next state
		err := w.current(ctx, old)
		if err == nil {
			next, err = w.successor()
		}
		switch {
		case err != nil:
		case successor.rec.Version == 0:
			t, id, err = w.m.create(ctx, w.record(&next, 1))
		default:
			err = w.m.update(ctx, id, w.record(&next, successor.rec.Version+1), successor.rec.Version)
		}
		if err != nil {
			return err
		}
		successor = next
		// The old session is looked at between the two writes: if it was ended
		// before, that is seen here; if it is ended later, a list finds the successor.
		if err = w.unchanged(ctx, old); err == nil {
			err = w.m.update(ctx, old, w.mark(id), w.base.rec.Version)
		} else if errors.Is(err, ErrUnavailable) {
			return err // no mark was tried: the old token works
		}
		if err == nil || errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrFull) {
			// If it stays unknown whether the old record is a mark now, the
			// browser gets the new token all the same: that one works either way.
			w.base, w.id, w.token, w.stored, w.cookie = successor, id, t, true, true
			kept = true
			if err == nil {
				w.announce(ctx, EventRenewed, id)
			}
			return err
		}
		if errors.Is(err, ErrConflict) {
			err = w.again(ctx, old)
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrUnavailable):
			return err
		default:
			return w.overtaken(ctx, old)
		}
	}
	return errMoves
}

// unchanged tells whether the stored record is the base, as Update would.
func (w *work) unchanged(ctx context.Context, id ID) error {
	rec, err := w.m.loadFresh(ctx, id)
	if err == nil && rec.Version != w.base.rec.Version {
		return ErrConflict
	}
	return err
}

// overtaken is the end of a move whose old record is a mark by now, or gone. A
// login on a mark begins a new session, without anything from the old one.
func (w *work) overtaken(ctx context.Context, old ID) error {
	if w.login == "" {
		return ErrSessionEnded
	}
	rec, err := w.m.loadFresh(ctx, old)
	if errors.Is(err, ErrUnavailable) {
		return err
	}
	if err != nil || rec.MovedTo == "" {
		return ErrSessionEnded
	}
	return w.begin(ctx)
}

// successor is the state of the session after the move.
func (w *work) successor() (state, error) {
	from := w.base
	if w.login != "" {
		kept := from.values
		was := from.rec.Principal
		from = w.m.blank()
		if !w.clean && (was == "" || was == w.login) {
			from.values = kept
		}
	}
	next, err := w.apply(from)
	if err == nil && w.login != "" {
		w.start(&next)
	}
	return next, err
}

// mark is the old record after the move.
func (w *work) mark(successor ID) Record {
	now := w.m.now()
	rec := Record{
		Version:       w.base.rec.Version + 1,
		Created:       w.base.rec.Created,
		Authenticated: w.base.rec.Authenticated,
		LastSeen:      now,
		Expires:       now.Add(markLife),
		LifetimeEnd:   now.Add(markLife),
		MovedTo:       successor,
	}
	_, _ = rand.Read(rec.Mark[:])
	return rec
}

// device is the client's description, within the limits of records.
func (m *Manager) device(r *http.Request) Device {
	d := m.opts.Device(r)
	return Device{Address: clip(d.Address, MaxAddress), UserAgent: clip(d.UserAgent, MaxUserAgent)}
}

// clip returns s as clean text of at most limit bytes.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) { // controls and bidirectional marks included
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

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
	w := work{m: s.m, s: s, base: s.base, cur: s.cur, id: s.id, token: s.token, ops: s.ops, login: s.login, clean: s.clean, same: s.same}
	st, renew, late := s.status, s.renew, s.headerSent && s.needsCookie()
	s.ops, s.login, s.renew, s.clean, s.same = nil, "", false, false, false // what comes meanwhile is for the next save
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
		return s.status != moved && s.cur.values.len() > 0
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
	if s.status != live {
		s.mu.Unlock()
		return
	}
	rec, id := s.base.rec, s.id
	s.mu.Unlock()
	interval := s.m.touchInterval(rec.IdleTimeout)
	if !rec.live(now) || now.Sub(rec.LastSeen) < interval {
		return
	}
	use := touched{id, rec.Version}
	mine := &touching{at: now}
	if other, under := s.m.touches.LoadOrStore(use, mine); !under {
		defer s.m.touches.Delete(use)
	} else if other := other.(*touching); now.Sub(other.at) < interval {
		if other.relied.Store(true); !other.over.Load() {
			return // another request of this process stores its own at this moment
		}
	}
	rec.seen(now)
	took := s.m.touch(ctx, id, rec.LastSeen, rec.Expires, rec.Version)
	if mine.over.Store(true); !took && mine.relied.Load() { // the client of this one may be gone, but not the others
		took = s.m.touch(context.WithoutCancel(ctx), id, rec.LastSeen, rec.Expires, rec.Version)
	}
	if !took {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base.rec = rec
	s.cur.rec.seen(now)
}

// touched is what a touch is of: none has an effect on another version.
type touched struct {
	id      ID
	version uint64
}

// touching is a touch under way.
type touching struct {
	at           time.Time
	relied, over atomic.Bool // another request has left its use to it; it has been tried
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

// closeUnused is all that there is to do at the header if nobody has used the session; it
// tells whether that is so.
func (s *Session) closeUnused() bool {
	if !s.io.TryLock() {
		return false
	}
	defer s.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := s.status == unloaded && !s.accessed && s.err == nil
	s.headerSent = s.headerSent || unused
	return unused
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

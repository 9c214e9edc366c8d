package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Info describes a live session, for a page of devices or an operator.
type Info struct {
	ID            ID
	Principal     string
	Created       time.Time
	Authenticated time.Time
	LastSeen      time.Time
	Expires       time.Time
	Device        Device
}

const listPage = 200

// unsupported says which power the store lacks.
func unsupported(power string) error {
	return fmt.Errorf("session: the store cannot %s: %w", power, errors.ErrUnsupported)
}

// List returns the live sessions of a principal, newest first.
func (m *Manager) List(ctx context.Context, principal string) ([]Info, error) {
	var out []Info
	now := m.now()
	err := m.each(ctx, principal, func(s Stored) error {
		if r := &s.Record; r.live(now) && r.check() == nil {
			out = append(out, info(s.ID, r))
		}
		return nil
	})
	return out, err
}

// each calls f for every record of a principal.
func (m *Manager) each(ctx context.Context, principal string, f func(Stored) error) error {
	lister, ok := m.store.(Lister)
	switch {
	case !ok:
		return unsupported("list sessions by principal")
	case principal == "": // nobody; not all who are anonymous
		return nil
	}
	for after := ""; ; {
		var page []Stored
		err := m.call(ctx, "list", "", func(ctx context.Context) (err error) {
			page, after, err = lister.List(ctx, principal, after, listPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, s := range page {
			if s.Record.Version == 0 {
				continue // nobody can use it
			}
			if err := f(s); err != nil {
				return err
			}
		}
		if after == "" {
			return nil
		}
	}
}

// Revoke ends a session from elsewhere, for operators: any session. It returns
// ErrNotFound if there is none under the ID, and ErrPending if the session is
// ended in the database but a cache could not be told yet. An ID from before a
// renewal ends the session that came of it, for a minute after it at least; later
// it may be ErrNotFound.
func (m *Manager) Revoke(ctx context.Context, id ID) error {
	return m.revoke(ctx, id, func(*Record) bool { return true })
}

// RevokeFor is Revoke for the session of one principal, for a page on which
// users end their own: the session of anybody else is ErrNotFound.
func (m *Manager) RevokeFor(ctx context.Context, principal string, id ID) error {
	return m.revoke(ctx, id, func(r *Record) bool { return principal != "" && r.Principal == principal })
}

func (m *Manager) revoke(ctx context.Context, id ID, allowed func(*Record) bool) error {
	id, _, rec, err := m.resolve(ctx, id)
	switch {
	case errors.Is(err, ErrUndecodable), err == nil && !allowed(&rec), err == nil && !rec.live(m.now()):
		return ErrNotFound
	case err != nil:
		return err
	}
	ended, err := m.end(ctx, id, rec.Version, func(_, next *Record) bool { return allowed(next) })
	if ended {
		m.event(ctx, Event{Kind: EventRevoked, ID: id, Principal: rec.Principal})
	}
	return err
}

// A RevokeOption narrows RevokeAll.
type RevokeOption func(*revocation)

type revocation struct {
	except Record
	id     ID
	err    error
	waited bool // for a renewal
}

// Except spares the given session: "sign out everywhere else". It also spares
// what a renewal or Reauthenticate by a parallel request makes of it, for which RevokeAll waits: for
// as long as the calls of a renewal may take, three times Options.StoreTimeout
// from its beginning. If a store failed in the middle of a renewal the session may
// be open under two tokens: then only the one of s is spared, after that wait. It
// is a quarter of a second where Options.Clock stands still, as in a test: sessions
// that begin at one moment look like renewals of each other.
func Except(s *Session) RevokeOption {
	return func(r *revocation) { r.id, r.except, r.err = s.ID(), *s.record(), s.loadFailure() }
}

// leastWait is how long RevokeAll waits at least for a renewal of the session that
// it spares: the clock of the process that renews may be behind. It waits no longer
// where Options.Clock stands still, by which all sessions of a moment look alike.
const leastWait = 250 * time.Millisecond

// mayTake is for how long a renewal that has created the record may still be under
// way: it creates, looks at the old record, and marks that.
func (m *Manager) mayTake(created *Record) time.Duration {
	age := max(m.now().Sub(created.LastSeen), 0)
	return max(3*m.opts.StoreTimeout-age, leastWait)
}

// spares tells whether s is the session to be spared, or what a renewal made of
// it meanwhile: that began when it did, and the marks lead to it.
func (m *Manager) spares(ctx context.Context, r *revocation, s *Stored) (bool, error) {
	if r.id == "" || s.ID == r.id {
		return r.id != "", nil
	}
	if !s.Record.Created.Equal(r.except.Created) {
		return false, nil
	}
	began, clock, most := time.Now(), m.now(), m.mayTake(&s.Record)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		at, _, _, err := m.resolve(ctx, r.id)
		switch {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrUndecodable):
			return false, nil
		case err != nil:
			return false, err
		case at != r.id:
			return m.leadsTo(ctx, s.ID, at)
		}
		if took := time.Since(began); r.waited || took > leastWait && m.now().Equal(clock) || took > most {
			r.waited = true
			return false, nil
		}
		// Both are open: s is the successor of a renewal that is under way, or was left behind.
		if _, err := m.loadFresh(ctx, s.ID); errors.Is(err, ErrNotFound) {
			return true, nil // the renewal took it back
		}
		if err := sleep(ctx, pause); err != nil {
			return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// leadsTo tells whether the record under id is the one at the given ID, or a mark
// on the way there.
func (m *Manager) leadsTo(ctx context.Context, id, at ID) (bool, error) {
	if id == at {
		return true, nil
	}
	to, _, _, err := m.resolve(ctx, id)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrUndecodable) {
		return false, nil
	}
	return to == at, err
}

// RevokeAll ends all sessions of a principal, those included that are renewed
// meanwhile, and returns how many. It covers every session whose login was
// answered before the call; of one that is under way it may end the session, so
// that the login is answered with a token of nothing. ErrPending is as for Revoke; the sessions are ended
// all the same. On any other error some may remain: call it again.
func (m *Manager) RevokeAll(ctx context.Context, principal string, options ...RevokeOption) (int, error) {
	var r revocation
	for _, o := range options {
		if o(&r); r.err != nil {
			return 0, r.err
		}
	}
	n := 0
	var pending error
	for range maxAttempts {
		found := false
		err := m.each(ctx, principal, func(s Stored) error {
			if spared, err := m.spares(ctx, &r, &s); spared || err != nil {
				return err
			}
			found = true
			ended, err := m.end(ctx, s.ID, s.Record.Version, func(_, next *Record) bool { return next.Principal == principal })
			if ended {
				n++
				m.event(ctx, Event{Kind: EventRevoked, ID: s.ID, Principal: principal})
			}
			if errors.Is(err, ErrPending) {
				pending, err = err, nil
			}
			return err
		})
		switch {
		case err != nil:
			return n, err
		case !found:
			return n, pending
		}
	}
	return n, errMoves
}

package interleave

import (
	"context"
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

// root is the session from which one came by renewals and logins.
func (w *world) root(id session.ID) session.ID {
	for {
		r := w.maker[id]
		if r == nil || r.created[id] || r.view.ID == "" || r.view.ID == id {
			return id
		}
		id = r.view.ID
	}
}

// covers tells whether an answered request claims to have ended the session:
// Destroy the one that it came with, and what renewals made of it; Revoke
// whatever came of the session; RevokeAll all of alice's that had been answered.
func (w *world) covers(o *request, id session.ID, principal string) bool {
	if id == "" || !o.done || !o.ends() {
		return false
	}
	root := w.root(id)
	switch o.op.ends {
	case byDestroy:
		return (o.destroyed || o.view.ID != "" && principal == o.view.Principal) && root == w.root(idOf(o.came))
	case byRevoke:
		return root == w.start
	case byRevokeFor:
		return root == w.start && principal == w.alice
	case byRevokeAll:
		for _, t := range o.sawTokens {
			if principal == w.alice && root == w.root(t.id) {
				return true
			}
		}
	}
	return false
}

// excused is the one stated exception: the store stopped answering between the
// two writes of a renewal or login, so that there are two sessions, of which an
// ending by ID or by token knows one.
func (w *world) excused(o *request, id session.ID) bool {
	return !w.unexcused && o.op.ends != byRevokeAll && w.unsettled(id)
}

// unsettled tells whether a renewal of the session went out with a 503.
func (w *world) unsettled(id session.ID) bool {
	for _, r := range w.requests {
		if r.done && r.status == http.StatusServiceUnavailable && r.token != "" && w.root(idOf(r.token)) == w.root(id) {
			return true
		}
	}
	return false
}

// stays checks law 2: what was ended is ended, for every token that any response
// ever carried, and for everybody who came later; who tried to write was told.
func stays(w *world) {
	for _, o := range w.requests {
		if !o.ends() {
			continue
		}
		for _, t := range w.tokens {
			for p := range w.processes {
				v, _ := w.visit(t.token, p)
				if w.covers(o, v.ID, v.Principal) && !w.excused(o, v.ID) {
					w.breaks("RESURRECTED: after %s, session %s is open to the token of %s in process %d", o.name, w.id(v.ID), w.id(t.id), p)
				}
				if w.cache.inner == nil {
					break // processes share all they have
				}
			}
		}
		for _, r := range w.requests {
			for _, before := range r.sawEnded {
				if before == o && w.covers(o, r.view.ID, r.view.Principal) && !w.excused(o, r.view.ID) {
					w.breaks("RESURRECTED: %s began after %s was answered, and found session %s", r.name, o.name, w.id(r.view.ID))
				}
			}
		}
		if w.faulted == 0 {
			for id, rec := range w.alive() {
				if w.covers(o, id, rec.Principal) {
					w.breaks("ALIVE: after %s, session %s is in the store", o.name, w.id(id))
				}
			}
		}
	}
	for _, r := range w.requests {
		switch {
		case r.wroteAfter && r.status == http.StatusOK && r.op.login == "":
			w.breaks("NOT TOLD: %s wrote to a session that had ended, and was answered %d", r.name, r.status)
		case r.status == http.StatusConflict && r.token != "":
			w.breaks("COOKIE: %s was answered %d with a token", r.name, r.status)
		}
	}
}

// alive returns the stored sessions that have not ended.
func (w *world) alive() map[session.ID]session.Record {
	out := make(map[session.ID]session.Record)
	now := w.clock.now()
	for _, id := range w.order {
		rec, err := w.truth.inner.Load(context.Background(), id)
		if err == nil && rec.MovedTo == "" && now.Before(rec.Expires) && now.Before(rec.LifetimeEnd) {
			out[id] = rec
		}
	}
	return out
}

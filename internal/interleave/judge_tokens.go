package interleave

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// quietly checks laws 4 and 5: who only reads makes no data write, creates
// nothing, and sends no cookie; a forged token opens nothing and is never adopted.
func quietly(w *world) {
	for _, r := range w.requests {
		switch {
		case r.op.quiet && r.cookies > 0:
			w.breaks("WRITES: %s was sent a cookie", r.name)
		case r.op.quiet && (len(r.writes) > 1 || len(r.writes) == 1 && r.writes[0] != "touch"):
			w.breaks("WRITES: %s makes the calls %q", r.name, r.writes)
		case r.op.blind && r.op.quiet && r.history.Len() > 0 && !strings.Contains(r.history.String(), "begin"):
			w.breaks("WRITES: %s made the calls %q", r.name, r.history.String())
		case r.op.forged && r.view.ID != "":
			w.breaks("ADOPTED: %s found session %s", r.name, w.id(r.view.ID))
		}
	}
	if v, _ := w.visit(w.forgery, 0); v.ID != "" {
		w.breaks("ADOPTED: the forged token opens session %s", w.id(v.ID))
	}
	for id := range w.alive() {
		if r := w.maker[id]; r != nil && r.op.quiet {
			w.breaks("WRITES: %s created session %s", r.name, w.id(id))
		}
	}
}

// forward checks law 5: touches only move forward, and never lengthen what a
// newer write shortened.
func forward(w *world) {
	for id, rec := range w.alive() {
		if w.root(id) != w.start {
			continue
		}
		touched, shortened := false, false
		for _, r := range w.requests {
			touched = touched || r.ok() && r.op.later && !r.op.blind && r.storeErrors == 0 && r.view.ID != ""
			shortened = shortened || r.ok() && r.op.Name == Shortens.Name && r.view.ID != ""
		}
		if touched && w.since(rec.LastSeen) < 2*time.Hour {
			w.breaks("BACK: the session was last seen at %v", w.since(rec.LastSeen))
		}
		if shortened && rec.Expires.After(rec.LastSeen.Add(time.Hour)) {
			w.breaks("LENGTHENED: the session ends %v after it was seen", rec.Expires.Sub(rec.LastSeen))
		}
	}
}

// changes checks law 6: a login changes the token, the old one opens nothing of
// the new session, and another principal gets nothing of the old one's.
func changes(w *world) {
	for _, r := range w.requests {
		if r.op.login == "" || !r.ok() {
			continue
		}
		v, _ := w.visit(r.token, 0)
		switch {
		case r.token == "" || r.token == r.came:
			w.breaks("KEPT: %s did not change the token", r.name)
		case v.ID == "":
			continue // another login or renewal came later
		case !strings.HasPrefix(v.Principal, r.op.login):
			w.breaks("WRONG: %s left a session of %q", r.name, v.Principal)
		case r.renewed[v.ID] && !r.carries() && v.Name != "":
			w.breaks("CARRIED: %s left %s with %q", r.name, r.op.login, v.Name)
		case r.renewed[v.ID] && r.carries() && v.Name != r.view.Name:
			w.breaks("LOST: %s left %q", r.name, v.Name)
		}
		if old, _ := w.visit(r.came, 0); r.renewed[idOf(r.token)] && old.ID != "" {
			w.breaks("PATH: the token from before %s opens session %s", r.name, w.id(old.ID))
		}
	}
}

// carries tells whether the login keeps what the session held.
func (r *request) carries() bool {
	return r.view.Principal == "" || strings.HasPrefix(r.view.Principal, r.op.login)
}

// either checks law 7: whichever response arrives last, the browser holds a live
// session, unless the response belongs to a token that was renewed after it.
func either(w *world) {
	left := []issued{w.tokens[0]}
	for _, t := range w.tokens[1:] {
		left = slices.DeleteFunc(left, func(o issued) bool {
			// The response came before the other request began, or this is where it all began.
			return o.by == nil || slices.Contains(t.by.sawAnswered, o.by)
		})
		left = append(left, t)
	}
	for _, t := range left {
		if v, _ := w.visit(t.token, 0); v.ID == "" {
			w.breaks("SIGNED OUT: the browser may be left with the token of %s, which opens nothing", w.id(t.id))
		}
	}
	alive := 0
	for id := range w.alive() {
		if w.root(id) == w.start {
			alive++
		}
	}
	if w.faulted == 0 && alive != 1 {
		w.breaks("SPLIT: %d sessions came of one", alive)
	}
}

// outlives checks law 9: nothing but a login moves the end of the lifetime, and
// an idle session ends unless somebody used it.
func outlives(w *world) {
	clock := w.requests[slices.IndexFunc(w.requests, func(r *request) bool { return r.op.Name == LifeEnds.Name || r.op.Name == IdleEnds.Name })]
	tried, used := false, false // before the time passed
	for _, r := range w.requests {
		after := slices.Contains(r.sawAnswered, clock)
		if after && clock.op.Name == LifeEnds.Name && r.view.ID != "" && !w.reborn(r.view.ID) {
			w.breaks("OUTLIVES: %s found the session after its lifetime", r.name)
		}
		tried = tried || r != clock && !after && len(r.writes) > 0
		used = used || slices.Contains(clock.sawAnswered, r) && r.ok() && r.view.ID != "" && r.storeErrors == 0 && !r.op.blind
	}
	open := false
	for _, t := range w.tokens {
		v, _ := w.visit(t.token, 0)
		switch {
		case v.ID == "" || w.reborn(v.ID):
		case clock.op.Name == LifeEnds.Name:
			w.breaks("OUTLIVES: session %s is open after its lifetime", w.id(v.ID))
		case !tried:
			w.breaks("OUTLIVES: session %s is open, and nobody used it", w.id(v.ID))
		}
		open = open || v.ID != ""
	}
	if clock.op.Name == IdleEnds.Name && used && !open {
		w.breaks("FORGOTTEN: the session has ended, and it was used in time")
	}
}

// reborn tells whether a login, or a first write, began the session anew.
func (w *world) reborn(id session.ID) bool {
	for r := w.maker[id]; r != nil; r = w.maker[id] {
		if r.created[id] || r.op.login != "" || r.view.ID == id {
			return true
		}
		id = r.view.ID
	}
	return false
}

// unmoved checks law 11: a response that failed changed nothing.
func unmoved(w *world) {
	for _, t := range w.tokens {
		v, _ := w.visit(t.token, 0)
		if v.Count >= 100 || v.Name == "failed" || strings.HasPrefix(v.Principal, "bob") {
			w.breaks("CHANGED: session %s has count %d, name %q, principal %q", w.id(v.ID), v.Count, v.Name, v.Principal)
		}
	}
	for id, rec := range w.alive() {
		if rec.IdleTimeout == time.Minute || w.maker[id] != nil && w.maker[id].op.fails {
			w.breaks("CHANGED: session %s is a failed response's doing", w.id(id))
		}
	}
	for _, r := range w.requests {
		if r.op.fails && (r.token != "" || r.status != http.StatusInternalServerError && r.panicked == nil) {
			w.breaks("CHANGED: %s was answered %d, token %v", r.name, r.status, r.token != "")
		}
	}
}

// secret checks law 12: nothing that is stored or told holds a token.
func secret(w *world) {
	var seen strings.Builder
	for _, id := range w.order {
		for _, load := range []Truth{w.truth.inner} {
			rec, err := load.Load(context.Background(), id)
			fmt.Fprintf(&seen, "%v %v %s %v\n", id, rec, rec.Payload, err)
		}
		if w.cache.inner != nil {
			e, err := w.cache.inner.Get(context.Background(), id)
			fmt.Fprintf(&seen, "%v %s %v\n", e, e.Record.Payload, err)
		}
	}
	for _, r := range w.requests {
		seen.WriteString(r.history.String() + r.told.String())
	}
	for _, t := range w.tokens {
		raw, _ := base64.RawURLEncoding.DecodeString(t.token)
		if strings.Contains(seen.String(), t.token) || strings.Contains(seen.String(), string(raw)) {
			w.breaks("LEAKED: the token of %s is in a store, an event or an error", w.id(t.id))
		}
	}
}

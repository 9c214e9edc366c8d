package interleave

import (
	"net/http"
	"slices"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// LogsInElsewhere logs alice in from another browser, which had no session.
var LogsInElsewhere = Op{Name: "login elsewhere", moves: true, login: "alice", elsewhere: true, do: func(r *request) { r.s.Login(r.w.alice) }}

// Limit is Options.MaxSessions: never more, none lost, and nothing of a login
// that was refused. Each process has a clock that is ahead of the one before, so
// that the last to create a session need not be the one with the newest.
func Limit() (rows []Scenario) {
	for _, c := range []struct {
		most int
		ops  []Op
	}{
		{1, []Op{LogsIn, LogsInElsewhere}},
		{1, []Op{LogsInElsewhere}},
		{1, []Op{LogsInElsewhere, LogsIn}},
		{1, []Op{LogsIn, LogsIn}},
		{1, []Op{LogsInElsewhere, LogsInElsewhere}},
		{2, []Op{LogsInElsewhere, LogsInElsewhere}},
		{1, []Op{Renews, LogsInElsewhere}},
		{1, []Op{LogsInElsewhere, Updates}},
		{2, []Op{LogsIn, Renews}},
		{1, []Op{Reauthenticates, LogsInElsewhere}},
		{2, []Op{Reauthenticates, LogsInElsewhere}},
		{2, []Op{Reauthenticates, RevokesAll}},
		{1, []Op{LogsInElsewhere, RevokesAll}},
	} {
		sc := row(limited, c.ops...)
		sc.Most = c.most
		for _, prevents := range []bool{false, true} {
			sc := sc
			if sc.Prevents = prevents; prevents {
				sc.Name += ", refusing"
			}
			rows = append(rows, sc)
			if c.ops[0].Name == LogsIn.Name {
				sc.Name, sc.Anonymous = "anonymous "+sc.Name, true
				rows = append(rows, sc)
			}
		}
	}
	return rows
}

// skew is how far the clock of each process is ahead of that of the one before.
const skew = time.Second + time.Microsecond

// limited checks that the limit holds.
func limited(w *world) {
	alive, open := 0, make(map[session.ID]bool)
	for _, t := range w.tokens {
		if v, _ := w.visit(t.token, 0); v.Principal == w.alice {
			open[v.ID] = true
		}
	}
	for id, rec := range w.alive() {
		if rec.Principal != w.alice {
			continue
		}
		if alive++; !open[id] && w.faulted == 0 {
			w.breaks("LEFT: session %s is in the store, and nobody has its token", w.id(id))
		}
	}
	unsettled := slices.ContainsFunc(w.requests, func(r *request) bool { return r.status == http.StatusServiceUnavailable && r.token != "" })
	if len(open) > w.Most && !unsettled {
		w.breaks("TOO MANY: %d sessions are open, %d allowed", len(open), w.Most)
	}
	least, ended := 0, false // how many sessions there were, one after the other or at once
	if !w.Anonymous {
		least = 1
	}
	for _, r := range w.requests {
		alone := len(r.sawAnswered) == len(w.requests)-1
		switch {
		case r.op.ends != nothing:
			ended = true
		case r.op.login != "" && r.ok():
			if v, _ := w.visit(r.token, 0); w.Prevents && v.ID == "" && w.onlyLogins() && r.op.elsewhere {
				w.breaks("ENDED: %s was answered with a token that opens nothing", r.name)
			}
			if r.op.elsewhere || w.Anonymous {
				least++
			}
		case r.op.login != "" && w.faulted == 0 && w.onlyLogins() && (alone || !w.Prevents) && alive < w.Most:
			w.breaks("REFUSED: %s was answered %d, with %d of %d sessions", r.name, r.status, alive, w.Most)
		}
		if r.status == http.StatusConflict && r.op.login != "" && r.token != "" {
			w.breaks("COOKIE: %s was answered %d with a token", r.name, r.status)
		}
	}
	if w.onlyLogins() && !ended && w.faulted == 0 && alive < min(least, w.Most) {
		w.breaks("NONE LEFT: %d sessions of %d, %d allowed", alive, least, w.Most)
	}
	if w.Anonymous && w.faulted == 0 && !slices.ContainsFunc(w.requests, func(r *request) bool { return !r.op.elsewhere && r.ok() }) {
		if v, _ := w.visit(w.first, 0); v.ID != w.start || v.Name != "once" {
			w.breaks("CHANGED: the refused logins left the session %v", v)
		}
	}
}

func (w *world) onlyLogins() bool {
	return !slices.ContainsFunc(w.requests, func(r *request) bool { return r.op.login == "" })
}

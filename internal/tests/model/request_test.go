package model_test

import (
	"slices"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// what a request came with, as the model sees it.
type standing string

const (
	unknown   standing = "not looked at"
	failing   standing = "not to be had"
	nothing   standing = "none"
	alive     standing = "a session"
	gone      standing = "a session that moved or ended"
	ambiguous standing = "sessions of two principals"
)

// A request is one under way: what it saw when it looked, and what it did since.
// All of it happens to the model when it is saved, on whatever is kept then.
type request struct {
	p       *plain
	started time.Time
	tokens  []string // distinct, in the order of the cookies

	is    standing
	id    session.ID
	base  kept    // as it was loaded, or last saved
	cur   kept    // as the handler sees it
	rest  []other // live sessions of the browser
	ops   []step
	login string
	renew bool
	clean bool // nothing is carried over
	err   int  // the status that the response will have because of an error; 0 is none

	newID      func() session.ID // asks the real session for the ID it got
	send, drop bool              // the browser must get the token, or forget it
	headerSent bool
}

// An other is a live session of the browser beside the one in use.
type other struct {
	id        session.ID
	principal string
}

// A step is one change, made on whatever is kept. False is a conflict.
type step struct {
	setting, cookie bool // it concerns the session itself; the browser must hear of it
	do              func(k *kept) bool
}

// look loads the session, once.
func (r *request) look() {
	if r.is == unknown {
		r.find()
	}
	if r.is == failing && r.err == 0 {
		r.err = 503
	}
}

func (r *request) find() {
	r.is, r.id, r.base, r.rest = nothing, "", kept{}, nil
	two := false // principals
	for _, token := range r.tokens {
		if r.p.down {
			r.is, r.id, r.base, r.rest = failing, "", kept{}, nil
			break
		}
		id := idOf(token)
		k, is := r.under(id)
		switch {
		case is == alive && r.is == alive && k.principal != r.base.principal && k.principal != "" && r.base.principal != "":
			two, r.rest = true, append(r.rest, other{id, k.principal})
		case is == alive && r.is == alive && !better(k, r.base):
			r.rest = append(r.rest, other{id, k.principal})
		case is == alive:
			if r.is == alive {
				r.rest = append(r.rest, other{r.id, r.base.principal})
			}
			r.is, r.id, r.base = alive, id, k
		case is == gone && r.is == nothing:
			r.is, r.id, r.base = gone, id, k
		}
	}
	if two {
		r.rest = append(r.rest, other{r.id, r.base.principal})
		r.is, r.id, r.base = ambiguous, "", kept{}
	}
	r.settle()
}

// settle begins what the handler sees.
func (r *request) settle() {
	if r.cur = r.base; r.is != alive {
		r.cur = kept{}
	}
}

// under tells what an ID is to a request.
func (r *request) under(id session.ID) (kept, standing) {
	k, there := r.p.all[id]
	switch {
	case there && k.movedTo != "" && r.p.now.Before(k.expires):
		return k, gone
	case !there, k.movedTo != "":
		if r.p.now.Sub(r.started) > markLife/2 {
			return kept{}, gone // a mark may have been here
		}
		return kept{}, nothing
	case !k.live(r.p.now):
		return kept{}, nothing
	}
	return k, alive
}

// better: with a principal, then the newer.
func better(a, b kept) bool {
	if (a.principal != "") != (b.principal != "") {
		return a.principal != ""
	}
	if !a.auth.Equal(b.auth) {
		return a.auth.After(b.auth)
	}
	return a.created.After(b.created)
}

func (r *request) principal() string {
	if r.login != "" {
		return r.login
	}
	return r.base.principalIf(r.is == alive)
}

func (k kept) principalIf(alive bool) string {
	if alive {
		return k.principal
	}
	return ""
}

func (r *request) change(s step) {
	if r.err != 0 {
		return
	}
	next := r.cur
	if !s.do(&next) {
		r.err = 409
		return
	}
	r.cur = next
	r.ops = append(r.ops, s)
}

func (r *request) forget() {
	r.ops, r.login, r.renew, r.clean = nil, "", false, false
	r.settle()
}

func (r *request) logIn(principal string) {
	r.look()
	if r.err != 0 {
		return
	}
	if was := r.principal(); was != "" && was != principal {
		r.ops, r.clean, r.cur = nil, true, r.p.blank()
	}
	r.login, r.renew = principal, true
}

func (r *request) renewToken() {
	r.look()
	if r.err == 0 && (r.is == alive || r.is == gone) {
		r.renew = true
	}
}

// with is k after the steps of this request.
func (r *request) with(k kept) (kept, bool) {
	for _, s := range r.ops {
		if !s.do(&k) {
			return k, false
		}
	}
	return k, true
}

// save makes what is pending happen, and answers with the status of what
// stands in its way, or 0.
func (r *request) save() int {
	if r.err != 0 || len(r.ops) == 0 && !r.renew {
		return r.err
	}
	var status int
	switch {
	case r.is == ambiguous, r.is == gone && r.login == "":
		status = 409
	case r.headerSent && r.needsCookie():
		status = 500 // which nobody gets any more
	case r.is != alive:
		status = r.begin()
	case r.p.down:
		status = 503
	case r.renew:
		status = r.move()
	default:
		status = r.update()
	}
	if status != 0 {
		r.err = status
		r.forget()
	}
	return status
}

// ended is what a request is told whose session ended or moved: it sees none from then on.
func (r *request) ended() int {
	r.is, r.base = gone, kept{}
	return 409
}

// saved takes over what is stored now.
func (r *request) saved(id session.ID, k kept, cookie bool) int {
	if cookie {
		r.send, r.drop = true, false
	}
	r.is, r.id, r.base = alive, id, k
	r.forget()
	return 0
}

func (r *request) update() int {
	k := r.p.all[r.id]
	if !k.live(r.p.now) {
		return r.ended()
	}
	next, fits := r.with(k)
	if !fits {
		return 409
	}
	cookie := slices.ContainsFunc(r.ops, func(s step) bool { return s.cookie })
	return r.saved(r.id, r.p.put(r.id, next.used(r.p.now)), cookie)
}

// begin stores a new session, unless there is nothing to store.
func (r *request) begin() int {
	next, fits := r.with(r.p.blank())
	switch {
	case !fits:
		return 409
	case r.login == "" && next.values.empty():
		settings := slices.DeleteFunc(r.ops, func(s step) bool { return !s.setting })
		r.forget()
		for _, s := range settings {
			r.change(s)
		}
		return 0
	case r.p.down:
		return 503
	}
	return r.create(next, true)
}

// create stores a session under a new token.
func (r *request) create(k kept, anew bool) int {
	if anew {
		k.created, k.seen, k.principal = r.p.now, r.p.now, r.login
		if r.login != "" {
			k.auth = r.p.now
		}
	}
	id := r.newID()
	return r.saved(id, r.p.put(id, k.used(r.p.now)), true)
}

// move gives the session a new token.
func (r *request) move() int {
	old := r.id
	was, there := r.p.all[old]
	switch {
	case there && was.movedTo != "" && r.login != "":
		return r.begin() // without anything from the old one
	case !was.live(r.p.now):
		return r.ended()
	}
	from := was
	if r.login != "" {
		from = r.p.blank()
		if !r.clean && (was.principal == "" || was.principal == r.login) {
			from.values = was.values
		}
	}
	next, fits := r.with(from)
	if !fits {
		return 409
	}
	r.create(next, r.login != "")
	r.p.put(old, kept{
		created: was.created, auth: was.auth, seen: r.p.now, movedTo: r.id,
		expires: r.p.now.Add(markLife), end: r.p.now.Add(markLife),
	})
	return 0
}

func (r *request) needsCookie() bool {
	switch {
	case r.send || r.renew:
		return true
	case len(r.ops) == 0:
		return false
	case r.is != alive:
		return r.is != gone && !r.cur.values.empty()
	}
	return slices.ContainsFunc(r.ops, func(s step) bool { return s.cookie })
}

// touch stores the time of use, if it is due.
func (r *request) touch() {
	now := r.p.now
	if r.is != alive || !r.base.live(now) || now.Sub(r.base.seen) < r.p.touchInterval(r.base.idle) || r.p.down {
		return
	}
	r.base, r.cur = r.base.used(now), r.cur.used(now)
	if k, there := r.p.all[r.id]; there && k.writes == r.base.writes {
		k.seen, k.expires = later(k.seen, r.base.seen), later(k.expires, r.base.expires)
		r.p.all[r.id] = k
	}
}

// saveNow is Save: what is pending, and the time of use.
func (r *request) saveNow() int {
	status := r.save()
	if status == 0 {
		r.touch()
	}
	return status
}

// commit is what happens before the header leaves: the status it leaves with.
func (r *request) commit(status int) int {
	if status >= 500 {
		r.forget()
	} else if r.is != unknown || r.err != 0 {
		if failed := r.saveNow(); failed != 0 {
			status = failed
		}
	}
	r.headerSent = true
	return status
}

// destroy ends the session at once, with all sessions of the browser's other
// cookies. What was made of it by a renewal is it, too.
func (r *request) destroy(cookies bool) int {
	if r.is == unknown {
		r.find()
	}
	r.forget()
	if r.is == failing || r.p.down && (r.is == alive || r.is == gone && r.id != "" || len(r.rest) > 0) {
		r.err = 503
		return 503
	}
	ended := false
	switch {
	case r.is == alive:
		ended = r.stop(r.id, func(k kept) bool { return k.principal == r.base.principal })
	case r.is == gone && r.id != "":
		mark := r.p.all[r.id]
		_, _, there := r.p.endOf(r.id)
		ended = there && r.stop(r.id, func(k kept) bool { return r.p.now.Before(mark.expires) && k.auth.Equal(mark.auth) })
	}
	for _, o := range r.rest {
		r.stop(o.id, func(k kept) bool { return k.principal == o.principal })
	}
	was := r.is
	switch r.is = nothing; {
	case (was == alive || was == gone) && !ended:
		r.is = gone
	case cookies:
		r.drop = true
	}
	r.send = false
	r.id, r.base, r.rest = "", kept{}, nil
	r.settle()
	return 0
}

// stop deletes what is under an ID, or was until a renewal. It tells whether
// nothing of it is left.
func (r *request) stop(id session.ID, follow func(kept) bool) bool {
	at, k, there := r.p.endOf(id)
	if there && at != id && !follow(k) {
		return false
	}
	delete(r.p.all, at)
	return true
}

// reload looks again, and makes the pending changes on what is there.
func (r *request) reload() int {
	switch r.is {
	case gone:
		return 409
	case alive:
		if r.p.down {
			return 503
		}
		k, is := r.under(r.id)
		if is != alive {
			r.is, r.base = gone, k
			r.forget()
			return 409
		}
		r.base = k
		r.settle()
	default:
		if r.find(); r.is == failing {
			return 503
		}
		if r.is == gone {
			r.forget()
			return 409
		}
	}
	if r.clean {
		r.cur = r.p.blank()
	}
	r.err = 0
	for _, s := range r.ops {
		next := r.cur
		if !s.do(&next) {
			r.forget()
			r.err = 409
			return 409
		}
		r.cur = next
	}
	return 0
}

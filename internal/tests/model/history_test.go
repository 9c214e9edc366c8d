package model_test

import (
	"fmt"
	"slices"
	"strings"
)

// What a request does.
type verb string

const (
	read       verb = "read"
	set        verb = "set"
	update     verb = "update"
	pop        verb = "pop"
	login      verb = "login"
	renew      verb = "renew"
	destroy    verb = "destroy"
	revoke     verb = "revoke"
	revokeFor  verb = "revokeFor"
	revokeAll  verb = "revokeAll"
	readTruth  verb = "read the truth" // past the cache
	mark       verb = "late mark"      // of a renewal that could not tell
	told       verb = "answered"       // what an operation wrote is known from here on
	revokeSome verb = "revoke some"    // a part of revokeAll
	revokeNew  verb = "revoke at once" // by a revokeAll that met the login under way
)

// Answers of an operation that is no request; others are HTTP statuses.
const (
	ok          = 200
	notFound    = 404
	conflict    = 409
	unavailable = 503
)

// An operation is one request, or a part of one that can take effect by itself.
type operation struct {
	id      int // of the request
	client  int
	process int
	verb    verb
	token   int    // that it came with; -1 is none
	arg     string // the value to set, or the principal

	status  int
	token2  int  // that the browser was given; -1 is none
	removed bool // the browser was made to forget its token
	live    bool // read: there was a session, and what it had
	seen    rec  // read, pop

	call, answer int64 // moments; an answer of open is none
}

// open is the answer of what may take effect at any time from its call on.
const open = int64(1) << 40

// whole tells whether the operation may also not happen at all.
func (o *operation) whole() bool { return o.answer != open }

func (o *operation) String() string {
	var b strings.Builder
	at := fmt.Sprintf("%d-%d", o.call, o.answer)
	if !o.whole() {
		at = fmt.Sprintf("%d-?", o.call)
	}
	fmt.Fprintf(&b, "%-11s request %-3d client %d process %d  %-9s", at, o.id, o.client, o.process, o.verb)
	if o.token >= 0 {
		fmt.Fprintf(&b, " token %d", o.token)
	}
	if o.arg != "" {
		fmt.Fprintf(&b, " %q", o.arg)
	}
	fmt.Fprintf(&b, " -> %d", o.status)
	switch {
	case o.verb != read && o.verb != readTruth && o.verb != pop:
	case !o.live:
		b.WriteString(", nothing there")
	case o.verb == pop:
		fmt.Fprintf(&b, ", took %q", o.seen.a)
	default:
		fmt.Fprintf(&b, ", saw a=%q n=%d of %q", o.seen.a, o.seen.n, o.seen.principal)
	}
	if o.token2 >= 0 {
		fmt.Fprintf(&b, ", new token %d", o.token2)
	}
	if o.removed {
		b.WriteString(", forget the token")
	}
	return b.String()
}

// parts is the request as the operations that the model knows. What failed
// without an effect is none. Of sessions that a revocation may have met there
// are at most the given number.
func (o operation) parts(tells bool, sessions int) []operation {
	var out []operation
	again := func(v verb, answer int64) {
		p := o
		p.verb, p.answer = v, answer
		out = append(out, p)
	}
	unknown := o.status == unavailable
	switch {
	case unknown && (o.verb == read || o.verb == pop && !o.live):
		return nil
	case unknown && (o.verb == login || o.verb == renew):
		if o.token2 < 0 {
			return nil // without a cookie nothing has happened, and nothing will
		}
		again(o.verb, o.answer)
		again(mark, open)
	case unknown && o.verb == revokeAll:
		for range sessions {
			again(revokeSome, open)
		}
	case unknown:
		again(o.verb, open)
	case o.verb == revokeAll:
		// Its sessions end one after the other; what it promises is that at
		// some moment none is left.
		for range sessions - 1 {
			again(revokeSome, o.answer)
		}
		again(revokeAll, o.answer)
	default:
		again(o.verb, o.answer)
	}
	if tells && !unknown && o.verb != read && o.verb != readTruth {
		p := operation{id: o.id, verb: told, call: o.answer + 1, answer: o.answer + 1, token: -1, token2: -1}
		out = append(out, p)
	}
	return out
}

// A history is what the clients of one family did and were answered.
type history []operation

// meets tells whether a login was under way at the same time as a revokeAll of
// its principal. That covers logins that were answered before; of one that is
// not, it may end what the login is about to hand out, or not.
func (h history) meets(login *operation) bool {
	return slices.ContainsFunc(h, func(o operation) bool {
		return o.verb == revokeAll && o.arg == login.arg && o.call < login.answer && (login.call < o.answer || o.status == unavailable)
	})
}

// sessions counts what a revokeAll may have met: the sessions of its principal
// that logins, and renewals that could not tell, had made. principal is that of
// the first.
func (h history) sessions(principal string, o *operation) (n int) {
	for _, other := range h {
		switch made := other.token2 >= 0 && (other.call < o.answer || o.status == unavailable); {
		case made && other.verb == login && other.arg == o.arg, made && other.verb == renew && other.status == unavailable:
			n++
		}
	}
	if o.arg == principal {
		n++
	}
	return n
}

// parts are the operations of all requests that the model knows.
func (h history) parts(principal string, tells bool) (out []operation) {
	for _, o := range h {
		sessions := 0
		if o.verb == revokeAll {
			sessions = h.sessions(principal, &o)
		}
		out = append(out, o.parts(tells, sessions)...)
		if o.verb == login && o.token2 >= 0 && h.meets(&o) {
			o.verb, o.token = revokeNew, o.token2
			out = append(out, o)
		}
	}
	return out
}

func (h history) String() string {
	h = slices.Clone(h)
	slices.SortStableFunc(h, func(a, b operation) int { return int(a.call - b.call) })
	var b strings.Builder
	for i := range h {
		b.WriteString("  " + h[i].String() + "\n")
	}
	return b.String()
}

package model_test

import (
	"github.com/anishathalye/porcupine"
)

// linearizable is the model as package porcupine takes it. Each family is
// judged alone, so there is no partition to make.
func linearizable(principal string, loose bool) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{newFamily(principal, loose)} },
		Step: func(state, input, _ any) []any {
			o := input.(*operation)
			var out []any
			for _, f := range o.step(state.(*family)) {
				out = append(out, f)
			}
			return out
		},
		Equal: func(x, y any) bool { return x.(*family).text == y.(*family).text },
		Hash: func(x any) uint64 {
			h := uint64(14695981039346656037)
			for _, b := range []byte(x.(*family).text) {
				h = (h ^ uint64(b)) * 1099511628211
			}
			return h
		},
	}
	return m.ToModel()
}

// step returns the families that there may be after the operation; none if it
// could not have been answered so.
func (o *operation) step(f *family) []*family {
	same, never := []*family{f}, []*family(nil)
	maybe := func(g ...*family) []*family { // what was not answered for may not have happened
		if !o.whole() {
			g = append(g, f)
		}
		return g
	}
	when := func(fits bool) []*family {
		if fits {
			return same
		}
		return never
	}
	r := f.rec(o.token)
	switch o.verb {
	case told:
		return []*family{f.told(o.id)}
	case read:
		return when(o.status == ok && f.shown(o.token, o.sees))
	case readTruth:
		return when(o.status == ok && o.sees(r))
	case set, update:
		return o.write(f, r, maybe, when)
	case pop:
		switch {
		case !o.live && o.status == ok:
			return when(f.shown(o.token, func(r rec) bool { return r.status != live || r.a == "" }))
		case o.status == conflict:
			return when(r.status != live || r.a != o.seen.a)
		case r.status != live || r.a != o.seen.a:
			return when(!o.whole())
		}
		r.a = ""
		return maybe(f.with(o.id, change{o.token, r}))
	case login, renew:
		return o.move(f, r, when)
	case mark:
		for _, k := range f.forks {
			if k == (fork{o.token, o.token2}) {
				r.status, r.to = moved, o.token2
				return []*family{f, f.with(o.id, change{o.token, r})}
			}
		}
		return same
	case destroy:
		return o.destroy(f, r, maybe, when)
	case revoke, revokeFor:
		at := f.end(o.token)
		there := f.rec(at).status == live && (o.verb == revoke || f.rec(at).principal == o.arg)
		switch {
		case o.status == notFound:
			return when(!there)
		case !there:
			return same // one that came first ended it
		}
		return maybe(f.with(o.id, change{at, rec{auth: -1}}))
	case revokeSome:
		out := same
		for t, r := range f.recs {
			if r.status == live && r.principal == o.arg {
				out = append(out, f.with(o.id, change{t, rec{auth: -1}}))
			}
		}
		return out
	case revokeNew:
		if r.status == live && r.principal == o.arg {
			return []*family{f, f.with(o.id, change{o.token, rec{auth: -1}})}
		}
		return same
	case revokeAll:
		var all []change
		for t, r := range f.recs {
			if r.status == live && r.principal == o.arg {
				all = append(all, change{t, rec{auth: -1}})
			}
		}
		return []*family{f.with(o.id, all...)}
	}
	panic("no such verb: " + o.verb)
}

// sees tells whether the record is what the request saw.
func (o *operation) sees(r rec) bool {
	if r.status != live {
		return !o.live
	}
	return o.live && r.a == o.seen.a && r.n == o.seen.n && r.principal == o.seen.principal
}

// write is a write of one value: to the session that there is, or, where there
// is none, as the beginning of a new one.
func (o *operation) write(f *family, r rec, maybe func(...*family) []*family, when func(bool) []*family) []*family {
	begins := r.status == absent
	if o.status == conflict {
		return when(r.status != live)
	}
	if begins {
		r = rec{status: live, auth: -1}
	}
	if o.verb == set {
		r.a = o.arg
	} else {
		r.n++
	}
	switch {
	case !o.whole():
		if o.token2 >= 0 {
			return nil
		}
		if begins || r.status != live {
			return when(true) // a session whose token nobody has
		}
		return maybe(f.with(o.id, change{o.token, r}))
	case o.status != ok, begins != (o.token2 >= 0), r.status != live:
		return nil
	case begins:
		return []*family{f.with(o.id, change{o.token2, r})}
	}
	return []*family{f.with(o.id, change{o.token, r})}
}

// move is a renewal or a login.
func (o *operation) move(f *family, r rec, when func(bool) []*family) []*family {
	next := r
	if o.verb == login {
		if r.status != live || r.principal != "" && r.principal != o.arg {
			next = rec{}
		}
		next.principal, next.auth = o.arg, o.token2
	}
	next.status = live
	switch {
	case o.status == conflict && o.verb == renew:
		return when(r.status != live)
	case o.status == conflict:
		return when(r.status == absent)
	case o.status == unavailable: // the new token went out, and the old one may have been left as it is
		if r.status != live {
			return nil
		}
		return []*family{f.with(o.id, change{o.token2, next}).forked(fork{o.token, o.token2})}
	case o.status != ok:
		return nil
	case o.token2 < 0:
		return when(o.verb == renew && f.shown(o.token, func(r rec) bool { return r.status == absent }))
	case r.status == live:
		r.status, r.to = moved, o.token2
		return []*family{f.with(o.id, change{o.token2, next}, change{o.token, r})}
	case o.verb == login:
		return []*family{f.with(o.id, change{o.token2, next})}
	}
	return nil
}

// destroy ends the session, also one that a renewal made of it meanwhile. What a
// login made of it is ended if the request saw the session before that.
func (o *operation) destroy(f *family, r rec, maybe func(...*family) []*family, when func(bool) []*family) []*family {
	at := f.end(o.token)
	last := f.rec(at)
	there := last.status == live
	switch {
	case o.status == ok && !o.removed: // a mark, and nothing behind it that is this session's
		return when(o.token < 0 || r.status == moved && (!there || last.auth != r.auth))
	case o.status != ok && o.status != unavailable:
		return nil
	case !there:
		return when(true)
	case r.status == moved && last.principal != r.principal:
		return when(!o.whole())
	}
	return maybe(f.with(o.id, change{at, rec{auth: -1}}))
}

package model_test

import (
	"slices"
	"strconv"
)

// The model of the concurrent machine. A family is a session and everything that
// came of it: renewals, logins, and new sessions begun with its tokens. Its
// tokens are numbered in the order in which browsers got them. Families have
// nothing to do with each other, so each is judged on its own.

type status int8

const (
	absent status = iota
	live
	moved
)

// A rec is what there is under a token.
type rec struct {
	status    status
	principal string // also of a moved one, for those who follow it
	a         string // a value; "" is none
	n         int    // a counter
	auth      int    // the token that the last login gave, -1 if none did
	to        int    // of a moved one: its successor
}

// A past is a record that was overwritten by an operation that may still be
// under way, so that a cache may still show it.
type past struct {
	token int
	rec   rec
	by    int
}

// A fork is what a renewal left that could not say whether the old token was
// turned into a mark: it may still be, until something is written under it.
type fork struct{ from, to int }

// A family is never changed; with makes another one.
type family struct {
	recs  []rec
	pasts []past
	forks []fork
	loose bool // there is a cache, so pasts are kept
	text  string
}

// newFamily begins with one session under token 0.
func newFamily(principal string, loose bool) *family {
	f := &family{recs: []rec{{status: live, principal: principal, auth: 0}}, loose: loose}
	f.seal()
	return f
}

// rec is what there is now under a token; -1 is no cookie at all.
func (f *family) rec(token int) rec {
	if token < 0 || token >= len(f.recs) {
		return rec{auth: -1}
	}
	return f.recs[token]
}

// shown tells whether a read of the token may be answered from a record for
// which fits is true: the one there is now, or one that a cache may still show.
func (f *family) shown(token int, fits func(rec) bool) bool {
	return fits(f.rec(token)) || slices.ContainsFunc(f.pasts, func(p past) bool { return p.token == token && fits(p.rec) })
}

// end follows the marks from a token to what is at their end.
func (f *family) end(token int) int {
	for f.rec(token).status == moved {
		token = f.recs[token].to
	}
	return token
}

// A change is a write of one record.
type change struct {
	token int
	rec   rec
}

// with is the family after operation by has made its changes.
func (f *family) with(by int, changes ...change) *family {
	g := &family{recs: slices.Clone(f.recs), pasts: slices.Clone(f.pasts), forks: slices.Clone(f.forks), loose: f.loose}
	for _, c := range changes {
		for len(g.recs) <= c.token {
			g.recs = append(g.recs, rec{auth: -1})
		}
		if was := g.recs[c.token]; f.loose && was.status != absent {
			g.pasts = append(g.pasts, past{c.token, was, by})
		}
		g.recs[c.token] = c.rec
		g.forks = slices.DeleteFunc(g.forks, func(k fork) bool { return k.from == c.token })
	}
	g.seal()
	return g
}

// forked is the family in which the mark of a renewal may still arrive.
func (f *family) forked(k fork) *family {
	g := *f
	g.forks = append(slices.Clone(f.forks), k)
	g.seal()
	return &g
}

// told is the family after operation by has been answered for: nobody may see
// any more what it overwrote.
func (f *family) told(by int) *family {
	last := map[int]int{} // the place of the last past to go, by token
	for i, p := range f.pasts {
		if p.by == by {
			last[p.token] = i
		}
	}
	if len(last) == 0 {
		return f
	}
	g := *f
	g.pasts = nil
	for i, p := range f.pasts {
		if l, ok := last[p.token]; !ok || i > l {
			g.pasts = append(g.pasts, p)
		}
	}
	g.seal()
	return &g
}

// seal writes the family down, for comparison.
func (f *family) seal() {
	b := make([]byte, 0, 24*(len(f.recs)+len(f.pasts)))
	for _, r := range f.recs {
		b = r.append(b)
	}
	for _, p := range f.pasts {
		b = strconv.AppendInt(append(b, '~'), int64(p.token), 10)
		b = strconv.AppendInt(append(b, '/'), int64(p.by), 10)
		b = p.rec.append(b)
	}
	for _, k := range f.forks {
		b = strconv.AppendInt(append(b, 'Y'), int64(k.from), 10)
		b = strconv.AppendInt(append(b, '>'), int64(k.to), 10)
	}
	f.text = string(b)
}

func (r rec) append(b []byte) []byte {
	switch r.status {
	case absent:
		return append(b, '-', ' ')
	case moved:
		b = append(b, '>')
		b = strconv.AppendInt(b, int64(r.to), 10)
	}
	b = append(append(b, r.principal...), '{')
	b = append(append(b, r.a...), ',')
	b = strconv.AppendInt(b, int64(r.n), 10)
	b = strconv.AppendInt(append(b, '}', '@'), int64(r.auth), 10)
	return append(b, ' ')
}

package session

import (
	"math"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

// maxCandidates bounds how many cookies of our name one request may have tried.
const maxCandidates = 3

// A candidates is the distinct well-formed tokens of a request, in order.
type candidates struct {
	tokens [maxCandidates]token
	n      int
}

// candidates takes the header apart as net/http does, but makes nothing of other
// cookies, and of values that are no token.
func (m *Manager) candidates(r *http.Request) (c candidates) {
	for _, line := range r.Header["Cookie"] {
		for more := true; more; {
			var part string
			part, line, more = strings.Cut(line, ";")
			name, value, _ := strings.Cut(textproto.TrimString(part), "=")
			if textproto.TrimString(name) != m.opts.Cookie.Name {
				continue
			}
			if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
				value = value[1 : n-1]
			}
			t, ok := parseToken(value)
			if !ok || slices.Contains(c.tokens[:c.n], t) {
				continue
			}
			c.tokens[c.n] = t
			if c.n++; c.n == maxCandidates {
				return c
			}
		}
	}
	return c
}

// newCookie returns the cookie with the attributes that identify it to a
// browser: setting and removing must agree in them.
func (m *Manager) newCookie(value string, maxAge int) *http.Cookie {
	c := &m.opts.Cookie
	return &http.Cookie{
		Name: c.Name, Value: value, MaxAge: maxAge,
		Path: c.Path, Domain: c.Domain,
		Secure: !m.opts.Insecure, HttpOnly: !c.ScriptReadable,
		SameSite: c.SameSite, Partitioned: c.Partitioned,
	}
}

// setCookie is the cookie for a session: with an age if it is to outlive the browser.
func (m *Manager) setCookie(t token, rec *Record) *http.Cookie {
	maxAge := 0
	if rec.Persistent {
		left := math.Ceil(rec.LifetimeEnd.Sub(m.now()).Seconds())
		maxAge = int(max(left, 1))
	}
	return m.newCookie(t.cookie(), maxAge)
}

// removalCookie makes the browser forget the cookie.
func (m *Manager) removalCookie() *http.Cookie {
	c := m.newCookie("", -1)
	c.Expires = time.Unix(0, 0) // for browsers older than Max-Age
	return c
}

// putCookie sets the cookie and sees to it that it is the only one of its name.
func putCookie(h http.Header, c *http.Cookie) {
	lines := h["Set-Cookie"]
	kept := lines[:0:0]
	for _, line := range lines {
		if name, _, _ := strings.Cut(line, "="); textproto.TrimString(name) != c.Name {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, c.String())
}

// varyCookie adds Cookie to Vary: what was answered depended on it (RFC 9111, section 4.1).
func (x *Exchange) varyCookie(h http.Header) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = textproto.TrimString(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	if h["Vary"] == nil {
		x.vary[0] = "Cookie"
		h["Vary"] = x.vary[:]
		return
	}
	h.Add("Vary", "Cookie")
}

// noStore keeps a response with a cookie out of every cache; a shared cache may
// store Set-Cookie otherwise (RFC 9111, section 7.3).
func noStore(h http.Header) {
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(directive), "no-store") {
				return
			}
		}
	}
	h.Set("Cache-Control", "no-store")
}

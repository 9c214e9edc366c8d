package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/seshat-go/seshat/core/session"
)

// secrets are the passwords that this program was given, in all forms in which
// an error of a driver might quote them.
type secrets []string

// hidden stands in their place.
const hidden = "***"

// secretsIn looks for passwords in URLs: the values of variables, and arguments.
func secretsIn(args, environ []string) secrets {
	var s secrets
	for _, text := range slices.Concat(args, environ) {
		if _, rest, ok := strings.Cut(text, "://"); ok {
			s = s.inURL(rest)
		}
		if name, value, ok := strings.Cut(text, "="); ok && passwordName.MatchString(name) && !strings.Contains(value, "://") {
			s = s.add(value, schemes) // PGPASSWORD and its like
		}
	}
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	return slices.Compact(s)
}

var (
	passwordName  = regexp.MustCompile(`^(PGPASSWORD|MYSQL_PWD|REDIS_PASSWORD)$`)
	passwordParam = regexp.MustCompile(`(?i)[?&]([^=&#]*(?:pass|secret|pwd)[^=&#]*)=([^&#]*)`)
)

// schemes are words of every message about a server, whoever's password they are.
const schemes = "postgres postgresql mysql sqlite redis rediss unix "

// shortestPiece is the length from which a piece of a password is hidden by
// itself: a shorter one tells little, and is often a word of the message.
const shortestPiece = 4

// inURL adds the passwords of a URL, whose text after "://" it is given. Where
// it is no URL since a password has characters that it must not, what lies
// before the last @ counts, as a whole and in pieces.
func (s secrets) inURL(rest string) secrets {
	visible := rest
	var passwords []string
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, has := strings.Cut(rest[:at], ":")
		visible = user + " " + rest[at+1:]
		if has {
			passwords = append(passwords, password)
			for _, piece := range strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("/?#@:", r) }) {
				if len(piece) >= shortestPiece {
					passwords = append(passwords, piece)
				}
			}
		}
	}
	for _, m := range passwordParam.FindAllStringSubmatch(rest, -1) {
		passwords = append(passwords, m[2])
	}
	visible = schemes + passwordParam.ReplaceAllString(visible, "&")
	for _, p := range passwords {
		s = s.add(p, visible)
	}
	return s
}

// add adds a password and what it reads as, unless it is what the rest of the URL
// says as well, as the postgres of postgres://shop:postgres@host/shop: to hide that
// would hide nothing, spoil the message, and give the password away.
func (s secrets) add(password, visible string) secrets {
	forms := []string{password}
	for _, read := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if plain, err := read(password); err == nil {
			forms = append(forms, plain, url.PathEscape(plain), url.QueryEscape(plain), url.UserPassword("", plain).String()[1:])
		}
	}
	for _, f := range forms {
		if f != "" && !slices.Contains(s, f) && !slices.Contains(strings.FieldsFunc(visible, notWord), f) {
			s = append(s, f)
		}
	}
	return s
}

func notWord(r rune) bool { return strings.ContainsRune(" /?&=:@.,", r) }

// hide returns the text without the passwords. One that is only a part of a word
// stays, as the shop of shopping does.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		var b strings.Builder
		done := 0
		for from := 0; ; {
			at := strings.Index(text[from:], secret)
			if at < 0 {
				break
			}
			begin, end := from+at, from+at+len(secret)
			if !bounded(text, begin) || !bounded(text, end) {
				from = begin + 1
				continue
			}
			b.WriteString(text[done:begin] + hidden)
			done, from = end, end
		}
		text = b.String() + text[done:]
	}
	return text
}

// bounded tells whether a word may begin or end at a place in the text. An escape
// before it, as in %3As3cret or in \ns3cret, is no part of the word.
func bounded(text string, at int) bool {
	if at == 0 || at == len(text) || !wordByte(text[at-1]) || !wordByte(text[at]) {
		return true
	}
	return escape.MatchString(text[max(0, at-3):at])
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}$|\\[a-z]$`)

// wordByte takes what is not ASCII for letters.
func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// longWord may be the token out of a cookie, alone or with something around it.
var longWord = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)

// veil returns a text that quotes arguments without those that may be tokens: a
// cookie's text looks like an ID, and comes to stand in the place of anything.
func (t *tool) veil(text string) string {
	return longWord.ReplaceAllStringFunc(t.secrets.hide(text), func(word string) string {
		for i := range len(word) - idLength + 1 {
			part := word[i : i+idLength]
			if session.ID(part).Valid() && slices.ContainsFunc(t.args, func(a string) bool { return strings.Contains(a, part) }) {
				return "(an ID or token)"
			}
		}
		return word
	})
}

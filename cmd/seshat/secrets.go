package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
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
			s = append(s, value) // PGPASSWORD and its like
		}
	}
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	return slices.Compact(s)
}

var (
	passwordName  = regexp.MustCompile(`^(PGPASSWORD|MYSQL_PWD|REDIS_PASSWORD)$`)
	passwordParam = regexp.MustCompile(`(?i)[?&]([^=&#]*(?:pass|secret|pwd)[^=&#]*)=([^&#]*)`)
)

// inURL adds the passwords of a URL, whose text after "://" it is given. Where
// it is no URL since a password has characters that it must not, what lies
// before the last @ counts, as a whole and in pieces.
func (s secrets) inURL(rest string) secrets {
	visible := rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, password, has := strings.Cut(rest[:at], ":")
		visible = user + " " + rest[at+1:]
		if has {
			pieces := strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("/?#@:", r) })
			for _, p := range append(pieces, password) {
				s = s.add(p, visible)
			}
		}
	}
	for _, m := range passwordParam.FindAllStringSubmatch(rest, -1) {
		s = s.add(m[2], strings.Replace(visible, m[0], "", 1))
	}
	return s
}

// add adds a password and what it reads as, unless it is what the rest of the URL
// says as well, as the postgres of postgres://postgres:postgres@host/postgres: to
// hide that would hide nothing, and spoil the message.
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

// hide returns the text without the passwords.
func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

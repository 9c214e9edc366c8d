package session

import (
	"strings"
	"testing"
)

// FuzzToken: what is taken for a token is exactly what the server would send.
func FuzzToken(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		parsed, ok := parseToken(s)
		if ok != ID(s).Valid() {
			t.Fatalf("a token: %v, in the form of an ID: %v", ok, !ok)
		}
		if !ok {
			return
		}
		if parsed.cookie() != s {
			t.Fatalf("%q is sent back as %q", s, parsed.cookie())
		}
		id, other := parsed.id("session"), parsed.id("other")
		if !id.Valid() || id == other || string(id) == s {
			t.Fatalf("the IDs of %q are %q and %q", s, id, other)
		}
	})
}

func TestEveryChangeOfATokenIsAnotherOrNone(t *testing.T) {
	good := newToken()
	text := good.cookie()
	changed := func(s string) {
		t.Helper()
		if p, ok := parseToken(s); ok && (p == good || p.id("session") == good.id("session")) {
			t.Errorf("%q is taken for %q", s, text)
		}
	}
	for i := range text {
		for bit := range 8 {
			b := []byte(text)
			b[i] ^= 1 << bit
			changed(string(b))
		}
		changed(text[:i])
		changed(text[:i] + text[i+1:])
		changed(text[:i] + "=" + text[i:])
		changed(text[:i] + "\n" + text[i:])
	}
	standard := strings.NewReplacer("-", "+", "_", "/")
	for _, s := range []string{text + "=", text + "A", text + text, " " + text, text + " ", `"` + text + `"`, strings.ToUpper(text), standard.Replace(text + "-_")} {
		changed(s)
	}
}

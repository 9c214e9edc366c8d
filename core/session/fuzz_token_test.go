package session

import (
	"log/slog"
	"net/http"
	"slices"
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

// FuzzCandidates: the tokens of a request are those in the cookies that net/http finds.
func FuzzCandidates(f *testing.F) {
	m := Must(New(Options{Insecure: true, Store: NewMemoryStore(MemoryOptions{}), Logger: slog.New(slog.DiscardHandler)}))
	one, other := "session="+strings.Repeat("A", 43), "session="+strings.Repeat("B", 42)+"A"
	for _, seed := range []string{
		"", one, other + "; " + one, one + ";" + one, " " + one + " ;; = ; session; session=", strings.Replace(one, "=", "= ", 1), strings.Replace(one, "=", " =", 1),
		strings.Replace(one, "=", `="`, 1) + `"`, strings.Replace(one, "=", `="`, 1), "Session=" + one[8:], "x" + one, `session="";` + other, "a=\xff; " + one, "\tsession=" + one[8:] + "\t",
	} {
		f.Add(seed, other)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Count(first+second, ";") > 2000 {
			t.Skip("net/http has a limit here")
		}
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		var want []token
		for _, c := range r.CookiesNamed("session") {
			if found, ok := parseToken(c.Value); ok && !slices.Contains(want, found) && len(want) < maxCandidates {
				want = append(want, found)
			}
		}
		got := m.candidates(r)
		if !slices.Equal(got.tokens[:got.n], want) {
			t.Fatalf("%d tokens in %q and %q, want %d", got.n, first, second, len(want))
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

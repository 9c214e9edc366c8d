package hostile_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// unknown returns tokens in the right form that no server made.
func unknown(n int) []string {
	out := make([]string, n)
	for i := range out {
		var b [32]byte
		copy(b[:], fmt.Sprintf("forged %d", i))
		out[i] = base64.RawURLEncoding.EncodeToString(b[:])
	}
	return out
}

func cookieLine(tokens ...string) string {
	return cookieName + "=" + strings.Join(tokens, "; "+cookieName+"=")
}

const mebibyte = 1 << 20

// requests are what is sent, by what it is. TOKEN in a request is that of a live
// session. status is 0 for whatever net/http answers: 200, 400 or 431, or nothing.
func requests() []request {
	get := func(headers string) string { return "GET / HTTP/1.1\r\nHost: shop.example\r\n" + headers + "\r\n" }
	cookies := func(tokens ...string) string { return get("Cookie: " + cookieLine(tokens...) + "\r\n") }
	with := func(value string) string { return get("Cookie: " + cookieName + "=" + value + "\r\n") }
	all := []request{
		{"one unknown", cookies(unknown(1)...), 200, false},
		{"the session after two unknown", cookies(append(unknown(2), "TOKEN")...), 200, true},
		{"the session after three unknown", cookies(append(unknown(3), "TOKEN")...), 200, false},
		{"four times the session", cookies("TOKEN", "TOKEN", "TOKEN", "TOKEN"), 200, true},
		{"the session before 100 unknown", cookies(append([]string{"TOKEN"}, unknown(100)...)...), 200, true},
		{"the session after 100 unknown", cookies(append(unknown(100), "TOKEN")...), 200, false},
		{"the session after 100 malformed", cookies(append(slices.Repeat([]string{"x"}, 100), "TOKEN")...), 200, true},
		{"10,000 unknown", cookies(unknown(10_000)...), 200, false},
		{"two Cookie headers", get("Cookie: a=b\r\nCookie: " + cookieLine("TOKEN") + "\r\n"), 200, true},
		{"1000 Cookie headers", get(strings.Repeat("Cookie: "+cookieName+"=x\r\n", 1000)), 200, false},
		{"half a MiB of Cookie", with(strings.Repeat("A", mebibyte/2)), 200, false},
		{"a MiB of Cookie", with(strings.Repeat("A", mebibyte)), 0, false},
		{"8 MiB of Cookie", with(strings.Repeat("A", 8*mebibyte)), 431, false},
		{"a MiB of another header", get("X-Padding: " + strings.Repeat("A", mebibyte+8192) + "\r\n"), 431, false},
		{"a MiB of headers", get(strings.Repeat("X-A: b\r\n", mebibyte/8+2048)), 431, false},
		{"header without end", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("A", 2*mebibyte), 431, false},

		{"quoted", with(`"TOKEN"`), 200, true}, // RFC 6265, section 4.1.1
		{"half quoted", with(`"TOKEN`), 200, false},
		{"quotes inside", with(`TOK"EN`), 200, false},
		{"spaces around", with("  TOKEN  "), 200, false},
		{"space inside", with("TOK EN"), 200, false},
		{"comma after", with("TOKEN,"), 200, false},
		{"backslash before", with(`\TOKEN`), 200, false},
		{"padded", with("TOKEN="), 200, false},
		{"percent-encoded", with("%54OKEN"), 200, false},
		{"line break inside", with("TOK\nEN"), 400, false},
		{"carriage return inside", with("TOK\rEN"), 400, false},
		{"line folded", with("TOK\r\n EN"), 0, false},
		{"NUL", with("\x00"), 400, false},
		{"NUL at the end", with("TOKEN\x00"), 400, false},
		{"not UTF-8", with("\xff\xfe" + strings.Repeat("\xff", 41)), 200, false},
		{"runes", with(strings.Repeat("日", 14) + "x"), 200, false},
		{"Redis glob", with(strings.Repeat("*", 43)), 200, false},
		{"Redis globs", with(`*?[a-z]\`), 200, false},
		{"Redis commands", with("x\r\nDEL sessions:*\r\n"), 0, false},
		{"SQL", with("' OR '1'='1' --"), 200, false},
		{"SQL of the length of a token", with("' OR id LIKE '%' UNION SELECT * FROM h1 --x"), 200, false},
		{"path", with("../../../../../../../../../../../etc/passwd"), 200, false},
		{"format verbs", with("%s%n%x%!(EXTRA)"), 200, false},

		{"name in lower case", get("Cookie: __host-session=TOKEN\r\n"), 200, false},
		{"name in upper case", get("Cookie: __HOST-SESSION=TOKEN\r\n"), 200, false},
		{"name in mixed case", get("Cookie: __HoSt-session=TOKEN\r\n"), 200, false},
		{"name without prefix", get("Cookie: session=TOKEN\r\n"), 200, false},
		{"name with another prefix", get("Cookie: __Secure-session=TOKEN\r\n"), 200, false},
		{"name with a space after", get("Cookie: __Host-session =TOKEN\r\n"), 200, true}, // browsers trim it as net/http does, and check the prefix after
		{"name after a Unicode space", get("Cookie: \u2000__Host-session=TOKEN\r\n"), 200, false},
		{"name after a no-break space", get("Cookie: \u00a0__Host-session=TOKEN\r\n"), 200, false},
		{"legacy form", get("Cookie: $Version=1, __Host-session=TOKEN\r\n"), 200, false},
		{"legacy form quoted", get("Cookie: $Version=1; a=\"b; __Host-session=TOKEN; c=d\"\r\n"), 200, true},
		{"no name", get("Cookie: =__Host-session=TOKEN\r\n"), 200, false},
		{"header name in upper case", get("COOKIE: " + cookieName + "=TOKEN\r\n"), 200, true},
		{"Cookie2", get("Cookie2: " + cookieName + "=TOKEN\r\n"), 200, false},
		{"in the query", "GET /?" + cookieName + "=TOKEN HTTP/1.1\r\nHost: shop.example\r\n\r\n", 200, false},
		{"in a form", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 58\r\n\r\n" + cookieName + "=TOKEN", 200, false},
		{"in a header", get(cookieName + ": TOKEN\r\nAuthorization: Bearer TOKEN\r\n"), 200, false},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nCookie: " + cookieName + "=TOKEN\r\n\r\n", 200, true},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 5\r\nCookie: " + cookieLine("TOKEN") + "\r\n\r\n", 400, false},
		{"User-Agent of any bytes", get("User-Agent: \xff\xfe\x7f\xe2\x80\xae\r\nCookie: " + cookieLine("TOKEN") + "\r\n"), 0, true},
	}
	for _, n := range []int{0, 1, 21, 42} {
		all = append(all, request{fmt.Sprintf("the first %d characters", n), with(fmt.Sprintf("TOKEN[:%d]", n)), 200, false})
	}
	return append(all, request{"one character more", with("TOKENA"), 200, false}, request{"twice as long", with("TOKENTOKEN"), 200, false})
}

type request struct {
	name   string
	text   string
	status int
	live   bool // the session is found
}

// fill puts a token into a request.
func (r request) fill(token string) string {
	text := r.text
	for _, n := range []int{0, 1, 21, 42} {
		text = strings.ReplaceAll(text, fmt.Sprintf("TOKEN[:%d]", n), token[:n])
	}
	text = strings.NewReplacer("TOK\nEN", token[:20]+"\n"+token[20:], "TOK\rEN", token[:20]+"\r"+token[20:], "TOK EN", token[:20]+" "+token[20:],
		`TOK"EN`, token[:20]+`"`+token[20:], "TOK\r\n EN", token[:20]+"\r\n "+token[20:], "%54OKEN", fmt.Sprintf("%%%02x", token[0])+token[1:]).Replace(text)
	return strings.ReplaceAll(text, "TOKEN", token)
}

func TestAnyRequestGetsAnOrdinaryAnswerAndCreatesNothing(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := open(t, e)
		alice := s.signIn("alice")
		before := s.records()
		for _, r := range requests() {
			a := s.raw(r.fill(alice.token))
			switch {
			case r.status == 0 && !slices.Contains([]int{0, 200, 400, 431}, a.status), r.status == 431 && a.status == 0: // closed while it was told
			case r.status > 0 && a.status != r.status:
				t.Errorf("%s: answered %d %q, want %d", r.name, a.status, a.body, r.status)
			}
			if r.status == 0 && a.status >= 500 || a.cookies != nil {
				t.Errorf("%s: answered %d with the cookies %q", r.name, a.status, a.cookies)
			}
			if live := a.view.ID == alice.id; a.status == 200 && live != r.live || a.view.ID != "" && !live {
				t.Errorf("%s: the session %+v is found; want it: %v", r.name, a.view, r.live)
			}
		}
		alice.wantWhole()
		if n := s.records(); n != before {
			t.Errorf("%d records became %d", before, n)
		}
		s.sent = append(s.sent, unknown(5)...)
	})
}

func TestEveryBitOfATokenCounts(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := open(t, e)
		alice := s.signIn("alice")
		before, stored := s.records(), 0
		for i := range alice.token {
			for bit := range 8 {
				forged := []byte(alice.token)
				forged[i] ^= 1 << bit
				if forged[i] < ' ' || forged[i] == 0x7f {
					continue // net/http refuses it
				}
				_, n := s.events.since(0)
				a := s.ask("", cookieName+"="+string(forged))
				if a.status != http.StatusOK || a.view.ID != "" || a.view.Principal != "" || a.cookies != nil {
					t.Fatalf("bit %d of character %d: answered %d %+v %q", bit, i, a.status, a.view, a.cookies)
				}
				s.sent = append(s.sent, string(forged))
				events, _ := s.events.since(n)
				for _, e := range events {
					if stored++; e.Kind != session.EventUnknownToken {
						t.Errorf("the event is %+v", e)
					}
				}
				if len(events) > 1 {
					t.Errorf("%d events", len(events))
				}
			}
		}
		if stored < 43 {
			t.Errorf("only %d of the forged tokens had the form of one", stored)
		}
		alice.wantWhole()
		if n := s.records(); n != before {
			t.Errorf("%d records became %d", before, n)
		}
	})
}

func TestASignOutWithAnyCookiesIsOrdinary(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := open(t, e)
		alice := s.signIn("alice")
		for _, tokens := range [][]string{unknown(1), unknown(3), unknown(100), {"x"}, {""}, {strings.Repeat("A", 100_000)}} {
			a := s.ask("destroy=", cookieLine(tokens...))
			if a.status != http.StatusOK || len(a.cookies) != 1 || !strings.Contains(a.cookies[0], "Max-Age=0") {
				t.Errorf("%.60q: answered %d with the cookies %q", tokens, a.status, a.cookies)
			}
		}
		alice.wantWhole()
		a := s.ask("destroy=", cookieLine(append(unknown(2), alice.token)...))
		if a.status != http.StatusOK || s.ask("", alice.cookie()).view.ID != "" {
			t.Errorf("answered %d, and the session lives", a.status)
		}
	})
}

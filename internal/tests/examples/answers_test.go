package examples_test

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
)

// An ask is one request of a browser's visit, and what the answer must be.
type ask struct {
	method, path string
	form         string // encoded
	header       string // "Name: value"
	status       int
	on           string // must be in the body
	off          string // must not be
}

func form(field, value string) string { return url.Values{field: {value}}.Encode() }

// visits is a whole visit to a shop, in order.
var visits = []ask{
	{method: "GET", path: "/healthz", status: 200, on: "ok"},
	{method: "HEAD", path: "/healthz", status: 200},
	{method: "GET", path: "/", status: 200, on: "Sign in", off: "Signed in"},
	{method: "HEAD", path: "/", status: 200},
	{method: "GET", path: "/api/session", status: 200, on: `{"user":"","cart":[],"id":"","created_at":"","expires_at":""}`},

	{method: "POST", path: "/login", form: form("user", ""), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("user", "   "), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("user", strings.Repeat("x", 65)), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("user", "a\x00b"), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("user", "a\xffb"), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("name", "alice"), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login?user=alice", status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: "user=%zz", status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: "user=" + strings.Repeat("x", 1<<20), status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: `{"user":"alice"}`, header: "Content-Type: application/json", status: 400, on: "1 to 64 characters"},
	{method: "POST", path: "/login", form: form("user", "alice"), header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "POST", path: "/login", form: form("user", "alice"), header: "Origin: https://example.com", status: 403},
	{method: "POST", path: "/cart/remove", form: form("item", "Sencha"), status: 303}, // there is nothing to remove
	{method: "POST", path: "/logout", status: 303},                                    // nor to sign out of
	{method: "GET", path: "/api/session", status: 200, on: `"id":""`},
	{method: "GET", path: "/devices", status: 303},
	{method: "HEAD", path: "/devices", status: 303},
	{method: "POST", path: "/devices/end", form: form("id", strings.Repeat("A", 43)), status: 303},
	{method: "POST", path: "/devices/end-others", status: 303},

	{method: "POST", path: "/cart", form: form("item", ""), status: 400, on: "1 to 200 bytes"},
	{method: "POST", path: "/cart", form: form("item", strings.Repeat("ü", 101)), status: 400, on: "1 to 200 bytes"},
	{method: "POST", path: "/cart", form: form("item", "a\nb"), status: 400, on: "1 to 200 bytes"},
	{method: "POST", path: "/cart", form: form("item", "<b>Sencha & co"), status: 303},
	{method: "HEAD", path: "/", status: 200}, // shows no message
	{method: "GET", path: "/", status: 200, on: "Added to your cart: &lt;b&gt;Sencha &amp; co", off: "<b>"},
	{method: "GET", path: "/", status: 200, on: "Remove &lt;b&gt;Sencha &amp; co", off: "Added to your cart"},

	{method: "POST", path: "/login", form: form("user", strings.Repeat("ü", 64)), status: 303},
	{method: "GET", path: "/", status: 200, on: "Signed in as <strong>" + strings.Repeat("ü", 64), off: "Your cart is empty"},
	{method: "GET", path: "/devices", header: "User-Agent: <script>", status: 200, on: "An unknown browser", off: "<script>"},
	{method: "HEAD", path: "/devices", status: 200},
	{method: "POST", path: "/devices/end", form: form("id", strings.Repeat("A", 43)), status: 404, on: "not among those"},
	{method: "POST", path: "/devices/end", form: form("id", "<b>"), status: 404, on: "not among those", off: "<b>"},
	{method: "POST", path: "/devices/end", form: form("device", "x"), status: 404, on: "not among those"},
	{method: "POST", path: "/devices/end", form: form("id", "x"), header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "POST", path: "/devices/end-others", header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "POST", path: "/devices/end-others", header: "Origin: https://example.com", status: 403},
	{method: "POST", path: "/devices/end-others", status: 303},
	{method: "GET", path: "/devices", status: 200, on: "There was no other device"},
	{method: "POST", path: "/login", form: form("user", " alice "), status: 303}, // carries nothing over
	{method: "GET", path: "/", status: 200, on: "Signed in as <strong>alice</strong>"},
	{method: "GET", path: "/", status: 200, on: "Your cart is empty"},
	{method: "GET", path: "/api/session", status: 200, on: `{"user":"alice","cart":[],"id":"`},
	{method: "HEAD", path: "/api/session", status: 200},
	{method: "POST", path: "/login", form: form("user", ""), status: 400, on: "1 to 64 characters"},

	{method: "POST", path: "/cart", form: form("item", "Assam"), status: 303},
	{method: "POST", path: "/cart", form: form("item", "Sencha"), header: "Sec-Fetch-Site: same-origin", status: 303},
	{method: "POST", path: "/cart", form: form("item", "Assam"), status: 303},
	{method: "POST", path: "/cart", form: form("item", strings.Repeat("x", 200)), status: 303},
	{method: "POST", path: "/cart", form: form("item", strings.Repeat("x", 201)), status: 400, on: "1 to 200 bytes"},
	{method: "POST", path: "/cart", form: form("item", "Oolong"), header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "POST", path: "/cart/remove", form: form("item", "Assam"), header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "POST", path: "/cart/remove", form: form("item", "Assam"), status: 303},
	{method: "POST", path: "/cart/remove", form: form("item", "Oolong"), status: 303},
	{method: "POST", path: "/cart/remove", form: form("item", ""), status: 400, on: "1 to 200 bytes"},
	{method: "GET", path: "/api/session", status: 200, on: `"cart":["Sencha","Assam","xx`},

	{method: "GET", path: "/nosuch", status: 404},
	{method: "POST", path: "/nosuch", status: 404},
	{method: "GET", path: "/login/", status: 404},
	{method: "GET", path: "/cart/remove/all", status: 404},
	{method: "POST", path: "/", status: 405},
	{method: "GET", path: "/login", status: 405},
	{method: "GET", path: "/cart", status: 405},
	{method: "DELETE", path: "/cart", status: 405},
	{method: "POST", path: "/healthz", status: 405},
	{method: "GET", path: "/devices/", status: 404},
	{method: "POST", path: "/devices", status: 405},
	{method: "GET", path: "/devices/end", status: 405},
	{method: "GET", path: "/devices/end-others", status: 405},

	{method: "POST", path: "/logout", header: "Sec-Fetch-Site: cross-site", status: 403},
	{method: "GET", path: "/", status: 200, on: "Signed in as <strong>alice</strong>"},
	{method: "POST", path: "/logout", status: 303},
	{method: "GET", path: "/", status: 200, on: "Your cart is empty", off: "Signed in"},
	{method: "GET", path: "/", header: "Cookie: session=" + strings.Repeat("A", 43), status: 200, off: "Signed in"},
	{method: "GET", path: "/", header: "Cookie: session=;;=;\"session=%00", status: 200, off: "Signed in"},
}

// run makes a whole visit, with a new browser, and returns what was answered.
func run(t *testing.T, shop *examples.Process) []string {
	t.Helper()
	v := visit(t, shop)
	answers := make([]string, len(visits))
	for i, a := range visits {
		r := v.request(a.method, a.path, a.form)
		if name, value, ok := strings.Cut(a.header, ": "); ok {
			r.Header.Set(name, value)
		}
		res, body := v.do(r)
		if res.StatusCode != a.status || !strings.Contains(body, a.on) || a.off != "" && strings.Contains(body, a.off) {
			t.Errorf("%s: %d with\n%s\nwant %d with %q and without %q", a, res.StatusCode, withoutHead(body), a.status, a.on, a.off)
		}
		answers[i] = transcript(res, body)
	}
	return answers
}

func (a ask) String() string {
	return fmt.Sprintf("%s %s %.60s %s", a.method, a.path, a.form, a.header)
}

// withoutHead is a page from its body on: what comes before is a style.
func withoutHead(page string) string {
	if _, body, ok := strings.Cut(page, "<body>"); ok {
		return body
	}
	return page
}

// transcript is an answer without what is random in it.
func transcript(res *http.Response, body string) string {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if res.StatusCode == http.StatusSeeOther {
		media, body = "", "" // some frameworks add a line for people, which no browser shows
	}
	lines := []string{res.Status, media}
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		switch name {
		case "Allow", "Content-Length", "Content-Type", "Date":
			// Lengths are told by some for short answers only; Allow is below.
		default:
			lines = append(lines, name+": "+strings.Join(res.Header[name], ", "))
		}
	}
	if res.StatusCode == http.StatusMethodNotAllowed {
		lines = append(lines, fmt.Sprint("allows a method: ", res.Header.Get("Allow") != ""))
	}
	text := strings.Join(append(lines, "", withoutHead(body)), "\n")
	text = tokens.ReplaceAllString(text, "session=(token);")
	text = random.ReplaceAllString(text, `"$1":"(random)"`)
	text = handles.ReplaceAllString(text, `name="id" value="(random)"`)
	return moments.ReplaceAllString(text, "(a time)")
}

var (
	tokens = regexp.MustCompile(`session=[\w-]{43};`)
	random = regexp.MustCompile(`"(id|created_at|expires_at)":"[^"]+"`)

	handles = regexp.MustCompile(`name="id" value="[\w-]{43}"`)
	moments = regexp.MustCompile(`<time datetime="[\dTZ:-]+">[^<]+</time>`)
)

// same compares two visits.
func same(t *testing.T, name, otherName string, answers, others []string) {
	t.Helper()
	for i, a := range visits {
		if answers[i] != others[i] {
			t.Errorf("%s\n-- %s answers --\n%s\n-- %s answers --\n%s", a, name, answers[i], otherName, others[i])
		}
	}
}

func answerAlike(t *testing.T, apps []examples.App) {
	var first []string
	for _, app := range apps {
		shop := app.Start(t, t.TempDir())
		answers := run(t, shop)
		if first == nil {
			first = answers
		}
		same(t, apps[0].Name, app.Name, first, answers)
		shop.Stop(t)
	}
}

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// A counter is a shop as it is served, with two visitors: alice, who is signed
// in and has tea in her cart, and somebody who sends what he likes.
type counter struct {
	t     *testing.T
	shop  http.Handler
	alice string // her cookie
	other string // his
}

func openCounter(t *testing.T) *counter {
	t.Helper()
	return openCounterOn(t, nil)
}

func openCounterOn(t *testing.T, store session.Store) *counter {
	t.Helper()
	sessions, err := session.New(session.Options{Store: store, Insecure: true, MaxSize: largestSession, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{t: t, shop: protect(newShop(sessions))}
	c.alice = c.post(c.post("", "/cart", "item", "Sencha"), "/login", "user", "alice")
	c.other = c.post("", "/cart", "item", "Assam")
	return c
}

// answer sends a request to the shop and checks what is true of every answer.
func (c *counter) answer(r *http.Request) *http.Response {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.shop.ServeHTTP(w, r)
	if w.Code >= 500 { // a panic, too
		c.t.Fatalf("%s %q: %d %q", r.Method, r.URL, w.Code, w.Body)
	}
	if text := w.Body.String(); strings.Contains(text, "goroutine ") || strings.Contains(text, ".go:") || strings.Contains(text, "runtime error") {
		c.t.Fatalf("%s %q: the answer has a stack: %q", r.Method, r.URL, text)
	}
	return w.Result()
}

// form sends one field, and returns the answer and its text.
func (c *counter) form(cookie, path, field, value string) (*http.Response, string) {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{field: {value}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	res := c.answer(r)
	text, _ := io.ReadAll(res.Body)
	return res, string(text)
}

// post is form for one that must be taken; it returns the cookie afterwards.
func (c *counter) post(cookie, path, field, value string) string {
	c.t.Helper()
	res, text := c.form(cookie, path, field, value)
	if res.StatusCode != http.StatusSeeOther {
		c.t.Fatalf("POST %s: %d %q", path, res.StatusCode, text)
	}
	for _, set := range res.Cookies() {
		cookie = set.Name + "=" + set.Value
	}
	return cookie
}

// get returns a page.
func (c *counter) get(cookie, path string) string {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Cookie", cookie)
	res := c.answer(r)
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %d %q", path, res.StatusCode, text)
	}
	return string(text)
}

// sees returns what the shop knows of a visitor.
func (c *counter) sees(cookie string) (s summary) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.get(cookie, "/api/session")), &s); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// checkAlice makes sure that nobody touched her session.
func (c *counter) checkAlice() {
	c.t.Helper()
	if s := c.sees(c.alice); s.User != "alice" || !slices.Equal(s.Cart, []string{"Sencha"}) {
		c.t.Fatalf("alice has become %+v", s)
	}
}

// FuzzForm fills each form with any text: it is kept and shown as text, or refused.
func FuzzForm(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		c := openCounter(t)
		const mark = `zq"'<&` // no page may have it as it is
		pages := []string{}
		for _, form := range []struct{ path, field string }{{"/cart", "item"}, {"/cart/remove", "item"}, {"/cart", "item"}, {"/login", "user"}, {"/devices/end", "id"}} {
			res, page := c.form(c.other, form.path, form.field, mark+text)
			switch res.StatusCode {
			case http.StatusSeeOther, http.StatusBadRequest, http.StatusNotFound:
			default:
				t.Errorf("POST %s: %d", form.path, res.StatusCode)
			}
			for _, set := range res.Cookies() {
				c.other = set.Name + "=" + set.Value
			}
			pages = append(pages, page, c.get(c.other, "/"))
		}
		for _, page := range append(pages, c.get(c.other, "/api/session")) {
			if strings.Contains(page, `zq"`) || strings.Contains(page, `"'<`) {
				t.Errorf("the text came back as it was: %q", page)
			}
		}
		if s := c.sees(c.other); s.User != "" && s.User != strings.TrimSpace(mark+text) || len(s.Cart) > 2 {
			t.Errorf("the session is %+v", s)
		}
		c.checkAlice()
	})
}

// FuzzRequest sends any request that net/http takes for one. TOKEN in it is the
// visitor's own, BOB that of bob, who is signed in, and ALICE the ID of her session.
func FuzzRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		if !strings.HasSuffix(raw, "\r\n\r\n") && !strings.Contains(raw, "\r\n\r\n") {
			raw += "\r\n\r\n"
		}
		c := openCounter(t)
		meant := []string{"ALICE", string(c.sees(c.alice).ID)}
		for name, cookie := range map[string]string{"TOKEN": c.other, "BOB": c.signIn("bob", firefox)} {
			_, token, _ := strings.Cut(cookie, "=")
			meant = append(meant, name, token)
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.NewReplacer(meant...).Replace(raw))))
		if err != nil {
			return // answered 400 by the server
		}
		r.RemoteAddr = "192.0.2.1:1234"
		res := c.answer(r)
		if location := res.Header.Get("Location"); location != "" && location != "/" && location != "/devices" {
			t.Errorf("%q is sent to %q", raw, location)
		}
		for _, set := range res.Cookies() {
			if set.Name != "session" || len(set.Value) != 0 && len(set.Value) != 43 {
				t.Errorf("%q is answered with the cookie %q", raw, set)
			}
		}
		c.checkAlice()
	})
}

func TestAVisitorWhoOnlyPostsMeetsNoError(t *testing.T) {
	c := openCounter(t)
	item := strings.Repeat("<", longestItem) // which is longest in JSON
	for range 300 {
		c.post(c.other, "/cart", "item", item)
		c.post(c.other, "/cart/remove", "item", item)
	}
	if cart := c.sees(c.other).Cart; !slices.Equal(cart, []string{"Assam"}) {
		t.Errorf("the cart is %q", cart)
	}
	if page := c.get(c.other, "/"); strings.Count(page, "Removed from your cart") != 1 {
		t.Error("not the last message alone is shown")
	}
}

// TestARequestOfAnySizeLeavesTheShopOpen sends what a client of net/http refuses
// to send, over the wire.
func TestARequestOfAnySizeLeavesTheShopOpen(t *testing.T) {
	c := openCounter(t)
	server := httptest.NewServer(c.shop)
	defer server.Close()
	const get = "GET / HTTP/1.1\r\nHost: shop\r\n"
	for name, r := range map[string]struct {
		head   string
		status []int // 0: the server has closed while it was told
	}{
		"many cookies":          {get + "Cookie: " + strings.Repeat("session=x; ", 100) + c.other + "\r\n", []int{200}},
		"10,000 cookies":        {get + "Cookie: " + strings.Repeat("session=x; ", 10_000) + "\r\n", []int{200}},
		"a MiB of cookie":       {get + "Cookie: session=" + strings.Repeat("A", 1<<20) + "\r\n", []int{0, 200, 431}},
		"2 MiB of header":       {get + "X-Padding: " + strings.Repeat("A", 2<<20) + "\r\n", []int{0, 431}},
		"10,000 headers":        {get + strings.Repeat("X: y\r\n", 10_000), []int{200}},
		"a path of 100 KB":      {"GET /" + strings.Repeat("a/", 50_000) + " HTTP/1.1\r\nHost: shop\r\n", []int{404}},
		"a query of 100 KB":     {"GET /?" + strings.Repeat("a=b&", 25_000) + " HTTP/1.1\r\nHost: shop\r\n", []int{200}},
		"NUL in a cookie":       {get + "Cookie: session=\x00\r\n", []int{400}},
		"NUL in the path":       {"GET /\x00 HTTP/1.1\r\nHost: shop\r\n", []int{400}},
		"a line break inside":   {get + "Cookie: session=a\rb\r\n", []int{400}},
		"two lengths":           {"POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nContent-Length: 2\r\n", []int{400}},
		"no request":            {"\x16\x03\x01\x02\x00\x01", []int{0, 400}},
		"a negative length":     {"POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: -1\r\n", []int{400}},
		"a form of a MiB":       {"POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1048581\r\n\r\nitem=" + strings.Repeat("a", 1<<20), []int{0, 400}},
		"a chunk of 2^64 bytes": {"POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\nitem=a", []int{0, 400}},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, r.head+"\r\n") }()
		status := 0
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			status = res.StatusCode
		}
		_ = conn.Close()
		if !slices.Contains(r.status, status) {
			t.Errorf("%s: answered %d, want one of %v", name, status, r.status)
		}
	}
	c.checkAlice()
	if s := c.sees(c.other); !slices.Equal(s.Cart, []string{"Assam"}) {
		t.Errorf("the visitor has become %+v", s)
	}
}

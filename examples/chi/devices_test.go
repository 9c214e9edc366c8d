package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

// signIn signs somebody in with a browser of that name, and returns the cookie.
func (c *counter) signIn(user, agent string) string {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"user": {user}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", agent)
	res := c.answer(r)
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		c.t.Fatalf("signing in: %d, cookies %v", res.StatusCode, res.Cookies())
	}
	return res.Cookies()[0].Name + "=" + res.Cookies()[0].Value
}

// wantUser fails the test unless that user is signed in, "" for nobody.
func (c *counter) wantUser(cookie, user string) {
	c.t.Helper()
	if s := c.sees(cookie); s.User != user {
		c.t.Errorf("signed in is %q, want %q", s.User, user)
	}
}

// sent fails the test unless the form is answered with the way to a page.
func (c *counter) sent(cookie, path, field, value, to string) *http.Response {
	c.t.Helper()
	res, text := c.form(cookie, path, field, value)
	if at := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || at != to {
		c.t.Fatalf("POST %s: %d to %q, want 303 to %q\n%s", path, res.StatusCode, at, to, text)
	}
	return res
}

var item = regexp.MustCompile(`(?s)<li>.*?</li>`)

func TestDevicesAreListedInPlainWordsTheOneInUseFirst(t *testing.T) {
	c := openCounter(t)
	here, there := c.signIn("bob", firefox), c.signIn("bob", iPhone)
	for i, name := range []string{"Firefox on Windows", "Safari on iPhone"} {
		cookie := []string{here, there}[i]
		items := item.FindAllString(c.get(cookie, "/devices"), -1)
		if len(items) != 2 || !strings.Contains(items[0], name) || !strings.Contains(items[0], "This device") ||
			strings.Contains(items[1], name) || strings.Contains(items[1], "This device") {
			t.Errorf("on %s the list is\n%s", name, strings.Join(items, "\n"))
		}
		for _, listed := range items {
			if !strings.Contains(listed, `<time datetime="20`) || !strings.Contains(listed, "No address kept") {
				t.Errorf("without a time or an address:\n%s", listed)
			}
		}
		if !strings.Contains(items[0], string(c.sees(cookie).ID)) {
			t.Errorf("this device is listed without its ID:\n%s", items[0])
		}
	}
	if page := c.get(c.alice, "/devices"); strings.Contains(page, "Firefox") || strings.Contains(page, "all other devices") {
		t.Errorf("alice has one device and sees\n%s", page)
	}
}

func TestADeviceCanBeSignedOutFromAnother(t *testing.T) {
	c := openCounter(t)
	here, there := c.signIn("bob", firefox), c.signIn("bob", iPhone)
	c.sent(here, "/devices/end", "id", string(c.sees(there).ID), "/devices")
	c.wantUser(there, "")
	c.wantUser(here, "bob")
	page := c.get(here, "/devices")
	if !strings.Contains(page, "The device is signed out.") || strings.Contains(page, "iPhone") {
		t.Errorf("afterwards the list is\n%s", page)
	}
	c.checkAlice()
}

func TestADeviceOfSomebodyElseIsNotFound(t *testing.T) {
	c := openCounter(t)
	bob, gone := c.signIn("bob", firefox), c.signIn("bob", iPhone)
	ended := string(c.sees(gone).ID)
	c.sent(gone, "/logout", "", "", "/")
	anonymous := string(c.sees(c.other).ID)
	for name, id := range map[string]string{
		"somebody else's": string(c.sees(c.alice).ID), "nobody's": anonymous, "ended": ended,
		"unknown": strings.Repeat("A", 43), "empty": "", "malformed": "../'\"<script>\x00",
	} {
		res, page := c.form(bob, "/devices/end", "id", id)
		if res.StatusCode != http.StatusNotFound || !strings.Contains(page, "not among those") || !strings.Contains(page, "Firefox on Windows") || strings.Contains(page, "<script>") {
			t.Errorf("%s: %d\n%s", name, res.StatusCode, page)
		}
	}
	c.checkAlice()
	if len(c.sees(c.other).Cart) != 1 {
		t.Error("the visitor's session is gone")
	}
}

func TestSigningOutThisDeviceRemovesItsCookie(t *testing.T) {
	c := openCounter(t)
	here, there := c.signIn("bob", firefox), c.signIn("bob", iPhone)
	res := c.sent(here, "/devices/end", "id", string(c.sees(here).ID), "/")
	if set := res.Cookies(); len(set) != 1 || set[0].MaxAge >= 0 {
		t.Errorf("the cookies set are %v, want the removal", set)
	}
	c.wantUser(here, "")
	c.wantUser(there, "bob")
}

// A page in another tab lists this device as it was before the last sign-in.
func TestSigningOutThisDeviceByAnOlderIDIsNoError(t *testing.T) {
	c := openCounter(t)
	here := c.signIn("bob", firefox)
	older := string(c.sees(here).ID)
	here = c.post(here, "/login", "user", "bob")
	c.sent(here, "/devices/end", "id", older, "/devices")
	c.wantUser(here, "")
}

func TestAllOtherDevicesCanBeSignedOut(t *testing.T) {
	c := openCounter(t)
	here := c.signIn("bob", firefox)
	for n, text := range []string{"no other device", "The other device is", "2 other devices are"} {
		var others []string
		for range n {
			others = append(others, c.signIn("bob", iPhone))
		}
		c.sent(here, "/devices/end-others", "", "", "/devices")
		if page := c.get(here, "/devices"); !strings.Contains(page, text) || len(item.FindAllString(page, -1)) != 1 {
			t.Errorf("after signing out %d others the list is\n%s", n, page)
		}
		for _, other := range others {
			c.wantUser(other, "")
		}
		c.wantUser(here, "bob")
	}
	c.checkAlice()
}

func TestWhoIsNotSignedInIsSentFromTheDevicesToTheShop(t *testing.T) {
	c := openCounter(t)
	for name, cookie := range map[string]string{"no cookie": "", "a cookie of nobody": c.other, "a cookie of nothing": "session=" + strings.Repeat("A", 43)} {
		c.sent(cookie, "/devices/end", "id", string(c.sees(c.alice).ID), "/")
		c.sent(cookie, "/devices/end-others", "", "", "/")
		r := httptest.NewRequest(http.MethodGet, "/devices", nil)
		r.Header.Set("Cookie", cookie)
		if res := c.answer(r); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/" {
			t.Errorf("GET /devices with %s: %d to %q", name, res.StatusCode, res.Header.Get("Location"))
		}
	}
	c.checkAlice()
}

func TestOfVeryManyDevicesThePageShowsAFewAndThisOne(t *testing.T) {
	c := openCounter(t)
	here := c.signIn("bob", firefox)
	for range mostDevices + 9 {
		c.signIn("bob", iPhone)
	}
	page := c.get(here, "/devices")
	if items := item.FindAllString(page, -1); len(items) != mostDevices || !strings.Contains(items[0], "This device") || !strings.Contains(page, "And 10 more") {
		t.Errorf("%d devices are shown:\n%s", len(items), page)
	}
}

// A halfStore has two faults: lists fail, or what is deleted lingers in a cache.
type halfStore struct {
	*session.MemoryStore
	listless, pending bool
}

func (s *halfStore) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	if s.listless {
		return nil, "", errors.New("the database is away")
	}
	return s.MemoryStore.List(ctx, principal, after, limit)
}

func (s *halfStore) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	err := s.MemoryStore.Delete(ctx, id, ifVersion)
	if err == nil && s.pending {
		return fmt.Errorf("deleted: %w", session.ErrPending)
	}
	return err
}

// The session comes from the cache, and the database cannot be asked for the others.
func TestAListThatCannotBeReadIsAnOutage(t *testing.T) {
	store := &halfStore{MemoryStore: session.NewMemoryStore(session.MemoryOptions{})}
	c := openCounterOn(t, store)
	store.listless = true
	for _, ask := range []string{"GET /devices", "POST /devices/end", "POST /devices/end-others"} {
		method, path, _ := strings.Cut(ask, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Cookie", c.alice)
		w := httptest.NewRecorder()
		c.shop.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v\n%s", ask, w.Code, w.Header(), w.Body)
		}
	}
	c.checkAlice()
}

func TestADeviceThatACacheStillHasToForgetIsSignedOut(t *testing.T) {
	store := &halfStore{MemoryStore: session.NewMemoryStore(session.MemoryOptions{}), pending: true}
	c := openCounterOn(t, store)
	here, there := c.signIn("bob", firefox), c.signIn("bob", iPhone)
	c.sent(here, "/devices/end", "id", string(c.sees(there).ID), "/devices")
	there = c.signIn("bob", iPhone)
	c.sent(here, "/devices/end-others", "", "", "/devices")
	c.wantUser(there, "")
	c.sent(here, "/devices/end", "id", string(c.sees(here).ID), "/")
	c.wantUser(here, "")
}

func TestDevicesAreNamedByWhatTheyAre(t *testing.T) {
	const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		firefox: "Firefox on Windows",
		iPhone:  "Safari on iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                 "Firefox on Linux",
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                   "Firefox on Android",
		"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/140.0 Mobile/15E148 Safari/605.1.15":       "Firefox on iPad",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 Safari/537.36":                                                 "Chrome on Windows",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/140.0.0.0 Safari/537.36":                                                  "Chrome on ChromeOS",
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Chrome/140.0.0.0 Mobile Safari/537.36":                                                 "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":                                   "Edge on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 Safari/537.36 OPR/122.0.0.0":                                   "Opera on Windows",
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36":                             "Samsung Internet on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 YaBrowser/25.8.0.0 Safari/537.36":                              "Yandex Browser on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15 Ddg/18.5":         "DuckDuckGo on macOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                  "Safari on macOS",
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                  "Internet Explorer on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148":                          "An unknown browser on iPhone",
		"curl/8.14.1": "curl",
		"":            "An unknown browser",
		"<b>me</b>":   "An unknown browser",
	} {
		if name := inWords(agent); name != want {
			t.Errorf("%q is %q, want %q", agent, name, want)
		}
	}
}

// FuzzUserAgent signs in with any browser: the page names it in words of its own.
func FuzzUserAgent(f *testing.F) {
	known := map[string]bool{"An unknown browser": true}
	for _, b := range append(browsers, word{text: "An unknown browser"}) {
		known[b.text] = true
		for _, s := range systems {
			known[b.text+" on "+s.text] = true
		}
	}
	name := regexp.MustCompile(`<h3>([^<]*)`)
	f.Fuzz(func(t *testing.T, agent string) {
		c := openCounter(t)
		const mark = `zq"'<&`
		page := c.get(c.signIn("bob", mark+agent), "/devices")
		shown := name.FindAllStringSubmatch(page, -1)
		if len(shown) != 1 || !known[strings.TrimSpace(shown[0][1])] || strings.Contains(page, `zq"`) || strings.Contains(page, "zq&") {
			t.Errorf("%q is shown as %q", agent, shown)
		}
	})
}

// Package browser_test signs in to the examples with a real Chromium.
package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// limit is for everything that a browser does here; some seconds are usual.
const limit = 3 * time.Minute

func TestShopsInChromium(t *testing.T) {
	if !servers.Wanted() {
		t.Skip("needs Chromium: run make test")
	}
	apps := examples.Build(t, examples.Names...)
	browser := startChromium(t)
	t.Run("sign-in works on localhost", func(t *testing.T) { signInOnLocalhost(t, browser, apps) })
	t.Run("devices are seen and signed out from another browser", func(t *testing.T) {
		other := startChromium(t, chromedp.UserAgent(iPhone))
		for _, app := range apps {
			t.Run(app.Name, func(t *testing.T) { useDevices(t, browser, other, app) })
		}
	})
}

func signInOnLocalhost(t *testing.T, browser context.Context, apps []examples.App) {
	for i, app := range apps {
		for _, secure := range []bool{false, true} {
			if !secure && i > 0 {
				continue // the devices are used so, with every app
			}
			t.Run(fmt.Sprintf("%s with SESSION_COOKIE_SECURE=%t", app.Name, secure), func(t *testing.T) {
				shop := app.Start(t, t.TempDir(), fmt.Sprintf("SESSION_COOKIE_SECURE=%t", secure))
				tab := open(t, browser, shop)
				tab.signIn(secure)
				tab.fillCart()
				tab.refuseOtherSites()
				tab.signOut()
				shop.Stop(t)
			})
		}
	}
}

// startChromium starts a browser with a profile of its own, which ends with the
// test. Without Chromium the test fails.
func startChromium(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // which root cannot have; it sees the pages of this repository only
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()),
	)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, append(options, more...)...)
	t.Cleanup(cancelAllocator)
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	t.Cleanup(cancelBrowser)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start (Debian: apt-get install chromium): %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
	})
	return ctx
}

// A tab is a phone's browser window without any cookies.
type tab struct {
	*testing.T
	context.Context
	shop string // http://localhost:PORT
}

const phone = 390 // pixels

func open(t *testing.T, browser context.Context, shop *examples.Process) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	u, err := url.Parse(shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{T: t, Context: ctx, shop: "http://localhost:" + u.Port()}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(phone, 800)); err != nil {
		t.Fatal(err)
	}
	b.load(http.StatusOK, chromedp.Navigate(b.shop))
	return b
}

// load does what loads a page, which must come with the given status.
func (b *tab) load(status int, steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	res, err := chromedp.RunResponse(b.Context, steps...)
	if err != nil {
		b.Fatal(err)
	}
	if res.Status != int64(status) {
		b.Fatalf("%s came with status %d, want %d", res.URL, res.Status, status)
	}
}

// click clicks an element. It and enter name elements in the page, not by the
// browser's node numbers, which are new with each page.
func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector(%q).click(), true", selector))(ctx, t)
		return err
	})
}

// enter types into a field.
func enter(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := chromedp.Evaluate[bool](fmt.Sprintf("document.querySelector(%q).focus(), true", selector))(ctx, t); err != nil {
			return err
		}
		_, err := chromedp.KeyEvent(text)(ctx, t)
		return err
	})
}

// text is what the page shows.
func (b *tab) text() string {
	b.Helper()
	return evaluate[string](b, "document.body.innerText")
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.Context, chromedp.Evaluate[T](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// wantText fails the test unless the page shows one and not the other.
func (b *tab) wantText(on, off string) {
	b.Helper()
	if text := b.text(); !strings.Contains(text, on) || off != "" && strings.Contains(text, off) {
		b.Fatalf("the page shows\n%s\nwant %q and not %q", text, on, off)
	}
}

func (b *tab) cookies() []*network.Cookie {
	b.Helper()
	all, err := chromedp.Call(b.Context, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.Fatal(err)
	}
	return all.Cookies
}

func (b *tab) signIn(secure bool) {
	b.wantText("Your cart is empty", "Signed in")
	if cookies := b.cookies(); len(cookies) > 0 {
		b.Errorf("a visitor who does nothing has the cookies %+v", cookies)
	}
	name := strings.Repeat("W", 64) // the widest that there is
	b.load(http.StatusOK, enter("#user", name), click("form[action='/login'] button"))
	b.wantText(name, "Your name")

	want := map[bool]string{false: "session", true: "__Host-session"}[secure]
	cookies := b.cookies()
	if len(cookies) != 1 {
		b.Fatalf("the browser has %d cookies, want 1: %+v", len(cookies), cookies)
	}
	if c := cookies[0]; c.Name != want || c.Secure != secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax ||
		c.Path != "/" || c.Domain != "localhost" || c.Session {
		b.Errorf("the cookie is %+v, want it to be %s", c, want)
	}
}

func (b *tab) fillCart() {
	b.load(http.StatusOK, click("button[value='Sencha']"))
	b.wantText("Added to your cart: Sencha", "Your cart is empty")
	b.load(http.StatusOK, chromedp.Reload())
	b.wantText("Your cart 1", "Added to your cart")

	b.load(http.StatusOK, enter("#item", strings.Repeat("W", 200)), click("form:has(#item) button"))
	b.wantText("Your cart 2", "")
	b.fits()

	b.load(http.StatusOK, click(".cart button[value='Sencha']"))
	b.wantText("Removed from your cart: Sencha", "")
	b.wantText("Your cart 1", "")
}

// fits fails the test unless the page has its style and is as wide as the phone.
func (b *tab) fits() {
	b.Helper()
	width := evaluate[int](b, "document.documentElement.scrollWidth")
	margin := evaluate[string](b, "getComputedStyle(document.body).margin")
	if width > phone || margin != "0px" {
		b.Errorf("the page is %d pixels wide on a phone of %d; its margin is %s, of a page with its style 0px", width, phone, margin)
	}
}

// refuseOtherSites visits a page of another site whose form posts to the shop.
func (b *tab) refuseOtherSites() {
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s/cart"><button name="item" value="poison">Win</button></form>`, b.shop)
	}))
	defer evil.Close()
	b.load(http.StatusOK, chromedp.Navigate(evil.URL))
	b.load(http.StatusForbidden, click("button"))
	b.load(http.StatusOK, chromedp.Navigate(b.shop))
	b.wantText("Your cart 1", "poison")
}

func (b *tab) signOut() {
	b.load(http.StatusOK, click("form[action='/logout'] button"))
	b.wantText("Your cart is empty", "Signed in")
	if cookies := b.cookies(); len(cookies) > 0 {
		b.Errorf("after signing out the browser has %+v", cookies)
	}
}

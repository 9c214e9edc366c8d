package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/seshat-go/seshat/internal/tests/examples"
)

// iPhone is how the other browser calls itself.
const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"

const (
	chromeHere   = "Chrome on Linux"
	safariThere  = "Safari on iPhone"
	firstOther   = "li:nth-child(2) form[action='/devices/end'] button"
	firstDevice  = "li:first-child form[action='/devices/end'] button"
	allOthers    = "form[action='/devices/end-others'] button"
	devicesLink  = "a[href='/devices']"
	shopLink     = "h1 a"
	thisDevice   = "This device"
	signInIsHere = "Your name" // which the form for it asks
)

// useDevices signs one person in with two browsers, each with a profile of its
// own, and ends one's session from the other.
func useDevices(t *testing.T, browser, other context.Context, app examples.App) {
	shop := app.Start(t, t.TempDir())
	here, there := open(t, browser, shop), open(t, other, shop)
	user := strings.Repeat("W", 64) // the widest that there is
	here.signInAs(user)
	there.signInAs(user)
	here.wantDevices(chromeHere, safariThere)
	there.wantDevices(safariThere, chromeHere)
	there.fits()

	here.load(http.StatusOK, click(firstOther))
	here.wantText("The device is signed out.", safariThere)
	there.load(http.StatusOK, click(allOthers)) // of its page from before, which must not work any more
	there.wantText(signInIsHere, "Signed in as")
	here.wantDevices(chromeHere)

	there.signInAs(user)
	third := open(t, other, shop)
	third.signInAs(user)
	here.wantDevices(chromeHere, safariThere, safariThere)
	here.load(http.StatusOK, click(allOthers))
	here.wantText("2 other devices are signed out.", safariThere)
	there.load(http.StatusOK, click("button[value='Sencha']"))
	there.wantText(signInIsHere, "Signed in as")
	third.load(http.StatusOK, click(devicesLink))
	third.wantText(signInIsHere, "Signed in as")

	id := evaluate[string](here, fmt.Sprintf("document.querySelector(%q).value", firstDevice))
	there.signInAs("bob")
	there.wantDevices(safariThere)
	evaluate[string](there, fmt.Sprintf("document.querySelector(%q).value = %q", firstDevice, id))
	there.load(http.StatusNotFound, click(firstDevice))
	there.wantText("not among those on which you are signed in", chromeHere)
	here.wantDevices(chromeHere)

	here.load(http.StatusOK, click(firstDevice))
	here.wantText(signInIsHere, "Signed in as")
	if cookies := here.cookies(); len(cookies) > 0 {
		t.Errorf("after signing out this device the browser has %+v", cookies)
	}
	there.load(http.StatusOK, click(shopLink))
	there.wantText("Signed in as bob", signInIsHere)

	here.load(http.StatusOK, chromedp.Navigate(here.shop+"/devices"))
	here.wantText(signInIsHere, "Your devices")
	for _, path := range []string{"/devices/end", "/devices/end-others"} {
		here.load(http.StatusOK, click(fmt.Sprintf("form[action='%s'] button", here.aim(path))))
		here.wantText(signInIsHere, "Your devices")
	}
	shop.Stop(t)
}

func (b *tab) signInAs(user string) {
	b.Helper()
	b.load(http.StatusOK, enter("#user", user), click("form[action='/login'] button"))
	b.wantText(user, signInIsHere)
}

// wantDevices goes to the devices by the link, and fails the test unless these
// are listed and the first of them, and no other, is called this one.
func (b *tab) wantDevices(names ...string) {
	b.Helper()
	b.load(http.StatusOK, click(devicesLink))
	listed := evaluate[[]string](b, "Array.from(document.querySelectorAll('.devices li'), e => e.innerText)")
	if len(listed) != len(names) {
		b.Fatalf("listed are %q, want %q", listed, names)
	}
	for i, text := range listed {
		if !strings.Contains(text, names[i]) || strings.Contains(text, thisDevice) != (i == 0) || !strings.Contains(text, "Signed in ") {
			b.Errorf("listed are %q, want %q", listed, names)
		}
	}
}

// aim makes the form for signing in post to another path, which it returns.
func (b *tab) aim(path string) string {
	b.Helper()
	evaluate[bool](b, fmt.Sprintf(`document.querySelector("form[action='/login']").action = %q, document.querySelector("#user").required = false, true`, path))
	return path
}

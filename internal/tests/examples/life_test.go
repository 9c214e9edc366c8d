package examples_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
)

func liveAsLongAsTheStore(t *testing.T, app examples.App, on setup) {
	env, dir := on.env(t), t.TempDir()
	shop := app.Start(t, dir, env...)
	v := visit(t, shop)
	v.mustPost("/cart", "item", "Assam")
	v.mustPost("/login", "user", "alice")
	v.mustPost("/cart", "item", "Sencha")
	v.wantSession("alice", "Assam", "Sencha")
	before := v.session()
	shop.Stop(t)

	again := app.Start(t, dir, env...)
	v = v.at(again)
	if !on.keeps {
		v.wantSession("")
		v.mustPost("/login", "user", "alice")
		v.mustPost("/cart", "item", "Assam")
		v.mustPost("/cart", "item", "Sencha")
	} else if after := v.session(); after.ID != before.ID || after.CreatedAt != before.CreatedAt || after.ExpiresAt != before.ExpiresAt {
		t.Errorf("the session changed from %+v to %+v", before, after)
	}
	v.wantSession("alice", "Assam", "Sencha")

	cookies := v.cookies()
	v.mustPost("/logout", "", "")
	if left := v.cookies(); len(left) > 0 {
		t.Errorf("the browser still has %v", left)
	}
	v.wantSession("")

	thief := visit(t, again)
	thief.setCookies(cookies)
	thief.wantSession("")
	if status, body := thief.get("/"); status != http.StatusOK || strings.Contains(body, "alice") || strings.Contains(body, "Remove") {
		t.Errorf("the page for the old cookie: %d\n%s", status, body)
	}
	again.Stop(t)
	for _, c := range cookies {
		if printed := shop.Output() + again.Output(); strings.Contains(printed, c.Value) {
			t.Errorf("the token is in what the shop printed:\n%s", printed)
		}
	}
}

func (v *visitor) setCookies(cookies []*http.Cookie) {
	v.t.Helper()
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	v.Jar.SetCookies(u, cookies)
}

const parallel = 100

func keepParallelPosts(t *testing.T, app examples.App, on setup) {
	shop := app.Start(t, t.TempDir(), on.env(t)...)
	v := visit(t, shop)
	v.mustPost("/login", "user", "alice")
	fill(t, v)
	shop.Stop(t)
}

func keepParallelPostsToTwo(t *testing.T, app examples.App, on setup) {
	if !on.shared {
		return // it has one process only
	}
	one, two := app.Start(t, t.TempDir(), on.env(t)...), app.Start(t, t.TempDir(), on.env(t)...)
	v := visit(t, one)
	v.mustPost("/login", "user", "alice")
	fill(t, v, v.at(two))
	one.Stop(t)
	two.Stop(t)
}

// fill posts distinct items at once, in turn to each of the processes at which
// one browser is, and looks for all of them everywhere.
func fill(t *testing.T, at ...*visitor) {
	t.Helper()
	want := map[string]bool{}
	start := make(chan struct{})
	var posted sync.WaitGroup
	for i := range parallel {
		item := fmt.Sprintf("tea %d", i)
		want[item] = true
		posted.Go(func() {
			<-start
			v := at[i%len(at)]
			res, err := v.Do(v.request(http.MethodPost, "/cart", url.Values{"item": {item}}.Encode()))
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusSeeOther {
				t.Errorf("POST /cart item=%s: %s", item, res.Status)
			}
		})
	}
	close(start)
	posted.Wait()
	for _, v := range at {
		cart := v.session().Cart
		missing := len(want)
		seen := map[string]bool{}
		for _, item := range cart {
			if want[item] && !seen[item] {
				missing--
			}
			seen[item] = true
		}
		if len(cart) != parallel || missing > 0 {
			t.Errorf("the cart has %d items, and %d are missing", len(cart), missing)
		}
	}
}

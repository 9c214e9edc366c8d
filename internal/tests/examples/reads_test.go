package examples_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/glebarez/sqlite" // the driver

	"github.com/seshat-go/seshat/internal/tests/examples"
)

// readOnly looks at the row itself: a page and the API leave it and the cookie
// alone, once the messages have been shown.
func readOnly(t *testing.T, app examples.App) {
	dir := t.TempDir()
	shop := app.Start(t, dir, "SESSION_ENGINE=db", "DATABASE_URL=sqlite:shop.db")
	v := visit(t, shop)
	v.mustPost("/login", "user", "alice")
	v.mustPost("/cart", "item", "tea")
	v.get("/")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	row := func() (s string) {
		t.Helper()
		var version, seen int64
		if err := db.QueryRow("SELECT version, last_seen FROM sessions WHERE principal = 'alice'").Scan(&version, &seen); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(version, seen)
	}
	before := row()
	for _, path := range []string{"/", "/devices", "/api/session", "/healthz"} {
		res, _ := v.do(v.request(http.MethodGet, path, ""))
		if len(res.Cookies()) > 0 {
			t.Errorf("GET %s sets a cookie", path)
		}
		if after := row(); after != before {
			t.Errorf("GET %s wrote the session: version and last use %s, before %s", path, after, before)
		}
	}
	shop.Stop(t)
}

func fillUp(t *testing.T, app examples.App) {
	shop := app.Start(t, t.TempDir(), "SESSION_ENGINE=memory")
	v := visit(t, shop)
	item := strings.Repeat("x", 200)
	for range 200 {
		v.mustPost("/cart", "item", item)
		v.get("/")
	}
	if status := v.post("/cart", "item", item); status != http.StatusBadRequest {
		t.Errorf("the 201st item is answered %d, want 400", status)
	}
	shop.Stop(t)
}

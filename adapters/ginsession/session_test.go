package ginsession_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/adapters/ginsession"
	"github.com/seshat-go/seshat/core/session"
)

var visits = session.NewKey[int]("visits")

func visit(c *gin.Context) {
	visits.Update(ginsession.From(c), func(n int) int { return n + 1 })
}

func show(c *gin.Context) { c.String(http.StatusOK, strconv.Itoa(visits.Get(ginsession.From(c)))) }

// broken is a store that takes no new session.
type broken struct{ *session.MemoryStore }

func (broken) Create(context.Context, session.ID, session.Record) error {
	return errors.New("the store does not answer")
}

func manager(t *testing.T, o session.Options) *session.Manager {
	t.Helper()
	if o.Store == nil {
		o.Store = session.NewMemoryStore(session.MemoryOptions{})
	}
	o.Insecure, o.Logger = true, slog.New(slog.DiscardHandler)
	m, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// client serves h and returns a function that asks it as one browser.
func client(t *testing.T, h http.Handler) func(path string) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := server.Client()
	c.Jar, _ = cookiejar.New(nil)
	return func(path string) (*http.Response, string) {
		t.Helper()
		resp, err := c.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
}

func want(t *testing.T, resp *http.Response, body string, status int, text string, cookies int) {
	t.Helper()
	if resp.StatusCode != status || body != text || len(resp.Cookies()) != cookies {
		t.Fatalf("got %d %q with %d cookies, want %d %q with %d", resp.StatusCode, body, len(resp.Cookies()), status, text, cookies)
	}
}

func TestARewrittenRequestKeepsItsSession(t *testing.T) {
	first, second := manager(t, session.Options{}), manager(t, session.Options{Cookie: session.Cookie{Name: "second"}})
	r := gin.New()
	r.Use(ginsession.New(first), ginsession.New(second))
	r.GET("/old", func(c *gin.Context) {
		c.Request.URL.Path = "/new"
		r.HandleContext(c)
	})
	r.GET("/new", func(c *gin.Context) {
		visit(c)
		visits.Set(first.From(c.Request.Context()), 7)
		c.String(http.StatusOK, "new")
	})
	r.GET("/bare", func(c *gin.Context) {
		c.Request.URL.Path = "/visit"
		r.HandleContext(c)
	})
	r.GET("/visit", visit)
	r.GET("/show", show)
	get := client(t, r)

	resp, body := get("/old")
	want(t, resp, body, 200, "new", 2)
	resp, body = get("/bare")
	want(t, resp, body, 200, "", 0)
	resp, body = get("/show")
	want(t, resp, body, 200, "2", 0)
}

func TestAnErrorPageOfInnerMiddlewareDropsChanges(t *testing.T) {
	r := gin.New()
	r.Use(ginsession.New(manager(t, session.Options{})))
	r.Use(func(c *gin.Context) { // as the package documentation says: inside the sessions
		if c.Next(); len(c.Errors) > 0 {
			c.JSON(http.StatusInternalServerError, gin.H{"error": "sorry"})
		}
	})
	r.GET("/fail", func(c *gin.Context) {
		visit(c)
		_ = c.Error(errors.New("broken pot"))
	})
	r.GET("/show", show)
	get := client(t, r)
	resp, body := get("/fail")
	want(t, resp, body, 500, `{"error":"sorry"}`, 0)
	resp, body = get("/show")
	want(t, resp, body, 200, "0", 0)
}

func TestNoRouteHasASession(t *testing.T) {
	r := gin.New()
	r.Use(ginsession.New(manager(t, session.Options{})))
	r.GET("/show", show)
	get := client(t, r)
	resp, body := get("/none")
	want(t, resp, body, 404, "404 page not found", 0)

	r.NoRoute(visit)
	resp, body = get("/none")
	want(t, resp, body, 404, "404 page not found", 1)
	resp, body = get("/show")
	want(t, resp, body, 200, "1", 0)
}

func TestACopyOfTheContextHasTheSession(t *testing.T) {
	r := gin.New()
	r.Use(ginsession.New(manager(t, session.Options{})))
	r.GET("/", func(c *gin.Context) {
		var others sync.WaitGroup
		for range 8 {
			in := c.Copy()
			others.Go(func() { visit(in) })
		}
		others.Wait()
		show(c)
	})
	resp, body := client(t, r)("/")
	want(t, resp, body, 200, "8", 1)
}

func TestARecoveryThatAnswersWithLessThan500KeepsNothing(t *testing.T) {
	r := gin.New()
	r.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
		visit(c)
		c.String(http.StatusOK, "sorry")
	}))
	r.Use(ginsession.New(manager(t, session.Options{})))
	r.GET("/panic", func(c *gin.Context) {
		visit(c)
		panic("meant")
	})
	resp, body := client(t, r)("/panic")
	want(t, resp, body, 200, "sorry", 0)
}

func TestFromWithoutTheMiddlewareNamesTheFix(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "ginsession.New") {
			t.Fatalf("From panics with %q", text)
		}
	}()
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequest(http.MethodGet, "/", nil)
	ginsession.From(c)
}

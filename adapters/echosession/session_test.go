package echosession_test

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
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/seshat-go/seshat/adapters/echosession"
	"github.com/seshat-go/seshat/core/session"
)

var visits = session.NewKey[int]("visits")

func visit(c echo.Context) {
	visits.Update(echosession.From(c), func(n int) int { return n + 1 })
}

func show(c echo.Context) error {
	return c.String(http.StatusOK, strconv.Itoa(visits.Get(echosession.From(c))))
}

// broken is a store that takes no new session.
type broken struct{ *session.MemoryStore }

func (broken) Create(context.Context, session.ID, session.Record) error {
	return errors.New("the store does not answer")
}

func manager(t *testing.T, store session.Store) *session.Manager {
	t.Helper()
	if store == nil {
		store = session.NewMemoryStore(session.MemoryOptions{})
	}
	m, err := session.New(session.Options{Store: store, Insecure: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func app() *echo.Echo {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.GET("/show", show)
	return e
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
		return resp, strings.TrimSpace(string(body))
	}
}

func want(t *testing.T, resp *http.Response, body string, status int, text string, cookies int) {
	t.Helper()
	if resp.StatusCode != status || body != text || len(resp.Cookies()) != cookies {
		t.Fatalf("got %d %q with %d cookies, want %d %q with %d", resp.StatusCode, body, len(resp.Cookies()), status, text, cookies)
	}
}

const unavailable = "Sessions are unavailable at the moment. Please try again."

func TestTheErrorHandlerUsesTheSession(t *testing.T) {
	e := app()
	e.Use(echosession.New(manager(t, nil)))
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		visit(c)
		status := http.StatusInternalServerError
		if he := (*echo.HTTPError)(nil); errors.As(err, &he) {
			status = he.Code
		}
		_ = c.String(status, strconv.Itoa(visits.Get(echosession.From(c))))
	}
	e.GET("/refuse", func(c echo.Context) error {
		visit(c)
		return echo.ErrForbidden
	})
	e.GET("/fail", func(c echo.Context) error {
		visit(c)
		return errors.New("broken pot")
	})
	get := client(t, e)
	resp, body := get("/refuse")
	want(t, resp, body, 403, "2", 1)
	resp, body = get("/fail")
	want(t, resp, body, 500, "4", 0)
	resp, body = get("/none")
	want(t, resp, body, 404, "3", 0)
	resp, body = get("/show")
	want(t, resp, body, 200, "3", 0)
}

func TestAnErrorHandlerThatWritesNothingDropsChanges(t *testing.T) {
	e := app()
	store := session.NewMemoryStore(session.MemoryOptions{})
	e.Use(echosession.New(manager(t, store)))
	e.HTTPErrorHandler = func(error, echo.Context) {}
	e.GET("/fail", func(c echo.Context) error {
		visit(c)
		return errors.New("broken pot")
	})
	resp, body := client(t, e)("/fail")
	want(t, resp, body, 200, "", 0)
	if kept, _, _ := store.Scan(t.Context(), "", 10); len(kept) > 0 {
		t.Fatal("a session without a cookie was stored")
	}
}

func TestChangesBetweenTheHeaderAndAnErrorAreSaved(t *testing.T) {
	e := app()
	e.Use(echosession.New(manager(t, nil)))
	e.GET("/stream", func(c echo.Context) error {
		visit(c)
		c.Response().Flush() // Echo does not know that the header has left
		visit(c)
		return errors.New("broken pot")
	})
	get := client(t, e)
	if resp, _ := get("/stream"); resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Fatalf("got %d with %d cookies", resp.StatusCode, len(resp.Cookies()))
	}
	resp, body := get("/show")
	want(t, resp, body, 200, "2", 0)
}

func TestAHookBeforeTheResponseMayChangeTheSession(t *testing.T) {
	e := app()
	e.Use(echosession.New(manager(t, nil)))
	e.GET("/", func(c echo.Context) error {
		c.Response().Before(func() { visit(c) })
		return c.String(http.StatusOK, "tea")
	})
	get := client(t, e)
	resp, body := get("/")
	want(t, resp, body, 200, "tea", 1)
	resp, body = get("/show")
	want(t, resp, body, 200, "1", 0)
}

func TestOtherMiddlewareMayStandOnEitherSide(t *testing.T) {
	plain := echo.WrapMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Plain", "1")
			next.ServeHTTP(w, r)
		})
	})
	for name, other := range map[string]echo.MiddlewareFunc{
		"gzip": middleware.Gzip(), "plain net/http": plain, "body dump": middleware.BodyDump(func(echo.Context, []byte, []byte) {}),
	} {
		for _, inside := range []bool{false, true} {
			for _, down := range []bool{false, true} {
				t.Run(name+", inside "+strconv.FormatBool(inside)+", store down "+strconv.FormatBool(down), func(t *testing.T) {
					var store session.Store
					if down {
						store = broken{session.NewMemoryStore(session.MemoryOptions{})}
					}
					var first *echo.Response
					known := 0
					e := app()
					e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
						return func(c echo.Context) error {
							first = c.Response()
							err := next(c)
							known = c.Response().Status
							return err
						}
					})
					sessions := echosession.New(manager(t, store))
					if inside {
						e.Use(sessions, other)
					} else {
						e.Use(other, sessions)
					}
					e.GET("/", func(c echo.Context) error {
						visit(c)
						return c.String(http.StatusOK, "tea")
					})
					status, text, cookies := 200, "tea", 1
					if down {
						status, text, cookies = 503, unavailable, 0
					}
					resp, body := client(t, e)("/")
					want(t, resp, body, status, text, cookies)
					if known != status || first.Status != status {
						t.Fatalf("Echo says that it sent %d and %d, want %d", known, first.Status, status)
					}
				})
			}
		}
	}
}

func TestItMayStandBeforeRouting(t *testing.T) {
	e := app()
	e.Pre(echosession.New(manager(t, nil)))
	e.GET("/", func(c echo.Context) error {
		visit(c)
		return c.NoContent(http.StatusNoContent)
	})
	get := client(t, e)
	resp, body := get("/")
	want(t, resp, body, 204, "", 1)
	resp, body = get("/show")
	want(t, resp, body, 200, "1", 0)
}

func TestAHeaderThatHasLeftTakesNoCookie(t *testing.T) {
	store := session.NewMemoryStore(session.MemoryOptions{})
	e := app()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().WriteHeader(http.StatusOK)
			return next(c)
		}
	})
	e.Use(echosession.New(manager(t, store)))
	var err error
	e.GET("/", func(c echo.Context) error {
		visit(c)
		err = echosession.From(c).Save(c.Request().Context())
		return nil
	})
	resp, body := client(t, e)("/")
	want(t, resp, body, 200, "", 0)
	if !errors.Is(err, session.ErrHeaderSent) {
		t.Fatalf("Save returned %v, want ErrHeaderSent", err)
	}
	if kept, _, _ := store.Scan(t.Context(), "", 10); len(kept) > 0 {
		t.Fatal("a session without a cookie was stored")
	}
}

func TestARecoveryThatAnswersWithLessThan500KeepsNothing(t *testing.T) {
	e := app()
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true}))
	e.Use(echosession.New(manager(t, nil)))
	e.GET("/panic", func(c echo.Context) error {
		visit(c)
		panic(echo.ErrForbidden)
	})
	resp, body := client(t, e)("/panic")
	want(t, resp, body, 403, `{"message":"Forbidden"}`, 0)
}

func TestFromWithoutTheMiddlewareNamesTheFix(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "echosession.New") {
			t.Fatalf("From panics with %q", text)
		}
	}()
	e := echo.New()
	echosession.From(e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()))
}

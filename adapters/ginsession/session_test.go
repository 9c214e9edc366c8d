package ginsession_test

import (
	"compress/gzip"
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

// zipped is a writer as compressing middleware puts it into c.Writer.
type zipped struct {
	gin.ResponseWriter
	zip *gzip.Writer
}

func (z *zipped) Write(b []byte) (int, error)       { return z.zip.Write(b) }
func (z *zipped) WriteString(s string) (int, error) { return z.zip.Write([]byte(s)) }

func compress(c *gin.Context) {
	c.Header("Content-Encoding", "gzip")
	zip := gzip.NewWriter(c.Writer)
	defer func() { _ = zip.Close() }()
	c.Writer = &zipped{c.Writer, zip}
	c.Next()
}

func TestCompressingMiddlewareMayStandOnEitherSide(t *testing.T) {
	for name, inside := range map[string]bool{"inside": true, "outside": false} {
		for _, down := range []bool{false, true} {
			t.Run(name+", store down "+strconv.FormatBool(down), func(t *testing.T) {
				o := session.Options{}
				if down {
					o.Store = broken{session.NewMemoryStore(session.MemoryOptions{})}
				}
				r := gin.New()
				if inside {
					r.Use(ginsession.New(manager(t, o)), compress)
				} else {
					r.Use(compress, ginsession.New(manager(t, o)))
				}
				r.GET("/", func(c *gin.Context) {
					visit(c)
					c.String(http.StatusOK, "tea")
				})
				resp, body := client(t, r)("/")
				if down {
					want(t, resp, body, 503, "Sessions are unavailable at the moment. Please try again.\n", 0)
				} else {
					want(t, resp, body, 200, "tea", 1)
				}
			})
		}
	}
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

func TestAHeaderThatHasLeftTakesNoCookie(t *testing.T) {
	store := session.NewMemoryStore(session.MemoryOptions{})
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Writer.WriteHeaderNow()
		c.Next()
	})
	r.Use(ginsession.New(manager(t, session.Options{Store: store})))
	var err error
	r.GET("/", func(c *gin.Context) {
		visit(c)
		err = ginsession.From(c).Save(c.Request.Context())
	})
	resp, body := client(t, r)("/")
	want(t, resp, body, 200, "", 0)
	if !errors.Is(err, session.ErrHeaderSent) {
		t.Fatalf("Save returned %v, want ErrHeaderSent", err)
	}
	if kept, _, _ := store.Scan(t.Context(), "", 10); len(kept) > 0 {
		t.Fatal("a session without a cookie was stored")
	}
}

func TestTheWholeEngineMayStandBehindManagerHandler(t *testing.T) {
	r := gin.New()
	r.GET("/", func(c *gin.Context) {
		visit(c)
		c.Stream(func(w io.Writer) bool {
			_, _ = io.WriteString(w, "tea")
			return false
		})
	})
	resp, body := client(t, manager(t, session.Options{}).Handler(r))("/")
	want(t, resp, body, 200, "tea", 1)
}

func TestOuterMiddlewareCannotAddToTheErrorPage(t *testing.T) {
	var size int
	var written bool
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		_, _ = c.Writer.WriteString("goes nowhere")
		size, written = c.Writer.Size(), c.Writer.Written()
	})
	m := manager(t, session.Options{
		Store: broken{session.NewMemoryStore(session.MemoryOptions{})},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	})
	r.Use(ginsession.New(m))
	r.GET("/", func(c *gin.Context) {
		visit(c)
		c.String(http.StatusOK, strings.Repeat("tea ", 100))
		c.Status(http.StatusTeapot)
	})
	resp, body := client(t, r)("/")
	want(t, resp, body, 503, "", 0)
	if size != 0 || !written {
		t.Fatalf("Size is %d and Written %v, want 0 and true", size, written)
	}
}

func TestAStreamEndsWhenTheClientLeaves(t *testing.T) {
	gone := make(chan bool, 1)
	stream := func(c *gin.Context) {
		visit(c)
		c.Writer.Flush()
		gone <- c.Stream(func(io.Writer) bool {
			<-c.Request.Context().Done()
			return true
		})
	}
	m := manager(t, session.Options{})
	with, behind := gin.New(), gin.New()
	with.GET("/", ginsession.New(m), stream)
	behind.GET("/", stream)
	for name, h := range map[string]http.Handler{"with the middleware": with, "behind Manager.Handler": m.Handler(behind)} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(h)
			defer server.Close()
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if !<-gone {
				t.Fatal("Stream did not tell that the client left")
			}
		})
	}
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

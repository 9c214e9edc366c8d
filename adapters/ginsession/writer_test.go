package ginsession_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/adapters/ginsession"
	"github.com/seshat-go/seshat/core/session"
)

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

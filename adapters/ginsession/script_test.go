package ginsession_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/adapters/ginsession"
	"github.com/seshat-go/seshat/core/adaptertest"
	"github.com/seshat-go/seshat/core/session"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	os.Exit(m.Run())
}

func TestGinKeepsThePromises(t *testing.T) {
	fw := adaptertest.Framework{Open: open, Informational: innermost}
	for _, n := range natives {
		fw.Natives = append(fw.Natives, n.Native)
	}
	adaptertest.Run(t, fw)
}

func open(_ *testing.T, app adaptertest.App) http.Handler {
	e := gin.New()
	e.Use(func(c *gin.Context) {
		c.Next()
		app.Sent(c.Request, c.Writer.Status())
	})
	recovery := gin.RecoveryWithWriter(io.Discard)
	if !app.RecoverInside {
		e.Use(recovery)
	}
	install(e, app.Managers)
	if app.RecoverInside {
		e.Use(recovery)
	}
	group := e.Group(strings.TrimSuffix(adaptertest.GroupPath, "/"))
	install(group, app.Group)
	fresh := e.Group(strings.TrimSuffix(adaptertest.FreshPath, "/"), ginsession.RequireFresh(app.Fresh))
	for path, h := range app.Routes {
		handler := func(c *gin.Context) { h(c.Writer, c.Request) }
		if in, ok := strings.CutPrefix(path, adaptertest.GroupPath); ok {
			group.Any("/"+in, handler)
		} else if in, ok := strings.CutPrefix(path, adaptertest.FreshPath); ok {
			fresh.Any("/"+in, handler)
		} else {
			e.Any(path, handler)
		}
	}
	for _, n := range natives {
		e.GET(adaptertest.NativePath+n.Name, func(c *gin.Context) {
			adaptertest.Visit(c.Request.Context())
			n.handle(c)
		})
	}
	return e
}

func install(r gin.IRoutes, managers []*session.Manager) {
	for _, m := range managers {
		r.Use(ginsession.New(m))
	}
}

// innermost returns the writer of net/http: Gin's takes any status for the last one.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

type native struct {
	adaptertest.Native
	handle gin.HandlerFunc
}

var natives = []native{
	{adaptertest.Native{Name: "Status", Status: 202}, func(c *gin.Context) { c.Status(http.StatusAccepted) }},
	{adaptertest.Native{Name: "Status-twice", Status: 201}, func(c *gin.Context) {
		c.Status(http.StatusInternalServerError) // not sent yet
		c.Status(http.StatusCreated)
	}},
	{adaptertest.Native{Name: "Status-500", Status: 500}, func(c *gin.Context) { c.Status(http.StatusInternalServerError) }},
	{adaptertest.Native{Name: "String", Status: 200, Body: "tea"}, func(c *gin.Context) { c.String(http.StatusOK, "tea") }},
	{adaptertest.Native{Name: "JSON", Status: 201, Body: `{"tea":"green"}`}, func(c *gin.Context) { c.JSON(http.StatusCreated, gin.H{"tea": "green"}) }},
	{adaptertest.Native{Name: "JSON-503", Status: 503, Body: `{"tea":"none"}`}, func(c *gin.Context) { c.JSON(http.StatusServiceUnavailable, gin.H{"tea": "none"}) }},
	{adaptertest.Native{Name: "JSON-204", Status: 204}, func(c *gin.Context) { c.JSON(http.StatusNoContent, nil) }},
	{adaptertest.Native{Name: "Data", Status: 200, Body: "tea"}, func(c *gin.Context) { c.Data(http.StatusOK, "text/plain", []byte("tea")) }},
	{adaptertest.Native{Name: "DataFromReader", Status: 200, Body: "tea"}, func(c *gin.Context) {
		c.DataFromReader(http.StatusOK, 3, "text/plain", strings.NewReader("tea"), nil)
	}},
	{adaptertest.Native{Name: "Redirect", Status: 302}, func(c *gin.Context) { c.Redirect(http.StatusFound, "/") }},
	{adaptertest.Native{Name: "File", Status: 200}, func(c *gin.Context) { c.File("session.go") }},
	{adaptertest.Native{Name: "AbortWithStatus", Status: 403}, func(c *gin.Context) { c.AbortWithStatus(http.StatusForbidden) }},
	{adaptertest.Native{Name: "AbortWithStatus-500", Status: 500}, func(c *gin.Context) { c.AbortWithStatus(http.StatusInternalServerError) }},
	{adaptertest.Native{Name: "AbortWithStatusJSON", Status: 422, Body: `{"tea":"cold"}`}, func(c *gin.Context) {
		c.AbortWithStatusJSON(http.StatusUnprocessableEntity, gin.H{"tea": "cold"})
	}},
	{adaptertest.Native{Name: "AbortWithError", Status: 500}, func(c *gin.Context) {
		_ = c.AbortWithError(http.StatusInternalServerError, io.ErrUnexpectedEOF)
	}},
	{adaptertest.Native{Name: "WriteHeaderNow", Status: 201, Body: "tea"}, func(c *gin.Context) {
		c.Status(http.StatusCreated)
		c.Writer.WriteHeaderNow()
		_, _ = c.Writer.WriteString("tea")
	}},
	{adaptertest.Native{Name: "Stream", Status: 200, Body: "aaa"}, func(c *gin.Context) {
		n := 0
		c.Stream(func(w io.Writer) bool {
			_, _ = io.WriteString(w, "a")
			n++
			return n < 3
		})
	}},
	{adaptertest.Native{Name: "SSEvent", Status: 200, Body: "event:tea\ndata:green"}, func(c *gin.Context) { c.SSEvent("tea", "green") }},
}

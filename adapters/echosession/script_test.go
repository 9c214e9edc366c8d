package echosession_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/seshat-go/seshat/adapters/echosession"
	"github.com/seshat-go/seshat/core/adaptertest"
)

func TestEchoKeepsThePromises(t *testing.T) {
	fw := adaptertest.Framework{Open: open, Informational: func(w http.ResponseWriter) http.ResponseWriter {
		return w.(*echo.Response).Writer // Echo's takes any status for the last one
	}}
	for _, n := range natives {
		fw.Natives = append(fw.Natives, n.Native)
	}
	adaptertest.Run(t, fw)
}

func open(_ *testing.T, app adaptertest.App) http.Handler {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := next(c); err != nil {
				c.Error(err) // as Echo's own logger does, to know the status
			}
			app.Sent(c.Request(), c.Response().Status)
			return nil
		}
	})
	recovery := middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true})
	if !app.RecoverInside {
		e.Use(recovery)
	}
	for _, m := range app.Managers {
		e.Use(echosession.New(m))
	}
	if app.RecoverInside {
		e.Use(recovery)
	}
	group := e.Group(strings.TrimSuffix(adaptertest.GroupPath, "/"))
	for _, m := range app.Group {
		group.Use(echosession.New(m))
	}
	fresh := e.Group(strings.TrimSuffix(adaptertest.FreshPath, "/"), echosession.RequireFresh(app.Fresh))
	for path, h := range app.Routes {
		handler := func(c echo.Context) error {
			h(c.Response(), c.Request())
			return nil
		}
		if in, ok := strings.CutPrefix(path, adaptertest.GroupPath); ok {
			group.Any("/"+in, handler)
		} else if in, ok := strings.CutPrefix(path, adaptertest.FreshPath); ok {
			fresh.Any("/"+in, handler)
		} else {
			e.Any(path, handler)
		}
	}
	for _, n := range natives {
		e.GET(adaptertest.NativePath+n.Name, func(c echo.Context) error {
			adaptertest.Visit(c.Request().Context())
			return n.handle(c)
		})
	}
	return e
}

type native struct {
	adaptertest.Native
	handle echo.HandlerFunc
}

var natives = []native{
	{adaptertest.Native{Name: "nothing", Status: 200}, func(echo.Context) error { return nil }},
	{adaptertest.Native{Name: "String", Status: 200, Body: "tea"}, func(c echo.Context) error { return c.String(http.StatusOK, "tea") }},
	{adaptertest.Native{Name: "JSON", Status: 201, Body: `{"tea":"green"}`}, func(c echo.Context) error {
		return c.JSON(http.StatusCreated, map[string]string{"tea": "green"})
	}},
	{adaptertest.Native{Name: "JSON-503", Status: 503, Body: `{"tea":"none"}`}, func(c echo.Context) error {
		return c.JSON(http.StatusServiceUnavailable, map[string]string{"tea": "none"})
	}},
	{adaptertest.Native{Name: "HTML", Status: 200, Body: "<p>tea"}, func(c echo.Context) error { return c.HTML(http.StatusOK, "<p>tea") }},
	{adaptertest.Native{Name: "Blob", Status: 200, Body: "tea"}, func(c echo.Context) error { return c.Blob(http.StatusOK, "text/plain", []byte("tea")) }},
	{adaptertest.Native{Name: "Stream", Status: 200, Body: "tea"}, func(c echo.Context) error {
		return c.Stream(http.StatusOK, "text/plain", strings.NewReader("tea"))
	}},
	{adaptertest.Native{Name: "File", Status: 200}, func(c echo.Context) error { return c.File("session.go") }},
	{adaptertest.Native{Name: "NoContent", Status: 204}, func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }},
	{adaptertest.Native{Name: "NoContent-500", Status: 500}, func(c echo.Context) error { return c.NoContent(http.StatusInternalServerError) }},
	{adaptertest.Native{Name: "Redirect", Status: 302}, func(c echo.Context) error { return c.Redirect(http.StatusFound, "/") }},
	{adaptertest.Native{Name: "error-418", Status: 418, Body: `{"message":"short and stout"}`}, func(echo.Context) error {
		return echo.NewHTTPError(http.StatusTeapot, "short and stout")
	}},
	{adaptertest.Native{Name: "error-404", Status: 404, Body: `{"message":"Not Found"}`}, func(echo.Context) error { return echo.ErrNotFound }},
	{adaptertest.Native{Name: "error-500", Status: 500, Body: `{"message":"broken pot"}`}, func(echo.Context) error {
		return echo.NewHTTPError(http.StatusInternalServerError, "broken pot")
	}},
	{adaptertest.Native{Name: "error-plain", Status: 500, Body: `{"message":"Internal Server Error"}`}, func(echo.Context) error {
		return errors.New("broken pot")
	}},
	{adaptertest.Native{Name: "error-after-the-response", Status: 200, Body: "tea"}, func(c echo.Context) error {
		_ = c.String(http.StatusOK, "tea")
		return errors.New("broken pot")
	}},
}

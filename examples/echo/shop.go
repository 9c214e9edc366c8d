// Command echo is a tea shop on Echo, whose sessions are kept by Seshat. This
// file is the shop; the others are the same for every framework.
package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/seshat-go/seshat/adapters/echosession"
	"github.com/seshat-go/seshat/core/session"
)

func newShop(sessions *session.Manager) http.Handler {
	e := echo.New()
	e.Renderer = &echo.TemplateRenderer{Template: pages}
	e.HTTPErrorHandler = failed
	e.Use(middleware.Recover())
	e.Use(echosession.New(sessions))

	read := []string{http.MethodGet, http.MethodHead}
	e.Match(read, "/", home)
	e.POST("/login", login)
	e.POST("/logout", logout)
	e.POST("/cart", add)
	e.POST("/cart/remove", remove)
	d := devices{sessions}
	e.Match(read, "/devices", of(d.show))
	e.POST("/devices/end", of(d.end))
	e.POST("/devices/end-others", of(d.endOthers))
	e.Match(read, "/api/session", describe)
	e.Match(read, "/healthz", healthy)
	return e
}

// failed answers what no handler did: unknown paths, wrong methods, panics.
func failed(err error, c echo.Context) {
	status := http.StatusInternalServerError
	var known *echo.HTTPError
	if errors.As(err, &known) {
		status = known.Code
	}
	switch {
	case c.Response().Committed:
	case status == http.StatusNotFound:
		http.NotFound(c.Response(), c.Request())
	default:
		_ = c.NoContent(status)
	}
}

func home(c echo.Context) error {
	return render(c, http.StatusOK, view(c.Request(), echosession.From(c)))
}

func login(c echo.Context) error {
	s := echosession.From(c)
	name, wrong := readName(c.Request())
	if wrong != nil {
		return render(c, http.StatusBadRequest, view(c.Request(), s).with(wrong))
	}
	s.Login(name) // a new token; what is in the cart stays
	return c.Redirect(http.StatusSeeOther, "/")
}

func logout(c echo.Context) error {
	_ = echosession.From(c).Destroy(c.Request().Context()) // if it fails, the response is that of Options.ErrorHandler
	return c.Redirect(http.StatusSeeOther, "/")
}

func add(c echo.Context) error {
	s := echosession.From(c)
	item, wrong := readItem(c.Request())
	if wrong == nil {
		wrong = cartFull(s, item)
	}
	if wrong != nil {
		return render(c, http.StatusBadRequest, view(c.Request(), s).with(wrong))
	}
	addItem(s, item)
	return c.Redirect(http.StatusSeeOther, "/")
}

func remove(c echo.Context) error {
	s := echosession.From(c)
	item, wrong := readItem(c.Request())
	if wrong != nil {
		return render(c, http.StatusBadRequest, view(c.Request(), s).with(wrong))
	}
	removeItem(s, item)
	return c.Redirect(http.StatusSeeOther, "/")
}

// of makes the handler of a page of devices.
func of(visit func(*http.Request, *session.Session) (reply, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch answer, err := visit(c.Request(), echosession.From(c)); {
		case err != nil:
			session.DefaultErrorHandler(c.Response(), c.Request(), err)
			return nil
		case answer.to != "":
			return c.Redirect(http.StatusSeeOther, answer.to)
		default:
			return render(c, answer.status, answer.page)
		}
	}
}

func describe(c echo.Context) error {
	body, err := json.Marshal(summarize(echosession.From(c))) // c.JSON would end it with a line break
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSONBlob(http.StatusOK, body)
}

func healthy(c echo.Context) error {
	return c.String(http.StatusOK, "ok")
}

func render(c echo.Context, status int, p page) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Render(status, "page.html", p)
}

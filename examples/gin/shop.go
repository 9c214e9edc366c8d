// Command gin is a tea shop on Gin, whose sessions are kept by Seshat. This
// file is the shop; the others are the same for every framework.
package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/adapters/ginsession"
	"github.com/seshat-go/seshat/core/session"
)

func newShop(sessions *session.Manager) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.SetHTMLTemplate(pages)
	r.RedirectTrailingSlash = false
	r.HandleMethodNotAllowed = true
	r.NoMethod(func(c *gin.Context) { c.AbortWithStatus(http.StatusMethodNotAllowed) })
	r.NoRoute(func(c *gin.Context) { http.NotFound(c.Writer, c.Request) })
	r.Use(gin.Recovery())
	r.Use(ginsession.New(sessions))

	read := []string{http.MethodGet, http.MethodHead}
	r.Match(read, "/", home)
	r.POST("/login", login)
	r.POST("/logout", logout)
	r.POST("/cart", add)
	r.POST("/cart/remove", remove)
	d := devices{sessions}
	r.Match(read, "/devices", of(d.show))
	r.POST("/devices/end", of(d.end))
	r.POST("/devices/end-others", of(d.endOthers))
	r.Match(read, "/api/session", describe)
	r.Match(read, "/healthz", healthy)
	return r
}

func home(c *gin.Context) {
	render(c, http.StatusOK, view(c.Request, ginsession.From(c)))
}

func login(c *gin.Context) {
	s := ginsession.From(c)
	name, wrong := readName(c.Request)
	if wrong != nil {
		render(c, http.StatusBadRequest, view(c.Request, s).with(wrong))
		return
	}
	s.Login(name) // a new token; what is in the cart stays
	c.Redirect(http.StatusSeeOther, "/")
}

func logout(c *gin.Context) {
	_ = ginsession.From(c).Destroy(c.Request.Context()) // if it fails, the response is that of Options.ErrorHandler
	c.Redirect(http.StatusSeeOther, "/")
}

func add(c *gin.Context) {
	s := ginsession.From(c)
	item, wrong := readItem(c.Request)
	if wrong == nil {
		wrong = cartFull(s, item)
	}
	if wrong != nil {
		render(c, http.StatusBadRequest, view(c.Request, s).with(wrong))
		return
	}
	addItem(s, item)
	c.Redirect(http.StatusSeeOther, "/")
}

func remove(c *gin.Context) {
	s := ginsession.From(c)
	item, wrong := readItem(c.Request)
	if wrong != nil {
		render(c, http.StatusBadRequest, view(c.Request, s).with(wrong))
		return
	}
	removeItem(s, item)
	c.Redirect(http.StatusSeeOther, "/")
}

// of makes the handler of a page of devices.
func of(visit func(*http.Request, *session.Session) (reply, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		switch answer, err := visit(c.Request, ginsession.From(c)); {
		case err != nil:
			session.DefaultErrorHandler(c.Writer, c.Request, err)
		case answer.to != "":
			c.Redirect(http.StatusSeeOther, answer.to)
		default:
			render(c, answer.status, answer.page)
		}
	}
}

func describe(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, summarize(ginsession.From(c)))
}

func healthy(c *gin.Context) {
	c.String(http.StatusOK, "ok")
}

func render(c *gin.Context, status int, p page) {
	c.Header("Cache-Control", "no-store")
	c.HTML(status, "page.html", p)
}

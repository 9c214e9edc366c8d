package echosession_test

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/seshat-go/seshat/adapters/echosession"
	"github.com/seshat-go/seshat/core/session"
)

func ExampleNew() {
	visits := session.NewKey[int]("visits")

	sessions, err := session.New(session.Options{}) // in memory; set Store for production
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.Use(middleware.Recover())
	e.Use(echosession.New(sessions))
	e.GET("/", func(c echo.Context) error {
		s := echosession.From(c)
		visits.Update(s, func(n int) int { return n + 1 })
		return c.JSON(http.StatusOK, map[string]any{"user": s.Principal(), "visits": visits.Get(s)})
	})
	e.POST("/login", func(c echo.Context) error {
		echosession.From(c).Login("user-42") // after checking the password
		return c.Redirect(http.StatusSeeOther, "/")
	})
	log.Fatal(e.Start("127.0.0.1:8080"))
}

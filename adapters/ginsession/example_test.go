package ginsession_test

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/seshat-go/seshat/adapters/ginsession"
	"github.com/seshat-go/seshat/core/session"
)

func ExampleNew() {
	visits := session.NewKey[int]("visits")

	sessions, err := session.New(session.Options{}) // in memory; set Store for production
	if err != nil {
		log.Fatal(err)
	}

	r := gin.New()
	r.Use(gin.Recovery())
	r.Use(ginsession.New(sessions))
	r.GET("/", func(c *gin.Context) {
		s := ginsession.From(c)
		visits.Update(s, func(n int) int { return n + 1 })
		c.JSON(http.StatusOK, gin.H{"user": s.Principal(), "visits": visits.Get(s)})
	})
	r.POST("/login", func(c *gin.Context) {
		ginsession.From(c).Login("user-42") // after checking the password
		c.Redirect(http.StatusSeeOther, "/")
	})
	log.Fatal(r.Run("127.0.0.1:8080"))
}

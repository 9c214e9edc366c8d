package chisession_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/seshat-go/seshat/adapters/chisession"
	"github.com/seshat-go/seshat/core/session"
)

func ExampleNew() {
	visits := session.NewKey[int]("visits")

	sessions, err := session.New(session.Options{}) // in memory; set Store for production
	if err != nil {
		log.Fatal(err)
	}

	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Use(chisession.New(sessions))
	r.Get("/", func(w http.ResponseWriter, r *http.Request) {
		s := chisession.From(r)
		visits.Update(s, func(n int) int { return n + 1 })
		_, _ = fmt.Fprintf(w, "%s: visit %d\n", s.Principal(), visits.Get(s))
	})
	r.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		chisession.From(r).Login("user-42") // after checking the password
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", r))
}

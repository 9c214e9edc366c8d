// Command chi is a tea shop on Chi, whose sessions are kept by Seshat. This
// file is the shop; the others are the same for every framework.
package main

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/seshat-go/seshat/adapters/chisession"
	"github.com/seshat-go/seshat/core/session"
)

func newShop(sessions *session.Manager) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.GetHead)
	r.Use(chisession.New(sessions))

	r.Get("/", home)
	r.Post("/login", login)
	r.Post("/logout", logout)
	r.Post("/cart", add)
	r.Post("/cart/remove", remove)
	d := devices{sessions}
	r.Get("/devices", of(d.show))
	r.Post("/devices/end", of(d.end))
	r.Post("/devices/end-others", of(d.endOthers))
	r.Get("/api/session", describe)
	r.Get("/healthz", healthy)
	return r
}

func home(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusOK, view(r, session.From(r.Context())))
}

func login(w http.ResponseWriter, r *http.Request) {
	s := session.From(r.Context())
	name, wrong := readName(r)
	if wrong != nil {
		render(w, http.StatusBadRequest, view(r, s).with(wrong))
		return
	}
	s.Login(name) // a new token; what is in the cart stays
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	_ = session.From(r.Context()).Destroy(r.Context()) // if it fails, the response is that of Options.ErrorHandler
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func add(w http.ResponseWriter, r *http.Request) {
	s := session.From(r.Context())
	item, wrong := readItem(r)
	if wrong == nil {
		wrong = cartFull(s, item)
	}
	if wrong != nil {
		render(w, http.StatusBadRequest, view(r, s).with(wrong))
		return
	}
	addItem(s, item)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func remove(w http.ResponseWriter, r *http.Request) {
	s := session.From(r.Context())
	item, wrong := readItem(r)
	if wrong != nil {
		render(w, http.StatusBadRequest, view(r, s).with(wrong))
		return
	}
	removeItem(s, item)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// of makes the handler of a page of devices.
func of(visit func(*http.Request, *session.Session) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch answer, err := visit(r, session.From(r.Context())); {
		case err != nil:
			session.DefaultErrorHandler(w, r, err)
		case answer.to != "":
			http.Redirect(w, r, answer.to, http.StatusSeeOther)
		default:
			render(w, answer.status, answer.page)
		}
	}
}

func describe(w http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(summarize(session.From(r.Context())))
	if err != nil {
		panic(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok")
}

func render(w http.ResponseWriter, status int, p page) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.Execute(w, p)
}

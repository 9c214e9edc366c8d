package benchmarks

import (
	"io"
	"net/http"
)

// newNone keeps no sessions: it answers what the others answer, from nothing.
// The routes that begin a session set a cookie, so that requests carry one.
func newNone(Env) (*Site, error) {
	done := func(w http.ResponseWriter, _ *http.Request) { ok(w) }
	begin := func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: "b7Uq0mJX1cN4v9RzKpWdE2sTgYhLf6aOi3xQkVnMj8w", Path: "/", HttpOnly: true})
		ok(w)
	}
	return &Site{newMux(map[string]http.HandlerFunc{
		Untouched: done,
		Read:      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) },
		Change:    done,
		First:     begin,
		Login:     begin,
		Fill:      begin,
		FillBig:   begin,
		Anonymous: begin,
	}), nothingToClose}, nil
}

// cookieName is the cookie of contestants that leave its name to the program.
const cookieName = "session"

func nothingToClose() error { return nil }

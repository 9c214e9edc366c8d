package benchmarks

import (
	"io"
	"net/http"

	"github.com/gorilla/sessions"
)

func newGorillaCookie(env Env) (*Site, error) {
	return &Site{gorillaRoutes(sessions.NewCookieStore(signingKey), env), nothingToClose}, nil
}

// gorillaRoutes are the handlers of a user of gorilla/sessions.
func gorillaRoutes(store sessions.Store, env Env) http.Handler {
	// change loads the session, changes and saves it, and answers.
	change := func(change func(*http.Request, map[any]any)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, cookieName)
			if err == nil {
				change(r, s.Values)
				err = s.Save(r, w)
			}
			if err != nil {
				fail(w, err)
				return
			}
			ok(w)
		}
	}
	fill := change(func(r *http.Request, v map[any]any) {
		for key, value := range filled(r.URL.Path) {
			v[key] = value
		}
	})
	count := change(func(_ *http.Request, v map[any]any) { v[countKey] = next() })
	return newMux(map[string]http.HandlerFunc{
		Untouched: func(w http.ResponseWriter, _ *http.Request) { ok(w) },
		Read: func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, cookieName)
			if err != nil {
				fail(w, err)
				return
			}
			value, _ := s.Values[nameKey].(string)
			_, _ = io.WriteString(w, value)
		},
		Change:    count,
		First:     count,
		Login:     change(func(_ *http.Request, v map[any]any) { v[userKey] = user() }), // there is no renewal
		Fill:      fill,
		FillBig:   fill,
		Anonymous: fill,
		Mark: change(func(r *http.Request, v map[any]any) {
			env.loaded()
			v[r.URL.RawQuery] = true
		}),
		Marks: func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, cookieName)
			if err != nil {
				fail(w, err)
				return
			}
			_, _ = io.WriteString(w, markedIn(func(name string) bool { return s.Values[name] != nil }))
		},
	})
}

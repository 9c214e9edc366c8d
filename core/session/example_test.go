package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// visitor returns a browser for the examples: each call requests a path, with
// the cookies so far, and prints the answer.
func visitor(h http.Handler) func(path string) {
	jar, _ := cookiejar.New(nil)
	return func(path string) {
		r := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
		for _, c := range jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		jar.SetCookies(r.URL, w.Result().Cookies())
		if body := strings.TrimSpace(w.Body.String()); body != "" {
			fmt.Println(body)
		}
	}
}

// Keys are made once, as package variables.
var (
	visits = session.NewKey[int]("visits")
	basket = session.NewKey[[]string]("basket")
	state  = session.NewKey[string]("oauth-state")
	theme  = session.NewKey[string]("theme")
)

func Example() {
	sessions, err := session.New(session.Options{Store: session.NewMemoryStore(session.MemoryOptions{})})
	if err != nil {
		fmt.Println(err)
		return
	}
	app := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		visits.Update(s, func(n int) int { return n + 1 })
		fmt.Fprintln(w, "visit", visits.Get(s))
	}))

	browse := visitor(app)
	browse("/")
	browse("/")
	// Output:
	// visit 1
	// visit 2
}

func ExampleNew() {
	_, err := session.New(session.Options{
		Store:       session.NewMemoryStore(session.MemoryOptions{}),
		Lifetime:    session.LifetimeAAL2,
		IdleTimeout: session.IdleAAL2,
		Cookie:      session.Cookie{SameSite: http.SameSiteStrictMode},
	})
	fmt.Println(err)

	_, err = session.New(session.Options{Lifetime: time.Hour, IdleTimeout: 2 * time.Hour})
	fmt.Println(err)
	// Output:
	// <nil>
	// session: Options.IdleTimeout (2h0m0s) is above Lifetime (1h0m0s) and would never count
}

func ExampleKey() {
	sessions := session.Must(session.New(session.Options{}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		value, ok := theme.Lookup(s)
		fmt.Fprintf(w, "%q %v, ", value, ok)
		theme.Set(s, "dark")
		fmt.Fprintf(w, "%q, ", theme.Get(s))
		theme.Delete(s)
		fmt.Fprintf(w, "%q", theme.Get(s))
	})))
	browse("/")
	// Output: "" false, "dark", ""
}

func ExampleKey_Update() {
	sessions := session.Must(session.New(session.Options{}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		// Of parallel requests each adds its item: none is lost.
		basket.Update(s, func(items []string) []string { return append(items, r.FormValue("item")) })
		fmt.Fprintln(w, basket.Get(s))
	})))
	browse("/?item=tea")
	browse("/?item=milk")
	// Output:
	// [tea]
	// [tea milk]
}

func ExampleKey_Pop() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	mux.HandleFunc("/sign-in", func(_ http.ResponseWriter, r *http.Request) {
		state.Set(session.From(r.Context()), "random")
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		// A value can be popped once, also by parallel requests.
		if want, ok := state.Pop(session.From(r.Context())); !ok || r.FormValue("state") != want {
			http.Error(w, "start again", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "welcome")
	})
	browse := visitor(sessions.Handler(mux))
	browse("/sign-in")
	browse("/callback?state=random")
	browse("/callback?state=random")
	// Output:
	// welcome
	// start again
}

func ExampleSession_Login() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "signed in as %q", session.From(r.Context()).Principal())
	})
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login("user-42") // after the password was right
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
		_ = session.From(r.Context()).Destroy(r.Context()) // an error makes the answer 503
	})
	browse := visitor(sessions.Handler(mux))
	browse("/login")
	browse("/")
	browse("/logout")
	browse("/")
	// Output:
	// signed in as "user-42"
	// signed in as ""
}

func ExampleSession_Flash() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	mux.HandleFunc("/save", func(_ http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Flash("info", "Saved.")
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, session.From(r.Context()).Flashes())
	})
	browse := visitor(sessions.Handler(mux))
	browse("/save")
	browse("/page")
	browse("/page")
	// Output:
	// [{info Saved.}]
	// []
}

// A handler that runs for long (server-sent events, a WebSocket) saves and
// reloads by itself.
func ExampleSession_Reload() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	app := sessions.Handler(mux)
	browse := visitor(app)
	mux.HandleFunc("/set", func(_ http.ResponseWriter, r *http.Request) {
		theme.Set(session.From(r.Context()), r.FormValue("theme"))
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) {
		_ = session.From(r.Context()).Destroy(r.Context())
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		s, ctx := session.From(r.Context()), r.Context()
		fmt.Fprintln(w, "theme:", theme.Get(s)) // the header leaves now

		visits.Update(s, func(n int) int { return n + 1 })
		fmt.Fprintln(w, "saved:", s.Save(ctx)) // others see it at once

		browse("/set?theme=dark") // another request of the browser
		fmt.Fprintln(w, "reloaded:", s.Reload(ctx), theme.Get(s), visits.Get(s))

		browse("/logout")
		fmt.Fprintln(w, "ended:", errors.Is(s.Reload(ctx), session.ErrSessionEnded))
	})
	browse("/set?theme=light")
	browse("/events")
	// Output:
	// theme: light
	// saved: <nil>
	// reloaded: <nil> dark 1
	// ended: true
}

func ExampleSession_SetPersistent() {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	sessions := session.Must(session.New(session.Options{Clock: func() time.Time { return now }}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		if s.ID() == "" {
			s.Login("user-42")
			if r.FormValue("remember") == "" {
				s.SetPersistent(false) // the cookie ends with the browser
				s.SetLifetime(8 * time.Hour)
				s.SetIdleTimeout(30 * time.Minute)
			}
			return
		}
		fmt.Fprintln(w, "ends in", s.ExpiresAt().Sub(now))
	})))
	browse("/")
	browse("/")
	// Output: ends in 30m0s
}

// A page that can do without its session asks first.
func ExampleSession_Load() {
	sessions := session.Must(session.New(session.Options{}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		if err := s.Load(r.Context()); err != nil {
			fmt.Fprintln(w, "the page for everybody") // instead of an error 503
			return
		}
		fmt.Fprintf(w, "the page for %q", s.Principal())
	})))
	browse("/")
	// Output: the page for ""
}

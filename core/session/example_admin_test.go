package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

func ExampleManager_RevokeFor() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login(r.FormValue("user"))
	})
	app := sessions.Handler(mux)
	visitor(app)("/login?user=alice")
	visitor(app)("/login?user=bob")

	ctx := context.Background()
	devices, err := sessions.List(ctx, "alice")
	fmt.Println(len(devices), err)
	id := devices[0].ID // safe to show: it does not open the session
	fmt.Println(sessions.RevokeFor(ctx, "bob", id))
	fmt.Println(sessions.RevokeFor(ctx, "alice", id))
	// Output:
	// 1 <nil>
	// session: not found
	// <nil>
}

func ExampleManager_RevokeAll() {
	sessions := session.Must(session.New(session.Options{}))
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login("alice")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "signed in as %q", session.From(r.Context()).Principal())
	})
	mux.HandleFunc("/password", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		s.Renew()
		n, err := sessions.RevokeAll(r.Context(), s.Principal(), session.Except(s))
		fmt.Fprintln(w, "others signed out:", n, err)
	})
	app := sessions.Handler(mux)
	phone, laptop := visitor(app), visitor(app)
	phone("/login")
	laptop("/login")
	laptop("/password")
	laptop("/")
	phone("/")
	// Output:
	// others signed out: 1 <nil>
	// signed in as "alice"
	// signed in as ""
}

// For a daily job. Sessions end in time without it; it frees space.
func ExampleManager_Purge() {
	sessions := session.Must(session.New(session.Options{}))
	n, err := sessions.Purge(context.Background())
	fmt.Println(n, err)
	// Output: 0 <nil>
}

func ExampleOptions_errorHandler() {
	sessions := session.Must(session.New(session.Options{
		MaxSize: 100,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, session.ErrTooLarge) {
				http.Error(w, "Your basket is full.", http.StatusUnprocessableEntity)
				return
			}
			session.DefaultErrorHandler(w, r, err)
		},
	}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		basket.Set(session.From(r.Context()), make([]string, 100))
		fmt.Fprintln(w, "added") // nobody sees it
	})))
	browse("/")
	// Output: Your basket is full.
}

// alarms counts what an operator wants to know of.
type alarms map[session.EventKind]int

func (a alarms) Event(_ context.Context, e session.Event) { a[e.Kind]++ }

func ExampleEvents() {
	seen := alarms{} // one goroutine here; an application needs a lock
	sessions := session.Must(session.New(session.Options{Events: seen}))
	browse := visitor(sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login("alice")
	})))
	browse("/")
	browse("/")
	fmt.Println(seen[session.EventCreated], seen[session.EventRenewed], seen[session.EventLogin])
	// Output: 1 1 2
}

// Code that also runs without the middleware, such as a logger.
func ExampleLookup() {
	if _, ok := session.Lookup(context.Background()); !ok {
		fmt.Println("no middleware")
	}
	// Output: no middleware
}

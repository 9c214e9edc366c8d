package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seshat-go/seshat/core/session"
)

// Values can be seen and deleted by name, without their types.
func ExampleSession_Keys() {
	city := session.NewKey[string]("city")
	size := session.NewKey[int]("size")
	sessions := session.Must(session.New(session.Options{}))
	app := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		city.Set(s, "Kyoto")
		size.Set(s, 38)
		fmt.Fprintln(w, s.Keys(), s.Len(), s.Has("size"))
		s.Delete("size")
		fmt.Fprintln(w, s.Keys())
		s.Clear()
		fmt.Fprintln(w, s.Keys())
	}))
	visitor(app)("/")
	// Output:
	// [city size] 2 true
	// [city]
	// []
}

// down is a store that cannot be reached.
type down struct{ *session.MemoryStore }

func (down) Load(context.Context, session.ID) (session.Record, error) {
	return session.Record{}, errors.New("connection refused")
}

// With Preload no handler runs for a visitor whose session cannot be loaded.
func ExampleOptions_preload() {
	sessions := session.Must(session.New(session.Options{
		Store:   down{session.NewMemoryStore(session.MemoryOptions{})},
		Preload: true,
		Events:  noEvents{},
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login("alice")
		fmt.Fprintln(w, "the handler ran")
	})
	visit := visitor(sessions.Handler(mux))
	visit("/") // has no cookie yet
	visit("/")
	// Output:
	// the handler ran
	// Sessions are unavailable at the moment. Please try again.
}

type noEvents struct{}

func (noEvents) Event(context.Context, session.Event) {}

// An operator ends any session by its ID, as logs and lists show it.
func ExampleManager_Revoke() {
	sessions := session.Must(session.New(session.Options{}))
	app := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		if r.URL.Path == "/login" {
			s.Login("mallory")
		}
		fmt.Fprintf(w, "%q\n", s.Principal())
	}))
	visit := visitor(app)
	visit("/login")
	ctx := context.Background()
	found, err := sessions.List(ctx, "mallory")
	fmt.Println(len(found), err, sessions.Revoke(ctx, found[0].ID))
	visit("/")
	// Output:
	// "mallory"
	// 1 <nil> <nil>
	// ""
}

// Customers and staff have sessions of their own, under two cookie names.
func ExampleManager_From() {
	customers := session.Must(session.New(session.Options{}))
	staff := session.Must(session.New(session.Options{Cookie: session.Cookie{Name: "__Host-staff"}}))
	app := customers.Handler(staff.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		customers.From(r.Context()).Login("alice")
		staff.From(r.Context()).Login("clerk-7")
		innermost := session.From(r.Context())
		fmt.Fprintln(w, customers.From(r.Context()).Principal(), innermost.Principal())
	})))
	visitor(app)("/")
	// Output: alice clerk-7
}

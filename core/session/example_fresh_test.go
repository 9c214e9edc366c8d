package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// One error handler sends whoever is not fresh to the page that asks for the
// password, and remembers where they wanted to go.
func ExampleRequireFresh() {
	next := session.NewKey[string]("next")
	sessions := session.Must(session.New(session.Options{
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, session.ErrNotFresh) {
				session.DefaultErrorHandler(w, r, err)
				return
			}
			next.Set(session.From(r.Context()), r.URL.Path)
			w.Header().Set("Location", "/password")
			w.WriteHeader(http.StatusSeeOther)
			fmt.Fprintln(w, "the password, please")
		},
	}))
	mux := http.NewServeMux()
	fresh := session.RequireFresh(15 * time.Minute)
	mux.Handle("/devices", fresh(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "your devices")
	})))
	mux.HandleFunc("/password", func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		if s.Principal() == "" { // after the password was right
			s.Login("user-42")
		} else {
			s.Reauthenticate()
		}
		to, _ := next.Pop(s)
		fmt.Fprintln(w, "go on to", to)
	})
	browse := visitor(sessions.Handler(mux))
	browse("/devices")
	browse("/password")
	browse("/devices")
	// Output:
	// the password, please
	// go on to /devices
	// your devices
}

// What an operator should read at the start, and what a check can look at.
func ExampleManager_Policy() {
	sessions := session.Must(session.New(session.Options{
		Preset: session.AAL2,
		Cookie: session.Cookie{Domain: "example.com", Name: "__Secure-session", BrowserSession: true},
	}))
	policy := sessions.Policy()
	fmt.Println(policy.Level())
	for _, f := range policy.Findings() {
		fmt.Println(f)
	}
	// Output:
	// aal2
	// note cookie.domain: Domain=example.com.
	//   Whoever controls a subdomain, or a page on one, can read the token and set another (ASVS 3.3.3, 3.5.4).
	//   Do: Leave out Cookie.Domain, or have no subdomain that is not trusted as this host is.
}

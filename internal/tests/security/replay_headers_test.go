package security_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Methods that tell nothing of what the cookie brought.
var tellNothing = map[string]string{
	"Err":    "tells what went wrong with what was asked before",
	"Save":   "does nothing while nothing was asked or set",
	"Format": "prints a fixed text",
	"Name":   "is a constant of the program",
}

// uses are all exported methods of Session and Key, each as a use of a session.
func uses(t *testing.T) map[string]func(*session.Session) {
	t.Helper()
	out := map[string]func(*session.Session){"session.Except": func(s *session.Session) { exceptOf(t, s) }}
	add := func(of reflect.Type, receiver func(s *session.Session) reflect.Value) {
		for i := range of.NumMethod() {
			method := of.Method(i)
			if tellNothing[method.Name] != "" {
				continue
			}
			out[of.String()+"."+method.Name] = func(s *session.Session) {
				args := []reflect.Value{receiver(s)}
				for j := 1; j < method.Type.NumIn(); j++ {
					args = append(args, argument(t, method, method.Type.In(j), s))
				}
				method.Func.Call(args)
			}
		}
	}
	add(reflect.TypeFor[*session.Session](), func(s *session.Session) reflect.Value { return reflect.ValueOf(s) })
	add(reflect.TypeFor[session.Key[string]](), func(*session.Session) reflect.Value { return reflect.ValueOf(name) })
	return out
}

// exceptOf uses a session as the one to spare.
func exceptOf(t *testing.T, s *session.Session) {
	m := session.Must(session.New(session.Options{Store: session.NewMemoryStore(session.MemoryOptions{}), Logger: slog.New(slog.DiscardHandler)}))
	if _, err := m.RevokeAll(t.Context(), "nobody", session.Except(s)); err != nil {
		t.Error(err)
	}
}

// argument makes one for a method.
func argument(t *testing.T, method reflect.Method, of reflect.Type, s *session.Session) reflect.Value {
	for _, v := range []any{s, "x", true, time.Hour, func(v string) string { return v + "x" }} {
		if reflect.TypeOf(v) == of {
			return reflect.ValueOf(v)
		}
	}
	if of == reflect.TypeFor[context.Context]() {
		return reflect.ValueOf(context.Background())
	}
	t.Errorf("this test has no %v to call %s with", of, method.Name)
	return reflect.Zero(of)
}

// CVE-2023-30861, CVE-2026-27205 (Flask), CVE-2026-35192 (Django): an answer that
// depends on the session, or sets its cookie, does not say so, and a cache gives
// it to somebody else. In the second of Flask's only some of the reading methods
// counted as an access.
func TestVaryAndNoStoreAreNeverMissing(t *testing.T) {
	all := uses(t)
	if len(all) < 25 {
		t.Fatalf("only %d methods were found", len(all))
	}
	s := newSite(t, memory, session.Options{}, 1)
	for does, use := range all {
		for who, f := range map[string]func(b *browser){
			"a visitor without a cookie": func(*browser) {},
			"a visitor with a session":   func(b *browser) { b.begin(loginWith("alice", "tea")) },
			"a visitor with a forged cookie": func(b *browser) {
				must(t, b.receive("https", host, "/", cookie+"="+freshToken()+"; Path=/; Secure"))
			},
		} {
			for _, status := range []int{200, 204, 301, 303, 304, 401, 404, 500, 503} {
				b := s.browser()
				f(b)
				a := b.answers(status, use)
				if got := a.header["Vary"]; len(got) != 1 || got[0] != "Cookie" {
					t.Errorf("%s of %s, answered %d: Vary is %q", does, who, a.status, got)
				}
				if len(a.header["Set-Cookie"]) > 0 && a.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s of %s, answered %d: a cookie with Cache-Control %q", does, who, a.status, a.header["Cache-Control"])
				}
			}
		}
	}
	t.Run("not where nothing was asked", func(t *testing.T) {
		b := s.browser()
		b.begin(loginWith("alice", "tea"))
		for does, f := range map[string]func(*session.Session){
			"nothing": func(*session.Session) {}, "Err": func(s *session.Session) { _ = s.Err() },
			"Save": func(s *session.Session) { _ = s.Save(context.Background()) }, "Format": func(s *session.Session) { _ = fmt.Sprint(s) },
		} {
			if a := b.visit(f).want(200).wantCookies(0); len(a.header["Vary"]) > 0 || len(a.header["Cache-Control"]) > 0 {
				t.Errorf("%s: %v", does, a.header)
			}
		}
	})
	t.Run("on every way in which an answer leaves", func(t *testing.T) {
		for how, f := range map[string]func(w http.ResponseWriter, s *session.Session){
			"nothing written": func(_ http.ResponseWriter, s *session.Session) { renew(s) },
			"a body":          func(w http.ResponseWriter, s *session.Session) { renew(s); _, _ = w.Write([]byte("x")) },
			"a flush":         func(w http.ResponseWriter, s *session.Session) { renew(s); _ = http.NewResponseController(w).Flush() },
			"103 and a body": func(w http.ResponseWriter, s *session.Session) {
				renew(s)
				w.WriteHeader(103)
				_, _ = w.Write([]byte("x"))
			},
			"an error page": func(w http.ResponseWriter, s *session.Session) { renew(s); http.Error(w, "x", 404) },
			"a redirect": func(w http.ResponseWriter, s *session.Session) {
				renew(s)
				w.Header().Set("Location", "/")
				w.WriteHeader(302)
			},
			"logout and 500": func(w http.ResponseWriter, s *session.Session) { destroy(s); w.WriteHeader(500) },
			"logout":         func(_ http.ResponseWriter, s *session.Session) { destroy(s) },
			"public, on purpose": func(w http.ResponseWriter, s *session.Session) {
				renew(s)
				w.Header().Set("Cache-Control", "public, max-age=600")
			},
		} {
			b := s.browser()
			b.begin(loginWith("alice", "tea"))
			a := b.serve(func(w http.ResponseWriter, _ *http.Request, s *session.Session) { f(w, s) }).wantCookies(1)
			if a.header.Get("Vary") != "Cookie" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %v", how, a.header)
			}
		}
	})
}

package adaptertest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// testInformational shows that a status of 1xx does not end the handler's time
// to change the session, and that 100 Continue works as ever.
func testInformational(t *testing.T, fw Framework) {
	t.Run("103 Early Hints leave before the session is saved", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/hints", visited(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload; as=style")
			fw.Informational(w).WriteHeader(http.StatusEarlyHints)
			Visit(r.Context()) // still in time
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "tea")
		}))
		b := s.start().browser()
		var hints []textproto.MIMEHeader
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					hints = append(hints, h)
				}
				return nil
			},
		})
		b.read(b.open(b.request(ctx, http.MethodGet, "/hints", nil))).want(201, "tea").wantCookies(defaultName)
		if len(hints) != 1 || hints[0].Get("Link") == "" || hints[0].Get("Set-Cookie") != "" {
			t.Fatalf("got the hints %v, want one with a Link and without Set-Cookie", hints)
		}
		b.get("/show").want(200, ":2")
	})
	for name, write := range map[string]http.HandlerFunc{
		"a body": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "tea") },
		"none":   nothing,
	} {
		t.Run("a handler that gives no status but 103, with "+name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.handle("/hints", visited(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				write(w, r)
			}))
			b := s.start().browser()
			a := b.get("/hints").wantCookies(defaultName) // frameworks may take 103 for the status
			if a.status != 200 {
				t.Fatalf("got %d, want 200", a.status)
			}
			b.get("/show").want(200, ":1")
		})
	}
	t.Run("100 Continue comes when the handler reads the body", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/post", func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(err)
			}
			Visit(r.Context())
			_, _ = w.Write(body)
		})
		b := s.start().browser()
		s.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Hour // for ever: only the server's answer counts
		r := b.request(t.Context(), http.MethodPost, "/post", strings.NewReader("tea"))
		r.Header.Set("Expect", "100-continue")
		b.read(b.open(r)).want(200, "tea").wantCookies(defaultName)
		b.get("/show").want(200, ":1")
	})
	t.Run("100 Continue does not come when the handler refuses the body", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/post", visited(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusExpectationFailed)
		}))
		b := s.start().browser()
		s.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Hour
		r := b.request(t.Context(), http.MethodPost, "/post", strings.NewReader("tea"))
		r.Header.Set("Expect", "100-continue")
		b.read(b.open(r)).want(417, "").wantCookies(defaultName)
		b.get("/show").want(200, ":1")
	})
}

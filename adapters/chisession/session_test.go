package chisession_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/seshat-go/seshat/adapters/chisession"
	"github.com/seshat-go/seshat/core/session"
)

var visits = session.NewKey[int]("visits")

// broken is a store that takes no new session.
type broken struct{ *session.MemoryStore }

func (broken) Create(context.Context, session.ID, session.Record) error {
	return errors.New("the store does not answer")
}

func TestCompressingMiddlewareMayStandOnEitherSide(t *testing.T) {
	for _, inside := range []bool{false, true} {
		for _, down := range []bool{false, true} {
			t.Run("inside "+strconv.FormatBool(inside)+", store down "+strconv.FormatBool(down), func(t *testing.T) {
				var store session.Store = session.NewMemoryStore(session.MemoryOptions{})
				status, text, cookies := 200, strings.Repeat("tea ", 1000), 1
				if down {
					store = broken{session.NewMemoryStore(session.MemoryOptions{})}
					status, text, cookies = 503, "Sessions are unavailable at the moment. Please try again.\n", 0
				}
				m, err := session.New(session.Options{Store: store, Insecure: true, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				r := chi.NewRouter()
				if inside {
					r.Use(chisession.New(m), middleware.Compress(5))
				} else {
					r.Use(middleware.Compress(5), chisession.New(m))
				}
				r.With(chisession.New(m)).Get("/", func(w http.ResponseWriter, r *http.Request) {
					visits.Set(chisession.From(r), 1)
					w.Header().Set("Content-Type", "text/plain")
					_, _ = io.WriteString(w, strings.Repeat("tea ", 1000))
				})
				server := httptest.NewServer(r)
				defer server.Close()
				resp, err := server.Client().Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != status || string(body) != text || len(resp.Cookies()) != cookies {
					t.Fatalf("got %d, %d bytes, %d cookies, error %v; want %d, %d bytes, %d cookies",
						resp.StatusCode, len(body), len(resp.Cookies()), err, status, len(text), cookies)
				}
			})
		}
	}
}

func TestFromWithoutTheMiddlewareNamesTheFix(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "chisession.New") {
			t.Fatalf("From panics with %q", text)
		}
	}()
	chisession.From(httptest.NewRequest(http.MethodGet, "/", nil))
}

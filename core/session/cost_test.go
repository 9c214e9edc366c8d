package session_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// tenKeys are the keys of a session of 1 KB.
var tenKeys = func() (keys [10]session.Key[string]) {
	for i := range keys {
		keys[i] = session.NewKey[string](fmt.Sprintf("key%d", i))
	}
	return keys
}()

// discard is a response that costs nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// costs are requests of one visitor, whose session has ten keys and 1 KB, kept in
// memory. each returns what to measure for a handler.
func costs(tb testing.TB) (each func(h http.HandlerFunc) func()) {
	tb.Helper()
	m, err := session.New(session.Options{
		Store: session.NewMemoryStore(session.MemoryOptions{}), Insecure: true, MaxSize: 1 << 20, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	first := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, key := range tenKeys {
			key.Set(session.From(r.Context()), strings.Repeat("x", 85))
		}
	})).ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
	cookie := first.Result().Cookies()[0]
	return func(h http.HandlerFunc) func() {
		handler := m.Handler(h)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		w := &discard{http.Header{}}
		return func() {
			clear(w.header)
			handler.ServeHTTP(w, r)
		}
	}
}

func untouched(http.ResponseWriter, *http.Request) {}

func reads(w http.ResponseWriter, r *http.Request) {
	if tenKeys[3].Get(session.From(r.Context())) == "" {
		panic("no value")
	}
}

func changes(w http.ResponseWriter, r *http.Request) {
	tenKeys[3].Set(session.From(r.Context()), "another")
}

func BenchmarkUntouched(b *testing.B) { benchmark(b, untouched) }
func BenchmarkRead(b *testing.B)      { benchmark(b, reads) }
func BenchmarkChange(b *testing.B)    { benchmark(b, changes) }

func benchmark(b *testing.B, h http.HandlerFunc) {
	request := costs(b)(h)
	b.ReportAllocs()
	for b.Loop() {
		request()
	}
}

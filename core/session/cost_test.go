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

// TestARequestAllocates holds the numbers that the benchmarks module compares
// with those of other libraries. That of no sessions at all is 0.
func TestARequestAllocates(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		most    float64
	}{
		"hardly anything, if it does not use its session": {untouched, 2},
		"little, if it reads a key":                       {reads, 12},
		"not much, if it changes one":                     {changes, 25},
	} {
		t.Run(name, func(t *testing.T) {
			request := costs(t)(c.handler)
			if n := testing.AllocsPerRun(100, request); n > c.most {
				t.Errorf("%v allocations, want at most %v", n, c.most)
			}
		})
	}
}

// countingCodec is JSON that counts.
type countingCodec struct{ decoded, encoded *int }

func (countingCodec) Name() string { return "counting" }

func (c countingCodec) Marshal(v any) ([]byte, error) {
	*c.encoded++
	return session.JSON.Marshal(v)
}

func (c countingCodec) Unmarshal(data []byte, v any) error {
	*c.decoded++
	return session.JSON.Unmarshal(data, v)
}

func TestASmallChangeInALargeSessionDecodesNothingElse(t *testing.T) {
	codec := countingCodec{new(int), new(int)}
	b := newSite(t, session.Options{MaxSize: 1 << 20, Codec: codec}).browser()
	b.visit(func(s *session.Session) {
		for _, key := range tenKeys {
			key.Set(s, strings.Repeat("x", 10<<10))
		}
	})
	*codec.decoded, *codec.encoded = 0, 0
	b.visit(func(s *session.Session) { count.Update(s, increment) })
	if *codec.decoded != 0 || *codec.encoded != 1 {
		t.Errorf("%d values decoded and %d encoded", *codec.decoded, *codec.encoded)
	}
	b.visit(func(s *session.Session) {
		if count.Get(s) != 1 || len(tenKeys[9].Get(s)) != 10<<10 {
			t.Error("the session is not whole")
		}
	})
	if *codec.decoded != 2 {
		t.Errorf("%d values decoded to read two", *codec.decoded)
	}
}

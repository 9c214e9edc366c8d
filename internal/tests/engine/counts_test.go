package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// callCounter counts the calls of a store.
type callCounter struct {
	session.Store
	n, creates atomic.Int64
}

func (c *callCounter) Load(ctx context.Context, id session.ID) (session.Record, error) {
	c.n.Add(1)
	return c.Store.Load(ctx, id)
}

func (c *callCounter) Create(ctx context.Context, id session.ID, rec session.Record) error {
	c.n.Add(1)
	c.creates.Add(1)
	return c.Store.Create(ctx, id, rec)
}

func (c *callCounter) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	c.n.Add(1)
	return c.Store.Update(ctx, id, rec, v)
}

func (c *callCounter) Touch(ctx context.Context, id session.ID, seen, expires time.Time, v uint64) error {
	c.n.Add(1)
	return c.Store.Touch(ctx, id, seen, expires, v)
}

func (c *callCounter) Delete(ctx context.Context, id session.ID, v uint64) error {
	c.n.Add(1)
	return c.Store.Delete(ctx, id, v)
}

var (
	items = session.NewKey[[]string]("items")
	count = session.NewKey[int]("count")
)

func newServer(t *testing.T, store session.Store) *httptest.Server {
	t.Helper()
	m, err := session.New(session.Options{Store: store, Insecure: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/untouched", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, len(items.Get(session.From(r.Context()))))
	})
	mux.HandleFunc("/change", func(_ http.ResponseWriter, r *http.Request) {
		count.Set(session.From(r.Context()), 7)
	})
	mux.HandleFunc("/add", func(_ http.ResponseWriter, r *http.Request) {
		items.Update(session.From(r.Context()), func(l []string) []string { return append(l, r.URL.Query().Get("item")) })
	})
	s := httptest.NewServer(m.Handler(mux))
	t.Cleanup(s.Close)
	return s
}

func newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar}
}

func visit(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 64)
	n, _ := resp.Body.Read(b)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d %s", url, resp.StatusCode, b[:n])
	}
	return string(b[:n])
}

func TestEachRequestCostsExactlyWhatItMust(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			calls := &callCounter{Store: e.store}
			server := newServer(t, calls)
			cached := strings.HasPrefix(e.name, "cached_db")
			onSQL, onRedis := strings.Contains(e.name, "db(") && !cached, strings.Contains(e.name, "redis")
			near := e.hears != nil
			b := func(yes bool, n int64) int64 {
				if yes {
					return n
				}
				return 0
			}
			warm := newBrowser()
			expect := func(c *http.Client, path string, wantCalls, wantSQL, wantRedis int64) {
				t.Helper()
				n, q, r := calls.n.Load(), e.sql(), e.redis()
				visit(t, c, server.URL+path)
				if n, q, r = calls.n.Load()-n, e.sql()-q, e.redis()-r; n != wantCalls || q != wantSQL || r != wantRedis {
					t.Errorf("%s: %d store calls, %d SQL statements, %d Redis commands; want %d, %d, %d", path, n, q, r, wantCalls, wantSQL, wantRedis)
				}
			}
			expect(warm, "/untouched", 0, 0, 0)
			// The first visit that writes: one Create. cached_db leaves its cache alone.
			visit(t, newBrowser(), server.URL+"/change") // scripts are loaded, statements prepared
			expect(warm, "/change", 1, b(onSQL || cached, 1), b(onRedis && !cached, 1))
			visit(t, warm, server.URL+"/read") // fills the cache
			visit(t, warm, server.URL+"/change")
			expect(warm, "/untouched", 0, 0, 0)
			expect(warm, "/read", 1, b(onSQL, 1), b(onRedis, 1))
			if near {
				e.hears() // else the record may be dropped once more
				visit(t, warm, server.URL+"/read")
				expect(warm, "/read", 1, 0, 0)
			}
			expect(warm, "/change", 2, b(onSQL, 2)+b(cached, 1), b(onRedis && !near, 2)+b(near, 1))
			expect(warm, "/read", 1, b(onSQL, 1), b(onRedis, 1))

			forger := newBrowser()
			u, _ := url.Parse(server.URL)
			forger.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: string(storetest.NewID())}})
			before := calls.creates.Load()
			visit(t, forger, server.URL+"/read")
			if calls.creates.Load() != before {
				t.Error("a forged cookie created a record")
			}
			expect(newBrowser(), "/read", 0, 0, 0)
		})
	}
}

func TestAHundredParallelUpdatesThroughTwoProcessesAllCount(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			// Two managers share nothing but the store, as two processes do.
			one, two := newServer(t, e.store), newServer(t, e.store)
			c := newBrowser()
			visit(t, c, one.URL+"/add?item=first")
			var wg sync.WaitGroup
			for i := range 100 {
				target := one
				if i%2 == 1 {
					target = two
				}
				wg.Go(func() { visit(t, c, fmt.Sprintf("%s/add?item=%d", target.URL, i)) })
			}
			wg.Wait()
			if got := visit(t, c, one.URL+"/read"); got != "101" {
				t.Errorf("%s items are in the session, want 101", got)
			}
		})
	}
}

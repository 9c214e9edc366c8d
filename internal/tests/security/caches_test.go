package security_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// A page is a handler whose answer depends on its visitor.
type page struct {
	does   string
	method string
	f      func(w http.ResponseWriter, r *http.Request, s *session.Session)
}

const signsOut = "a page that signs out"

// show is what a page says to its visitor.
func show(s *session.Session) string { return "for " + s.Principal() + "." }

func pages() []page {
	with := func(header, value string, f func(http.ResponseWriter, *http.Request, *session.Session)) func(http.ResponseWriter, *http.Request, *session.Session) {
		return func(w http.ResponseWriter, r *http.Request, s *session.Session) {
			w.Header().Set(header, value)
			f(w, r, s)
		}
	}
	status := func(code int) func(http.ResponseWriter, *http.Request, *session.Session) {
		return func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			body := show(s)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}
	}
	served := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader(show(s)))
	}
	ok := status(200)
	return []page{
		{"a page", "", ok},
		{"a public page", "", with("Cache-Control", "public, max-age=600", ok)},
		{"a page for shared caches", "", with("Cache-Control", "s-maxage=600", ok)},
		{"a page that is to be validated", "", with("Cache-Control", "no-cache", with("ETag", `"1"`, served))},
		{"a page with an old date", "", with("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", ok)},
		{"a page that expires later", "", with("Expires", "Mon, 02 Jan 2106 15:04:05 GMT", ok)},
		{"a page with a Vary of its own", "", with("Vary", "Accept-Encoding", with("Cache-Control", "public", ok))},
		{"a page that varies by everything", "", with("Vary", "*", ok)},
		{"a page asked for by HEAD", http.MethodHead, ok},
		{"not found", "", status(404)},
		{"gone", "", status(410)},
		{"moved permanently", "", with("Location", "/x", status(301))},
		{"a redirect that may be kept", "", with("Cache-Control", "max-age=600", with("Location", "/x", status(302)))},
		{"an error that may be kept", "", with("Cache-Control", "max-age=600", status(500))},
		{"a stream", "", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			for _, part := range strings.SplitAfter(show(s), " ") {
				_, _ = w.Write([]byte(part))
				_ = http.NewResponseController(w).Flush()
			}
		}},
		{"a page after early hints", "", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = w.Write([]byte(show(s)))
		}},
		{"a page that writes", "", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			add("tea")(s)
			w.Header().Set("Cache-Control", "public, max-age=600")
			_, _ = w.Write([]byte(show(s)))
		}},
		{"a page that renews the token", "", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			s.Renew()
			w.Header().Set("Cache-Control", "public, max-age=600")
			_, _ = w.Write([]byte(show(s)))
		}},
		{signsOut, "", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			body := show(s)
			destroy(s)
			w.Header().Set("Cache-Control", "public, max-age=600")
			_, _ = w.Write([]byte(body))
		}},
	}
}

// leaks lets several visitors see a page through one cache, and returns what
// one got of another's.
func (p *page) leaks(s *site, through func(http.Header)) (out []string) {
	s.Helper()
	for round, order := range [][]string{{"alice", "", "bob", "alice", ""}, {"", "", "alice", "bob"}, {"bob", "alice", ""}} {
		c := &sharedCache{t: s.T, client: s.clients[0], through: through}
		job := s.job(func(w http.ResponseWriter, r *http.Request, m *session.Manager) {
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.f(w, r, m.From(r.Context())) })).ServeHTTP(w, r)
		}, nil)
		visitors := map[string]*browser{}
		for _, who := range order {
			b := visitors[who]
			if b == nil {
				if b = s.browser(); who != "" {
					b.begin(loginWith(who, "tea"))
				}
				if visitors[who] = b; who == "" {
					delete(visitors, who) // each stranger is another one
				}
			}
			method := p.method
			if method == "" {
				method = http.MethodGet
			}
			r, err := http.NewRequest(method, fmt.Sprintf("%spage/%d", home, round), nil)
			must(s.T, err)
			r.Header.Set(jobHeader, job)
			if line := b.header("https", host, "/page"); line != "" {
				r.Header.Set("Cookie", line)
			}
			a, hit := c.do(r)
			if hit && len(a.header["Set-Cookie"]) > 0 {
				out = append(out, fmt.Sprintf("%s: %q got the cookie of another", p.does, who))
			}
			for _, line := range a.header["Set-Cookie"] {
				must(s.T, b.receive("https", host, "/page", line))
			}
			if owner, _, _ := strings.Cut(strings.TrimPrefix(a.body, "for "), "."); a.body != "" && owner != who && (owner != "" || p.does != signsOut) {
				out = append(out, fmt.Sprintf("%s: %q got the page of %q", p.does, who, owner))
			}
		}
	}
	return out
}

func TestASharedCacheGivesNobodyWhatIsAnothers(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	for _, p := range pages() {
		for _, what := range p.leaks(s, nil) {
			t.Error(what)
		}
	}
}

// Without the two headers the same pages leak: so the cache is one to beware of.
func TestTheSharedCacheHasTeeth(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	for header, want := range map[string]int{"Vary": 8, "Cache-Control": 1} {
		leaky := 0
		for _, p := range pages() {
			if len(p.leaks(s, func(h http.Header) { h.Del(header) })) > 0 {
				leaky++
			}
		}
		if leaky < want {
			t.Errorf("without %s only %d pages leak", header, leaky)
		}
	}
}

// A page that does not ask for its session is everybody's, and may be kept.
func TestAPageWithoutItsSessionMayBeKept(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	p := page{"a static page", "", func(w http.ResponseWriter, _ *http.Request, _ *session.Session) { _, _ = w.Write([]byte("tea")) }}
	c := &sharedCache{t: t, client: s.clients[0]}
	job := s.job(func(w http.ResponseWriter, r *http.Request, m *session.Manager) {
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.f(w, r, m.From(r.Context())) })).ServeHTTP(w, r)
	}, nil)
	for range 3 {
		b := s.browser()
		b.begin(loginWith("alice", "tea"))
		r, err := http.NewRequest(http.MethodGet, home, nil)
		must(t, err)
		r.Header.Set(jobHeader, job)
		r.Header.Set("Cookie", b.header("https", host, "/"))
		c.do(r)
	}
	if c.hits != 2 {
		t.Errorf("%d of 3 visits were answered by the cache, want 2", c.hits)
	}
}

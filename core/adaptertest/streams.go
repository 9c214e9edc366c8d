package adaptertest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// gate is opened once; a handler waits at it, but no longer than its request lives.
type gate chan struct{}

func (g gate) wait(r *http.Request) {
	select {
	case <-g:
	case <-r.Context().Done():
	}
}

// testStreams shows that what was changed before the first flush is stored, and
// its cookie with the browser, while the handler still runs.
func testStreams(t *testing.T, fw Framework) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("server-sent events, HTTP/2 %v", http2), func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.http2 = http2
			more := make(gate)
			s.handle("/events", visited(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, "data: first\n\n")
				w.(http.Flusher).Flush()
				more.wait(r)
				Visit(r.Context())
				_, _ = io.WriteString(w, "data: second\n\n")
				w.(http.Flusher).Flush()
			}))
			b := s.start().browser()
			resp, v := b.open(b.request(t.Context(), http.MethodGet, "/events", nil))
			if resp.ProtoMajor != map[bool]int{false: 1, true: 2}[http2] {
				t.Fatalf("the protocol is %s", resp.Proto)
			}
			line, err := bufio.NewReader(resp.Body).ReadString('\n')
			if err != nil || line != "data: first\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			b.get("/show").want(200, ":1") // the handler still runs
			select {
			case <-v.done:
				t.Fatal("the handler ended before its time")
			default:
			}
			close(more)
			a := b.read(resp, v).wantCookies(defaultName)
			if !strings.Contains(a.body, "data: second") {
				t.Fatalf("got %q", a.body)
			}
			b.get("/show").want(200, ":2")
		})
	}
	t.Run("a stream saves on the way", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		saved, more := make(chan error, 1), make(gate)
		s.handle("/events", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			Visit(r.Context())
			saved <- session.From(r.Context()).Save(r.Context())
			more.wait(r)
			_, _ = io.WriteString(w, "end")
		})
		b := s.start().browser()
		b.get("/visit")
		resp, v := b.open(b.request(t.Context(), http.MethodGet, "/events", nil))
		if err := <-saved; err != nil {
			t.Fatal(err)
		}
		b.get("/show").want(200, ":2")
		close(more)
		b.read(resp, v).want(200, "end").wantCookies()
	})
	t.Run("a stream reloads what others wrote", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		more := make(gate)
		s.handle("/events", func(w http.ResponseWriter, r *http.Request) {
			se := session.From(r.Context())
			_, _ = fmt.Fprint(w, visits.Get(se))
			w.(http.Flusher).Flush()
			more.wait(r)
			if err := se.Reload(r.Context()); err != nil {
				panic(err)
			}
			_, _ = fmt.Fprint(w, visits.Get(se))
		})
		b := s.start().browser()
		b.get("/visit")
		resp, v := b.open(b.request(t.Context(), http.MethodGet, "/events", nil))
		b.get("/visit")
		close(more)
		b.read(resp, v).want(200, "12")
	})
}

// testController shows that http.ResponseController finds its way.
func testController(t *testing.T, fw Framework) {
	t.Run("deadlines", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/deadline", visited(func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			_, _ = fmt.Fprint(w, rc.SetReadDeadline(farFuture), rc.SetWriteDeadline(farFuture))
		}))
		b := s.start().browser()
		b.get("/deadline").want(200, "<nil> <nil>").wantCookies(defaultName)
	})
	t.Run("full duplex", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/echo", visited(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if err := rc.EnableFullDuplex(); err != nil {
				panic(err)
			}
			w.WriteHeader(http.StatusOK)
			if err := rc.Flush(); err != nil {
				panic(err)
			}
			_, _ = io.Copy(w, r.Body)
		}))
		b := s.start().browser()
		body, client := io.Pipe()
		resp, v := b.open(b.request(t.Context(), http.MethodPost, "/echo", body))
		if b.cookie(defaultName) == "" { // the header came before the body went
			t.Fatal("no cookie came with the header")
		}
		_, _ = io.WriteString(client, "tea")
		_ = client.Close()
		b.read(resp, v).want(200, "tea")
	})
	t.Run("a flush of an unsaved session answers in the handler's place", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/stream", visited(func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			for range 3 {
				if err := rc.Flush(); err != nil {
					panic(err)
				}
				_, _ = io.WriteString(w, "tea")
			}
		}))
		b := s.start().browser()
		s.store.fail("create")
		b.get("/stream").want(503, unavailable).wantCookies()
	})
}

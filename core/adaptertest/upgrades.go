package adaptertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// upgraded is the client's end of a connection that the handler took over.
type upgraded struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	resp *http.Response
}

// upgrade asks for another protocol, over a connection of its own.
func (b *browser) upgrade(path string) *upgraded {
	t := b.s.t
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", b.s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := b.request(t.Context(), http.MethodGet, path, nil)
	number, _ := b.s.nextVisit()
	r.Header.Set("X-Visit", number)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "tea")
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	u := &upgraded{t: t, conn: conn, r: bufio.NewReader(conn)}
	if u.resp, err = http.ReadResponse(u.r, r); err != nil {
		t.Fatal(err)
	}
	return u
}

// say sends a line and returns the answer.
func (u *upgraded) say(line string) string {
	u.t.Helper()
	if _, err := io.WriteString(u.conn, line+"\n"); err != nil {
		u.t.Fatal(err)
	}
	answer, err := u.r.ReadString('\n')
	if err != nil {
		u.t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

// switchNow sends a status of 101 with the header, as WebSocket libraries do:
// some frameworks hold a status back.
func switchNow(w http.ResponseWriter) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "tea")
	w.WriteHeader(http.StatusSwitchingProtocols)
	if g, ok := w.(interface{ WriteHeaderNow() }); ok {
		g.WriteHeaderNow()
	}
}

// talk answers each line until the client leaves: "visit" counts and saves,
// anything else is answered with the count.
func talk(conn net.Conn, buffered *bufio.ReadWriter, r *http.Request) {
	defer func() { _ = conn.Close() }()
	s := session.From(r.Context())
	for {
		line, err := buffered.ReadString('\n')
		if err != nil {
			return
		}
		if err = s.Reload(r.Context()); err == nil && strings.TrimSpace(line) == "visit" {
			Visit(r.Context())
			err = s.Save(r.Context())
		}
		if _, err = fmt.Fprintln(conn, visits.Get(s), err); err != nil {
			return
		}
	}
}

// testUpgrades shows that a handler can take the connection over, before the
// header or after it, and goes on with a stored session.
func testUpgrades(t *testing.T, fw Framework) {
	t.Run("the handler writes 101 itself", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/upgrade", visited(func(w http.ResponseWriter, r *http.Request) {
			conn, buffered, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n")
			talk(conn, buffered, r)
		}))
		b := s.start().browser()
		b.get("/visit")
		u := b.upgrade("/upgrade")
		if u.resp.StatusCode != 101 {
			t.Fatalf("got %d, want 101", u.resp.StatusCode)
		}
		b.get("/show").want(200, ":2") // saved before the connection was given away
		wantTalk(t, b, u)
	})
	t.Run("the handler sends 101 with a cookie and takes over then", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/upgrade", visited(func(w http.ResponseWriter, r *http.Request) {
			Visit(r.Context())
			switchNow(w)
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			talk(conn, buffered, r)
		}))
		b := s.start().browser()
		u := b.upgrade("/upgrade")
		cookies := u.resp.Cookies()
		if u.resp.StatusCode != 101 || len(cookies) != 1 {
			t.Fatalf("got %d with cookies %v, want 101 with one", u.resp.StatusCode, cookies)
		}
		b.cookies[defaultName] = cookies[0].Value
		wantTalk(t, b, u)
	})
	t.Run("Hijack is refused while the browser needs a cookie", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/upgrade", visited(func(w http.ResponseWriter, _ *http.Request) {
			for range 2 {
				if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, session.ErrHeaderSent) {
					panic(fmt.Sprint("Hijack returned ", err))
				}
			}
			http.Error(w, "refused", http.StatusBadRequest)
		}))
		b := s.start().browser()
		b.get("/upgrade").want(400, "refused").wantCookies(defaultName)
		b.get("/show").want(200, ":1")
	})
	t.Run("Hijack is refused when the session cannot be saved", func(t *testing.T) {
		s := withVisits(newSite(t, fw))
		s.handle("/upgrade", visited(func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, session.ErrUnavailable) {
				panic(fmt.Sprint("Hijack returned ", err))
			}
			http.Error(w, "refused", http.StatusBadRequest)
		}))
		b := s.start().browser()
		b.get("/visit")
		s.store.fail("update")
		b.get("/upgrade").want(503, unavailable).wantCookies()
		s.store.fail()
		b.get("/show").want(200, ":1")
	})
}

// wantTalk talks over an upgraded connection beside other requests.
func wantTalk(t *testing.T, b *browser, u *upgraded) {
	t.Helper()
	for _, step := range []struct{ say, want, shown string }{
		{"look", "2 <nil>", ":2"},
		{"visit", "3 <nil>", ":3"},
		{"visit", "4 <nil>", ":4"},
	} {
		if got := u.say(step.say); got != step.want {
			t.Fatalf("%s: got %q, want %q", step.say, got, step.want)
		}
		b.get("/show").want(200, step.shown)
	}
	b.get("/visit")
	if got := u.say("look"); got != "5 <nil>" {
		t.Fatalf("got %q after another request's visit", got)
	}
}

package benchmarks

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answers serves a handler and returns its address.
func answers(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestAWireReadsOneAnswerAfterTheOther(t *testing.T) {
	n := 0
	w, err := dial(answers(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		if n == 2 {
			w.Header().Add("Set-Cookie", "first=1; Path=/")
			w.Header().Add("Set-Cookie", "session=abc; Path=/; HttpOnly")
			w.WriteHeader(418)
		}
		_, _ = fmt.Fprintf(w, "%d %s %s", n, r.URL, r.Header.Get("Cookie"))
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for _, c := range []struct {
		route, cookie string
		want          string
	}{
		{"/a", "", "200 1 /a  "},
		{"/b?c", "session=x", "418 2 /b?c session=x session=abc"},
		{"/d", "session=y", "200 3 /d session=y "},
	} {
		a, err := w.Get(c.route, c.cookie)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%d %s %s", a.Status, a.Body, a.Cookie); got != c.want {
			t.Errorf("%s: %q, want %q", c.route, got, c.want)
		}
	}
}

func TestAWireTakesNoAnswerThatItCannotRead(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"in chunks": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "a")
		},
	} {
		w, err := dial(answers(t, h))
		if err != nil {
			t.Fatal(err)
		}
		if a, err := w.Get("/", ""); err == nil {
			t.Errorf("%s: %d %q is taken for an answer", name, a.Status, a.Body)
		}
		w.close()
	}
}

func TestAWrongAnswerUnderLoadIsAnErrorAndNoNumber(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"status":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		"body":      func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other") },
		"no cookie": func(w http.ResponseWriter, _ *http.Request) { ok(w) },
	} {
		c, err := newCrowd(answers(t, h), 3)
		if err != nil {
			t.Fatal(err)
		}
		w := Works()[3]
		requests, err := c.begin(w, 1)
		if err != nil {
			t.Fatal(err)
		}
		if load, err := c.run(w, requests, time.Minute); err == nil {
			t.Errorf("%s: measured %+v", name, load)
		}
		c.close()
	}
}

func TestAWrongAnswerInProcessIsAnErrorAndNoNumber(t *testing.T) {
	c := newInProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	w := readWork()
	w.Begins = ""
	requests, err := c.prepareCalls(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := c.measureCalls(w, requests, time.Minute); err == nil {
		t.Errorf("measured %+v", cost)
	}
}

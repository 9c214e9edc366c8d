package adaptertest

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// response is one way to write a response.
type response struct {
	name   string
	method string // GET if empty
	write  http.HandlerFunc
	status int
	body   string
}

// responses are the ways that net/http knows; natives are a framework's own.
func responses(t *testing.T) []response {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tea.txt")
	long := strings.Repeat("tea ", 20_000) + "end"
	if err := os.WriteFile(file, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	return []response{
		{name: "nothing", write: nothing, status: 200},
		{name: "a status without a body", status: 201, write: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
		}},
		{name: "a status with a body", status: 404, body: "no tea", write: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("no tea"))
		}},
		{name: "one write", status: 200, body: "tea", write: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("tea"))
		}},
		{name: "several writes", status: 200, body: "tea, milk, sugar", write: func(w http.ResponseWriter, _ *http.Request) {
			for _, part := range []string{"tea", ", milk", ", sugar"} {
				if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
					panic(err)
				}
			}
		}},
		{name: "an empty write", status: 200, write: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(nil)
		}},
		{name: "a string", status: 200, body: "tea", write: func(w http.ResponseWriter, _ *http.Request) {
			if n, err := io.WriteString(w, "tea"); n != 3 || err != nil {
				panic(err)
			}
		}},
		{name: "a copied buffer", status: 200, body: long, write: func(w http.ResponseWriter, _ *http.Request) {
			if n, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader([]byte(long))}); int(n) != len(long) || err != nil {
				panic(err)
			}
		}},
		{name: "a copied file", status: 200, body: long, write: func(w http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(file)
			if err != nil {
				panic(err)
			}
			defer func() { _ = f.Close() }()
			if n, err := io.Copy(w, f); int(n) != len(long) || err != nil {
				panic(err)
			}
		}},
		{name: "a served file", status: 200, body: long, write: func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, file)
		}},
		{name: "served content", status: 200, body: "tea", write: func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "tea.txt", time.Time{}, strings.NewReader("tea"))
		}},
		{name: "an error page", status: 418, body: "short and stout", write: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "short and stout", http.StatusTeapot)
		}},
		{name: "a redirect", status: 303, method: http.MethodPost, write: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}},
		{name: "no content", status: 204, write: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}},
		{name: "not modified", status: 304, write: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"tea"`)
			w.WriteHeader(http.StatusNotModified)
		}},
		{name: "a HEAD request", status: 200, method: http.MethodHead, write: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "tea")
		}},
		{name: "a HEAD request without a write", status: 200, method: http.MethodHead, write: nothing},
		{name: "a flush", status: 200, write: func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
		}},
		{name: "a flush between writes", status: 200, body: "tea, milk", write: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "tea")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, ", milk")
			w.(http.Flusher).Flush()
		}},
		{name: "a controller's flush", status: 200, body: "tea", write: func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			if err := rc.Flush(); err != nil {
				panic(err)
			}
			_, _ = io.WriteString(w, "tea")
		}},
	}
}

// testResponses shows that a change before the response is kept, and its cookie
// sent once, however the response is written.
func testResponses(t *testing.T, fw Framework) {
	for _, re := range responses(t) {
		t.Run(re.name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.handle("/write", visited(re.write))
			b := s.start().browser()
			method := re.method
			if method == "" {
				method = http.MethodGet
			}
			b.do(method, "/write").want(re.status, re.body).wantCookies(defaultName).wantHeader(before, "kept")
			s.store.wantCalls(t, "create")
			b.do(method, "/write").want(re.status, re.body).wantCookies()
			s.store.wantCalls(t, "load", "update")
			b.get("/show").want(200, ":2")
			s.store.wantRecords(t, 1)
		})
	}
}

// testNatives is testResponses in the framework's own style; from status 500 on
// nothing is kept.
func testNatives(t *testing.T, fw Framework) {
	for _, n := range fw.Natives {
		t.Run(n.Name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			b := s.start().browser()
			a := b.get(NativePath+n.Name).wantStatus(n.Status).wantHeader(before, "kept")
			if n.Body != "" {
				a.want(n.Status, n.Body)
			}
			if n.Status >= 500 {
				a.wantCookies()
				s.store.wantRecords(t, 0)
				b.get("/visit").want(200, "")
				b.get(NativePath + n.Name).wantStatus(n.Status).wantCookies()
				b.get("/show").want(200, ":1")
				return
			}
			a.wantCookies(defaultName)
			b.get(NativePath + n.Name).wantStatus(n.Status).wantCookies()
			b.get("/show").want(200, ":2")
			s.store.wantRecords(t, 1)
		})
	}
}

package benchmarks

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"
)

// An inProcess client calls a handler on its own goroutine, with a response
// writer and a request that it uses again and again: what a call allocates is
// what the handler allocates. It is for one goroutine.
type inProcess struct {
	handler http.Handler
	ctx     context.Context    // of all requests
	cancel  context.CancelFunc // of ctx; not called, since there is nothing to give back
	writer  memoryWriter
	request http.Request
}

func newInProcess(h http.Handler) *inProcess {
	ctx, cancel := context.WithCancel(context.Background())
	return &inProcess{handler: h, ctx: ctx, cancel: cancel, writer: memoryWriter{header: http.Header{}}}
}

// prepare makes a request for call. Its context can be cancelled, as that of
// every request of net/http: drivers watch such a context.
func prepare(ctx context.Context, route, cookie string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+route, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI = route
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("User-Agent", userAgent)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r, nil
}

// userAgent is that of every request.
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) benchmark"

// call hands a copy of the request to the handler: some libraries change it.
func (c *inProcess) call(r *http.Request) Answer {
	c.request = *r
	c.writer.reset()
	c.handler.ServeHTTP(&c.writer, &c.request)
	return Answer{Status: c.writer.status, Body: c.writer.body, Cookie: c.writer.cookie()}
}

// Get implements Client.
func (c *inProcess) Get(route, cookie string) (Answer, error) {
	r, err := prepare(c.ctx, route, cookie)
	if err != nil {
		return Answer{}, err
	}
	return c.call(r), nil
}

// memoryWriter is a response writer that is used again.
type memoryWriter struct {
	header http.Header
	status int
	body   []byte
	set    []byte // the last Set-Cookie
}

func (w *memoryWriter) reset() {
	clear(w.header)
	w.status, w.body = 200, w.body[:0]
}

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) { w.status = status }

func (w *memoryWriter) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}

// WriteString spares those who use io.WriteString a copy, as net/http does.
func (w *memoryWriter) WriteString(s string) (int, error) {
	w.body = append(w.body, s...)
	return len(s), nil
}

func (w *memoryWriter) cookie() []byte {
	set := w.header["Set-Cookie"]
	if len(set) == 0 {
		return nil
	}
	w.set = append(w.set[:0], set[len(set)-1]...)
	cookie, _, _ := bytes.Cut(w.set, []byte(";"))
	return cookie
}

// A Cost is what one call takes.
type Cost struct {
	Time   float64 // ns
	Bytes  float64
	Allocs float64
}

// Bounds of one slice of calls.
const (
	mostOnceCalled = 4096   // sessions, where each call needs a new one
	mostStored     = 10_000 // calls that store a session each
	callsPerLook   = 16     // at the clock
)

// measureCalls calls the handler on one goroutine for the given time and
// returns the cost of a call.
func (c *inProcess) measureCalls(w Work, requests []*http.Request, slice time.Duration) (Cost, error) {
	if len(requests) == 0 {
		return Cost{}, fmt.Errorf("benchmarks: no request for %s", w.Name)
	}
	most := int(^uint(0) >> 1)
	if w.Once {
		most = len(requests)
	} else if w.Stores {
		most = mostStored
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	began := time.Now()
	for n < most && (n%callsPerLook != 0 || time.Since(began) < slice) {
		a := c.call(requests[n%len(requests)])
		if err := w.check(a); err != nil {
			return Cost{}, err
		}
		n++
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	calls := float64(n)
	return Cost{
		Time:   float64(took.Nanoseconds()) / calls,
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / calls,
		Allocs: float64(after.Mallocs-before.Mallocs) / calls,
	}, nil
}

// prepareCalls begins n sessions and makes the requests of the work.
func (c *inProcess) prepareCalls(w Work, n int) ([]*http.Request, error) {
	cookies, err := w.begin(c, n)
	if err != nil {
		return nil, err
	}
	requests := make([]*http.Request, n)
	for i, cookie := range cookies {
		if requests[i], err = prepare(c.ctx, w.Route, cookie); err != nil {
			return nil, err
		}
	}
	return requests, nil
}

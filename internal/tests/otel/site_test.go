// Package otel_test shows what OpenTelemetry's SDK gets to see of a site.
package otel_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seshat-go/seshat/adapters/otelsession"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

var cart = session.NewKey[string]("cart")

// An sdk collects what the events record.
type sdk struct {
	t      testing.TB
	events *otelsession.Events
	tracer trace.Tracer // of the application
	reader *metric.ManualReader
	spans  *tracetest.SpanRecorder
}

func newSDK(t testing.TB) *sdk {
	s := &sdk{t: t, reader: metric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans))
	s.tracer = traces.Tracer("the application's")
	s.events = otelsession.New(otelsession.Options{
		Events:         session.SlogEvents(slog.New(slog.DiscardHandler)),
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(s.reader)),
		TracerProvider: traces,
	})
	return s
}

func (s *sdk) collect() metricdata.ResourceMetrics {
	s.t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &all); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// series is every number that was recorded, of a histogram how often, by the
// instrument and its attributes: "seshat.session.ended{seshat.end.reason=revoked}".
func (s *sdk) series() map[string]int64 {
	s.t.Helper()
	out := make(map[string]int64)
	for _, scope := range s.collect().ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					out[m.Name+labels(p.Attributes)] += p.Value
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					out[m.Name+labels(p.Attributes)] += int64(p.Count)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					out[m.Name+labels(p.Attributes)] += int64(p.Count)
				}
			default:
				s.t.Fatalf("%s is a %T", m.Name, d)
			}
		}
	}
	return out
}

func labels(set attribute.Set) string {
	if set.Len() == 0 {
		return ""
	}
	var all []string
	for _, kv := range set.ToSlice() {
		all = append(all, string(kv.Key)+"="+kv.Value.String())
	}
	return "{" + strings.Join(all, ",") + "}"
}

// grew is how the series have changed since before, without the durations, one a
// line.
func (s *sdk) grew(before map[string]int64, without ...string) string {
	s.t.Helper()
	var out []string
next:
	for name, n := range s.series() {
		for _, w := range without {
			if strings.HasPrefix(name, w) {
				continue next
			}
		}
		if n -= before[name]; n != 0 {
			out = append(out, fmt.Sprintf("%s %+d", name, n))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// named are the spans of a name that have ended.
func (s *sdk) named(name string) (out []sdktrace.ReadOnlySpan) {
	for _, span := range s.spans.Ended() {
		if span.Name() == name {
			out = append(out, span)
		}
	}
	return out
}

// one is the only span of the name.
func (s *sdk) one(name string) sdktrace.ReadOnlySpan {
	s.t.Helper()
	found := s.named(name)
	if len(found) != 1 {
		s.t.Fatalf("%d spans %q among %s", len(found), name, s.names())
	}
	return found[0]
}

func (s *sdk) names() (out []string) {
	for _, span := range s.spans.Ended() {
		out = append(out, span.Name())
	}
	return out
}

// A faulty store is one in memory, of which a test can make calls fail.
type faulty struct {
	*session.MemoryStore
	mu    sync.Mutex
	fails map[string]error // by operation
	seen  trace.SpanContext
}

func newFaulty() *faulty {
	return &faulty{MemoryStore: session.NewMemoryStore(session.MemoryOptions{}), fails: map[string]error{}}
}

func (f *faulty) fail(op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails[op] = err
}

func (f *faulty) see(ctx context.Context, op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = trace.SpanContextFromContext(ctx)
	return f.fails[op]
}

func (f *faulty) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := f.see(ctx, "load"); err != nil {
		return session.Record{}, err
	}
	return f.MemoryStore.Load(ctx, id)
}

func (f *faulty) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if err := f.see(ctx, "update"); err != nil {
		return err
	}
	return f.MemoryStore.Update(ctx, id, rec, ifVersion)
}

func (f *faulty) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	if err := f.see(ctx, "touch"); err != nil {
		return err
	}
	return f.MemoryStore.Touch(ctx, id, lastSeen, expires, ifVersion)
}

// Get is the cache's.
func (f *faulty) Get(ctx context.Context, id session.ID) (session.Cached, error) {
	if err := f.see(ctx, "get"); err != nil {
		return session.Cached{}, err
	}
	return f.MemoryStore.Get(ctx, id)
}

// Remove is the cache's.
func (f *faulty) Remove(ctx context.Context, id session.ID) error {
	if err := f.see(ctx, "remove"); err != nil {
		return err
	}
	return f.MemoryStore.Remove(ctx, id)
}

// A site is a manager whose clock the test moves.
type site struct {
	*sdk
	m *session.Manager
	// ahead is by how much the clock is ahead. The memory store drops by the real one.
	ahead time.Duration
}

func newSite(t testing.TB, o session.Options) *site { return newSDK(t).site(o) }

func (s *sdk) site(o session.Options) *site {
	s.t.Helper()
	out := &site{sdk: s, ahead: 1000 * time.Hour}
	o.Events, o.Insecure, o.Logger = s.events, true, slog.New(slog.DiscardHandler)
	o.Clock = func() time.Time { return time.Now().Add(out.ahead) }
	m, err := session.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	out.m = m
	return out
}

// A browser has one cookie and comes from one address.
type browser struct {
	*site
	cookie *http.Cookie
}

func (s *site) browser() *browser { return &browser{site: s} }

// visit is a request, within a span of the application's, and its status.
func (b *browser) visit(f func(*session.Session)) int {
	r := httptest.NewRequest(http.MethodGet, "/cart", nil)
	r.RemoteAddr = "203.0.113.77:4711"
	r.Header.Set("User-Agent", "Browser/7")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	ctx, span := b.tracer.Start(r.Context(), "GET /cart")
	defer span.End()
	w := httptest.NewRecorder()
	b.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f(session.From(r.Context()))
	})).ServeHTTP(w, r.WithContext(ctx))
	if c := w.Result().Cookies(); len(c) > 0 {
		b.cookie = c[0]
	}
	return w.Code
}

func (b *browser) id() (id session.ID) {
	b.visit(func(s *session.Session) { s.Principal(); id = s.ID() })
	return id
}

func put(what string) func(*session.Session) {
	return func(s *session.Session) { cart.Set(s, what) }
}

func login(who string) func(*session.Session) { return func(s *session.Session) { s.Login(who) } }

func read(s *session.Session) { cart.Get(s) }

func signOut(s *session.Session) { _ = s.Destroy(context.Background()) }

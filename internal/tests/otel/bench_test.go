package otel_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seshat-go/seshat/adapters/otelsession"
	"github.com/seshat-go/seshat/core/session"
)

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkRead is a request that reads a session in memory, which is one call of
// the store: what observing it adds is the difference to "nothing".
func BenchmarkRead(b *testing.B) {
	traces := func(s sdktrace.Sampler) *sdktrace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSyncer(tracetest.NewNoopExporter()))
	}
	metrics := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	quiet := session.SlogEvents(slog.New(slog.NewTextHandler(io.Discard, nil)))
	for _, c := range []struct {
		name   string
		events session.Events
	}{
		{"nothing", quiet},
		{"no SDK", otelsession.New(otelsession.Options{Events: quiet, MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: noop.NewTracerProvider()})},
		{"metrics", otelsession.New(otelsession.Options{Events: quiet, MeterProvider: metrics, TracerProvider: noop.NewTracerProvider()})},
		{"metrics, no span sampled", otelsession.New(otelsession.Options{Events: quiet, MeterProvider: metrics, TracerProvider: traces(sdktrace.NeverSample())})},
		{"metrics, every span sampled", otelsession.New(otelsession.Options{Events: quiet, MeterProvider: metrics, TracerProvider: traces(sdktrace.AlwaysSample())})},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, err := session.New(session.Options{
				Store: session.NewMemoryStore(session.MemoryOptions{}), Events: c.events, Insecure: true, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			first := httptest.NewRecorder()
			write := func(_ http.ResponseWriter, r *http.Request) { cart.Set(session.From(r.Context()), "tea") }
			m.Handler(http.HandlerFunc(write)).ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(first.Result().Cookies()[0])
			h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { cart.Get(session.From(r.Context())) }))
			w := &discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

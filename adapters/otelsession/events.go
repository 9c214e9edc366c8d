package otelsession

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/seshat-go/seshat/core/session"
)

// scope is the name under which instruments and spans are found.
const scope = "github.com/seshat-go/seshat/adapters/otelsession"

// Options are the settings of an [Events]. The zero value is valid.
type Options struct {
	// Events gets every event too; of calls and loads it is told as well, if it
	// is a session.CallObserver or a session.CacheObserver. Default:
	// session.SlogEvents(nil), as without this package.
	Events session.Events

	// MeterProvider makes the instruments. Default: otel.GetMeterProvider(), the
	// global one, which may also be set later.
	MeterProvider metric.MeterProvider

	// TracerProvider makes the spans. Default: otel.GetTracerProvider(), the
	// global one, which may also be set later. For metrics alone: one of package
	// go.opentelemetry.io/otel/trace/noop.
	TracerProvider trace.TracerProvider
}

// Events records what it is told. Give the same one to session.Options.Events and
// to cacheddb.Options.Events. It is safe for concurrent use, by many managers
// and stores too, whose numbers it adds up.
type Events struct {
	next   session.Events
	calls  session.CallObserver  // next, if it is one
	loads  session.CacheObserver // so too
	tracer trace.Tracer
	err    error // of the instruments

	instruments
	known known
}

var (
	_ session.Events        = (*Events)(nil)
	_ session.CallObserver  = (*Events)(nil)
	_ session.CacheObserver = (*Events)(nil)
	_ session.Validator     = (*Events)(nil)
)

// New returns the Events. What is wrong with the instruments, Validate tells,
// which session.New calls.
func New(o Options) *Events {
	if o.Events == nil {
		o.Events = session.SlogEvents(nil)
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	e := &Events{next: o.Events, tracer: o.TracerProvider.Tracer(scope)}
	e.calls, _ = o.Events.(session.CallObserver)
	e.loads, _ = o.Events.(session.CacheObserver)
	e.instruments, e.err = newInstruments(o.MeterProvider.Meter(scope))
	e.breakers.Add(context.Background(), 0) // so that the series is there before the first fault
	return e
}

// Validate returns what was wrong with an instrument, if anything was, and then
// what Options.Events says of itself. An instrument that could not be made
// records nothing; the others work.
func (e *Events) Validate() error {
	if e.err != nil {
		return fmt.Errorf("otelsession: Options.MeterProvider refuses an instrument: %w", e.err)
	}
	if v, ok := e.next.(session.Validator); ok {
		return v.Validate()
	}
	return nil
}

// Event implements [session.Events].
func (e *Events) Event(ctx context.Context, v session.Event) {
	e.count(ctx, v)
	e.next.Event(ctx, v)
}

// CacheLoad implements [session.CacheObserver].
func (e *Events) CacheLoad(ctx context.Context, r session.CacheResult) {
	e.cacheLoads.Add(ctx, 1, e.known.add(attrResult, string(r))...)
	if e.loads != nil {
		e.loads.CacheLoad(ctx, r)
	}
}

// BeginCall implements [session.CallObserver].
func (e *Events) BeginCall(ctx context.Context, c session.Call) (context.Context, func(error)) {
	began := time.Now()
	ctx, span := e.tracer.Start(ctx, e.known.span(c.Tier, c.Op), trace.WithSpanKind(trace.SpanKindInternal))
	var next func(error)
	if e.calls != nil {
		ctx, next = e.calls.BeginCall(ctx, c)
	}
	return ctx, func(err error) {
		if next != nil {
			next(err)
		}
		e.end(ctx, span, c, time.Since(began), outcomeOf(ctx, err))
	}
}

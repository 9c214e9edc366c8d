package otelsession

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	"github.com/seshat-go/seshat/core/session"
)

// instruments are those of the package's documentation.
type instruments struct {
	created, ended, logins, conflicts, refused, others metric.Int64Counter
	storeErrors                                        metric.Int64Counter
	cacheLoads, cacheErrors, pendingRemovals           metric.Int64Counter
	breakers                                           metric.Int64UpDownCounter
	payload                                            metric.Int64Histogram
	storeCalls, tierCalls                              metric.Float64Histogram
}

// The bounds of the histograms: from a memory store to a call that is given up,
// in seconds, and from a few values to more than fits, in bytes.
var (
	durations = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	sizes     = []float64{128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20}
)

func newInstruments(m metric.Meter) (instruments, error) {
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		return made[metric.Int64Counter](&errs, c, noop.Int64Counter{}, err)
	}
	duration := func(name, description string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(durations...))
		return made[metric.Float64Histogram](&errs, h, noop.Float64Histogram{}, err)
	}
	i := instruments{
		created:         counter("seshat.session.created", "{session}", "Sessions that were stored for the first time."),
		ended:           counter("seshat.session.ended", "{session}", "Sessions that ended, by reason; expired ones where a request came with them."),
		logins:          counter("seshat.session.logins", "{login}", "Principals that logged in, or reauthenticated."),
		conflicts:       counter("seshat.session.conflicts", "{conflict}", "Writes that a parallel one overtook, and that were applied again."),
		refused:         counter("seshat.session.refused_writes", "{write}", "Writes that were refused since the session had ended."),
		others:          counter("seshat.session.events", "{event}", "Events that no other instrument counts, by kind."),
		storeErrors:     counter("seshat.store.errors", "{error}", "Failures of the store."),
		cacheLoads:      counter("seshat.cache.loads", "{load}", "Loads of cached_db, by what the cache was good for."),
		cacheErrors:     counter("seshat.cache.errors", "{error}", "Failures of the cache of cached_db, for which the database served."),
		pendingRemovals: counter("seshat.cache.pending_removals", "{entry}", "Entries of the cache that could not be brought up to date at once, and are removed in the background."),
		storeCalls:      duration("seshat.store.call.duration", "Time that calls of the store took."),
		tierCalls:       duration("seshat.tier.call.duration", "Time that calls of cached_db to its cache and its database took."),
	}
	breakers, err := m.Int64UpDownCounter("seshat.cache.open_breakers", metric.WithUnit("{breaker}"),
		metric.WithDescription("Caches that cached_db leaves alone at the moment."))
	i.breakers = made[metric.Int64UpDownCounter](&errs, breakers, noop.Int64UpDownCounter{}, err)
	payload, err := m.Int64Histogram("seshat.session.payload.size", metric.WithUnit("By"),
		metric.WithDescription("Bytes of values in data writes that succeeded."), metric.WithExplicitBucketBoundaries(sizes...))
	i.payload = made[metric.Int64Histogram](&errs, payload, noop.Int64Histogram{}, err)
	return i, errors.Join(errs...)
}

// made returns the instrument, or one that records nothing if it could not be made.
func made[I any](errs *[]error, instrument, nothing I, err error) I {
	if err != nil {
		*errs = append(*errs, err)
		return nothing
	}
	return instrument
}

// count counts an event in the one instrument that is for it.
func (e *Events) count(ctx context.Context, v session.Event) {
	switch v.Kind {
	case session.EventCreated:
		e.created.Add(ctx, 1)
	case session.EventLogin:
		e.logins.Add(ctx, 1)
	case session.EventDestroyed, session.EventRevoked, session.EventExpired:
		e.ended.Add(ctx, 1, e.known.add(attrReason, string(v.Kind))...)
	case session.EventConflict:
		e.conflicts.Add(ctx, 1)
	case session.EventEnded:
		e.refused.Add(ctx, 1)
	case session.EventStoreError, session.EventTouchFailed:
		e.storeErrors.Add(ctx, 1, e.known.add(attrOperation, v.Op)...)
	case session.EventCacheError:
		e.cacheErrors.Add(ctx, 1, e.known.add(attrOperation, v.Op)...)
	case session.EventCacheDown:
		e.breakers.Add(ctx, 1)
	case session.EventCacheUp:
		e.breakers.Add(ctx, -1)
	case session.EventPending:
		if !errors.Is(v.Err, session.ErrPending) { // else it is the engine's, about a session
			e.pendingRemovals.Add(ctx, 1, e.known.add(attrOperation, v.Op)...)
			return
		}
		fallthrough
	default:
		e.others.Add(ctx, 1, e.known.add(attrKind, strings.ReplaceAll(string(v.Kind), " ", "_"))...)
	}
}

// end records a call that is over.
func (e *Events) end(ctx context.Context, span trace.Span, c session.Call, took time.Duration, o outcome) {
	durations := e.storeCalls
	if c.Tier != session.TierStore {
		durations = e.tierCalls
	} else if o == ok && c.Size > 0 {
		e.payload.Record(ctx, int64(c.Size))
	}
	a := e.known.call(c.Tier, c.Op, o)
	durations.Record(ctx, took.Seconds(), a.record...)
	if span.IsRecording() {
		span.SetAttributes(a.attributes...)
		if o.failure() {
			span.SetStatus(codes.Error, string(o))
		}
	}
	span.End()
}

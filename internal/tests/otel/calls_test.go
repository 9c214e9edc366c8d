package otel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

func TestTheSpanOfAStoreCallStandsBetweenTheRequestsAndTheDrivers(t *testing.T) {
	store := newFaulty()
	s := newSite(t, session.Options{Store: store})
	s.browser().visit(put("tea"))
	request, create := s.one("GET /cart"), s.one("seshat.store create")
	if create.Parent().SpanID() != request.SpanContext().SpanID() {
		t.Error("the call's is no child of the request's")
	}
	if create.SpanKind() != trace.SpanKindInternal || create.Status().Code != codes.Unset {
		t.Errorf("kind %v, status %v", create.SpanKind(), create.Status())
	}
	if got := labels(attribute.NewSet(create.Attributes()...)); got != "{seshat.operation=create,seshat.outcome=ok}" {
		t.Errorf("attributes %s", got)
	}
	b := s.browser()
	b.visit(put("tea"))
	before := len(s.named("seshat.store load"))
	b.visit(read)
	loads := s.named("seshat.store load")[before:]
	if len(loads) != 1 || !store.seen.Equal(loads[0].SpanContext()) {
		t.Errorf("the store got %v, want the span of its call among %s", store.seen, s.names())
	}
}

func TestTheTiersSpansStandWithinTheStores(t *testing.T) {
	s := newSDK(t)
	cache, truth := newFaulty(), newFaulty()
	site := s.site(session.Options{Store: cacheddb.New(cache, truth, cacheddb.Options{Events: s.events})})
	b := site.browser()
	b.visit(put("tea"))
	created, inDatabase := s.one("seshat.store create"), s.one("seshat.database create")
	if inDatabase.Parent().SpanID() != created.SpanContext().SpanID() {
		t.Error("the database's span is no child of the store's")
	}
	b.visit(read)
	load := s.one("seshat.store load").SpanContext()
	for _, name := range []string{"seshat.cache get", "seshat.cache lease", "seshat.database load", "seshat.cache fill"} {
		if got := s.one(name); got.Parent().SpanID() != load.SpanID() {
			t.Errorf("%s is no child of the load", name)
		}
	}
	if got := s.one("seshat.database load").SpanContext(); !truth.seen.Equal(got) {
		t.Errorf("the database got %v, want %v", truth.seen, got)
	}
	if got := labels(attribute.NewSet(s.one("seshat.cache get").Attributes()...)); got != "{seshat.operation=get,seshat.outcome=not_found,seshat.tier=cache}" {
		t.Errorf("attributes %s", got)
	}
	if n := s.series()["seshat.tier.call.duration{seshat.operation=get,seshat.outcome=not_found,seshat.tier=cache}"]; n != 1 {
		t.Errorf("%d calls were timed", n)
	}
}

// slow is what network drivers return when a deadline passes.
type slow struct{}

func (slow) Error() string { return "read tcp 192.0.2.9:6379: i/o timeout" }
func (slow) Timeout() bool { return true }

func TestOfAnErrorOnlyItsKindIsTold(t *testing.T) {
	for _, c := range []struct {
		err     error
		outcome string
		fails   bool
	}{
		{nil, "ok", false},
		{session.ErrNotFound, "not_found", false},
		{session.ErrExists, "exists", false},
		{session.ErrConflict, "conflict", false},
		{session.ErrPending, "pending", false},
		{errors.Join(session.ErrNotFound, session.ErrPending), "pending", false},
		{errors.ErrUnsupported, "unsupported", false},
		{context.Canceled, "canceled", false},
		{context.DeadlineExceeded, "timeout", true},
		{slow{}, "timeout", true},
		{session.ErrFull, "full", true},
		{session.ErrUndecodable, "undecodable", true},
		{errDown, "error", true},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			s := newSDK(t)
			err := c.err
			if err != nil {
				err = fmt.Errorf("store: alice at 192.0.2.9: %w", err)
			}
			_, end := s.events.BeginCall(t.Context(), session.Call{Tier: session.TierStore, Op: "load"})
			end(err)
			span := s.one("seshat.store load")
			want := "{seshat.operation=load,seshat.outcome=" + c.outcome + "}"
			if c.fails {
				want = "{error.type=" + c.outcome + ",seshat.operation=load,seshat.outcome=" + c.outcome + "}"
			}
			if got := labels(attribute.NewSet(span.Attributes()...)); got != want {
				t.Errorf("the span has %s, want %s", got, want)
			}
			if n := s.series()["seshat.store.call.duration"+want]; n != 1 {
				t.Errorf("%d calls were timed as %s", n, want)
			}
			status := span.Status()
			if c.fails != (status.Code == codes.Error) || c.fails && status.Description != c.outcome || len(span.Events()) != 0 {
				t.Errorf("status %v, events %v", status, span.Events())
			}
		})
	}
}

func TestACallWhoseClientWentAwayIsNoFailureWhateverTheDriverSays(t *testing.T) {
	s := newSDK(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, end := s.events.BeginCall(ctx, session.Call{Tier: session.TierStore, Op: "load"})
	cancel()
	end(errDown)
	if got := labels(attribute.NewSet(s.one("seshat.store load").Attributes()...)); got != "{seshat.operation=load,seshat.outcome=canceled}" {
		t.Errorf("attributes %s", got)
	}
}

func TestASpanEndsAlthoughTheStorePanics(t *testing.T) {
	s := newSite(t, session.Options{Store: panicking{session.NewMemoryStore(session.MemoryOptions{})}})
	func() {
		defer func() { _ = recover() }()
		s.browser().visit(put("tea"))
	}()
	if got := s.one("seshat.store create").Status(); got.Code != codes.Error || got.Description != "error" {
		t.Errorf("status %v", got)
	}
}

type panicking struct{ *session.MemoryStore }

func (panicking) Create(context.Context, session.ID, session.Record) error { panic("a bug") }

func TestPayloadAndTimeAreInBytesAndSeconds(t *testing.T) {
	s := newSite(t, session.Options{})
	s.browser().visit(func(v *session.Session) { cart.Set(v, string(make([]byte, 10_000))) })
	for _, scope := range s.collect().ScopeMetrics {
		for _, m := range scope.Metrics {
			switch m.Name {
			case "seshat.session.payload.size":
				p := m.Data.(metricdata.Histogram[int64]).DataPoints[0]
				if p.Sum < 10_000 || p.Sum > 80_000 || m.Unit != "By" {
					t.Errorf("%d %s", p.Sum, m.Unit)
				}
			case "seshat.store.call.duration":
				p := m.Data.(metricdata.Histogram[float64]).DataPoints[0]
				if p.Sum <= 0 || p.Sum > 3 || m.Unit != "s" || p.Bounds[0] > .001 {
					t.Errorf("%v %s in bounds from %v", p.Sum, m.Unit, p.Bounds[0])
				}
			}
		}
	}
}

package otel_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/seshat-go/seshat/adapters/otelsession"
	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// refusing makes no counter of one name.
type refusing struct {
	noop.MeterProvider
	name string
}

func (r refusing) Meter(string, ...metric.MeterOption) metric.Meter {
	return refusingMeter{name: r.name}
}

type refusingMeter struct {
	noop.Meter
	name string
}

func (r refusingMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	if name == r.name {
		return nil, errors.New("no more of these")
	}
	return noop.Int64Counter{}, nil
}

func TestAnInstrumentThatCannotBeMadeIsAnErrorOfNew(t *testing.T) {
	events := otelsession.New(otelsession.Options{MeterProvider: refusing{name: "seshat.session.created"}})
	const want = "otelsession: Options.MeterProvider refuses an instrument: no more of these"
	if _, err := session.New(session.Options{Events: events}); err == nil || err.Error() != "session: Options.Events: "+want {
		t.Errorf("session.New: %v", err)
	}
	memory := session.NewMemoryStore(session.MemoryOptions{})
	if err := cacheddb.New(memory, memory, cacheddb.Options{Events: events}).Validate(); err == nil || err.Error() != want {
		t.Errorf("cacheddb: %v", err)
	}
	events.Event(t.Context(), session.Event{Kind: session.EventCreated}) // does not matter
}

func TestEventsAreLoggedAsWithoutIt(t *testing.T) {
	var log bytes.Buffer
	old := slog.Default()
	defer slog.SetDefault(old)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	otelsession.New(otelsession.Options{}).Event(t.Context(), session.Event{Kind: session.EventLogin, Principal: "alice"})
	if !strings.Contains(log.String(), `msg="session: login" principal=alice`) {
		t.Errorf("logged %q", log.String())
	}
}

// observer is told of everything, and wants to be valid.
type observer struct {
	told []string
	err  error
}

type mark struct{}

func (o *observer) Event(_ context.Context, e session.Event) { o.told = append(o.told, string(e.Kind)) }
func (o *observer) Validate() error                          { return o.err }

func (o *observer) CacheLoad(_ context.Context, r session.CacheResult) {
	o.told = append(o.told, string(r))
}

func (o *observer) BeginCall(ctx context.Context, c session.Call) (context.Context, func(error)) {
	o.told = append(o.told, "begin "+c.Op)
	return context.WithValue(ctx, mark{}, true), func(err error) { o.told = append(o.told, "end "+err.Error()) }
}

func TestAllThatIsToldIsPassedOn(t *testing.T) {
	next := &observer{err: errDown}
	events := otelsession.New(otelsession.Options{Events: next})
	ctx, end := events.BeginCall(t.Context(), session.Call{Tier: session.TierStore, Op: "load"})
	if ctx.Value(mark{}) == nil {
		t.Error("the call does not get the context of the next")
	}
	end(errors.New("x"))
	events.CacheLoad(ctx, session.CacheHit)
	events.Event(ctx, session.Event{Kind: session.EventCreated})
	if got := strings.Join(next.told, ", "); got != "begin load, end x, hit, created" {
		t.Errorf("it was told %s", got)
	}
	if err := events.Validate(); !errors.Is(err, errDown) {
		t.Errorf("Validate: %v", err)
	}
}

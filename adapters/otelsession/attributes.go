package otelsession

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/seshat-go/seshat/core/session"
)

// The names of attributes. error.type is OpenTelemetry's.
const (
	attrReason    = "seshat.end.reason"
	attrKind      = "seshat.event.kind"
	attrOperation = "seshat.operation"
	attrOutcome   = "seshat.outcome"
	attrResult    = "seshat.cache.result"
	attrTier      = "seshat.tier"
	attrError     = "error.type"
)

// known keeps what was made of the names that the engine uses, of which there are
// few, so that counting allocates nothing.
type known struct {
	adds, calls, spans sync.Map
}

type pair struct{ name, value string }

// add returns what a counter is given for one attribute.
func (k *known) add(name, value string) []metric.AddOption {
	key := pair{name, value}
	if v, ok := k.adds.Load(key); ok {
		return v.([]metric.AddOption)
	}
	set := attribute.NewSet(attribute.String(name, value))
	v, _ := k.adds.LoadOrStore(key, []metric.AddOption{metric.WithAttributeSet(set)})
	return v.([]metric.AddOption)
}

type callKey struct {
	tier    session.Tier
	op      string
	outcome outcome
}

// callAttributes are those of a call, for its span and for its duration.
type callAttributes struct {
	attributes []attribute.KeyValue
	record     []metric.RecordOption
}

func (k *known) call(tier session.Tier, op string, o outcome) *callAttributes {
	key := callKey{tier, op, o}
	if v, ok := k.calls.Load(key); ok {
		return v.(*callAttributes)
	}
	a := []attribute.KeyValue{attribute.String(attrOperation, op), attribute.String(attrOutcome, string(o))}
	if tier != session.TierStore {
		a = append(a, attribute.String(attrTier, string(tier)))
	}
	if o.failure() {
		a = append(a, attribute.String(attrError, string(o)))
	}
	set := attribute.NewSet(a...)
	v, _ := k.calls.LoadOrStore(key, &callAttributes{a, []metric.RecordOption{metric.WithAttributeSet(set)}})
	return v.(*callAttributes)
}

// span returns the name of the span of a call.
func (k *known) span(tier session.Tier, op string) string {
	key := pair{string(tier), op}
	if v, ok := k.spans.Load(key); ok {
		return v.(string)
	}
	v, _ := k.spans.LoadOrStore(key, "seshat."+string(tier)+" "+op)
	return v.(string)
}

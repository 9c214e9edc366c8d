package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

type observedKey struct{}

// callLog observes calls, and gives each a context that says so.
type callLog struct {
	eventLog
	mu      sync.Mutex
	calls   []string
	invalid error
	session bool // was in a context
}

func (l *callLog) Validate() error { return l.invalid }

func (l *callLog) BeginCall(ctx context.Context, c session.Call) (context.Context, func(error)) {
	_, found := session.Lookup(ctx)
	return context.WithValue(ctx, observedKey{}, c.Op), func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.session = l.session || found
		said := fmt.Sprintf("%s %s", c.Tier, c.Op)
		if c.Size > 0 {
			said += " of bytes"
		}
		if err != nil {
			said += ": " + err.Error()
		}
		l.calls = append(l.calls, said)
	}
}

func (l *callLog) want(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.calls, ", "); got != strings.Join(want, ", ") {
		t.Errorf("calls %q, want %q", got, strings.Join(want, ", "))
	}
	if l.session {
		t.Error("the session was in the context of a call, while it may be locked")
	}
	l.calls = nil
}

func TestAnObserverIsToldOfEachCallOfTheStoreOnce(t *testing.T) {
	log := &callLog{}
	s, b := started(t, session.Options{Events: log})
	log.want(t, "store create of bytes")
	b.visit(read)
	log.want(t, "store load")
	b.visit(add("milk"))
	log.want(t, "store load", "store update of bytes")
	b.visit(login("alice"))
	log.want(t, "store load", "store create of bytes", "store load", "store update") // a mark has no payload
	s.clock.advance(session.IdleAAL2 * 2)
	b.visit(read)
	log.want(t, "store load", "store touch")
	_, _ = s.m.List(t.Context(), "alice")
	log.want(t, "store list")
	_, _ = s.m.Purge(t.Context())
	log.want(t, "store purge")
	b.visit(destroy)
	log.want(t, "store load", "store delete")
}

func TestAnObserverGetsTheErrorAndTheStoreItsContext(t *testing.T) {
	log := &callLog{}
	s, b := started(t, session.Options{Events: log})
	log.want(t, "store create of bytes")
	var got any
	s.store.plan("load", func(ctx context.Context, _ func(context.Context) error) error {
		got = ctx.Value(observedKey{})
		return errDown
	})
	b.visit(read).want(503)
	log.want(t, "store load: "+errDown.Error())
	if got != "load" {
		t.Errorf("the store's context has %v", got)
	}
}

func TestAnObserverIsToldOfACallThatPanicked(t *testing.T) {
	log := &callLog{}
	s, b := started(t, session.Options{Events: log})
	log.want(t, "store create of bytes")
	s.store.plan("load", func(context.Context, func(context.Context) error) error { panic("a bug") })
	b.visit(func(s *session.Session) {
		defer func() { _ = recover() }()
		read(s)
	})
	log.want(t, "store load: session: the store panicked")
}

func TestNewAsksTheEventsWhetherTheyAreValid(t *testing.T) {
	_, err := session.New(session.Options{Events: &callLog{invalid: errDown}})
	if !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), "session: Options.Events: ") {
		t.Errorf("New: %v", err)
	}
}

package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

const siteURL = "https://shop.example/"

// Keys that most tests use.
var (
	cart  = session.NewKey[[]string]("cart")
	count = session.NewKey[int]("count")
	name  = session.NewKey[string]("name")
)

func increment(n int) int { return n + 1 }

// site is a manager over a probe, on a clock that stands still.
type site struct {
	t      *testing.T
	m      *session.Manager
	o      session.Options // as the test gave them
	store  *probe
	clock  *clock
	events *eventLog
	log    *bytes.Buffer // what the default logger of the site wrote
	told   *errorLog     // what the error handler got
	spies  *spies        // the tokens that browsers were given
}

// newSite makes a site with the given options; what they leave out is the
// harness's own. At its end the test fails if a token leaked anywhere.
func newSite(t *testing.T, o session.Options) *site {
	t.Helper()
	s := &site{t: t, clock: newClock(), events: &eventLog{}, log: &bytes.Buffer{}, told: &errorLog{}, spies: &spies{}}
	if o.Store == nil {
		o.Store = newProbe()
	}
	s.store, _ = o.Store.(*probe)
	t.Cleanup(s.checkLeaks)
	return s.start(o)
}

// start makes the manager.
func (s *site) start(o session.Options) *site {
	s.t.Helper()
	s.o = o
	if o.Clock == nil {
		o.Clock = s.clock.Now
	}
	if o.Events == nil {
		o.Events = s.events
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	handler := o.ErrorHandler
	if handler == nil {
		handler = session.DefaultErrorHandler
	}
	o.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		s.told.add(err)
		handler(w, r, err)
	}
	m, err := session.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.m = m
	return s
}

// another is a second process of the same application: a manager of its own
// over the same store.
func (s *site) another(o session.Options) *site {
	s.t.Helper()
	second := *s
	o.Store = s.store
	return second.start(o)
}

// clock tells a time that only the test moves. It begins far in the future,
// since the memory store drops by the real clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2100, 1, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// eventLog keeps every event.
type eventLog struct {
	mu  sync.Mutex
	all []session.Event
}

func (l *eventLog) Event(_ context.Context, e session.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

func (l *eventLog) of(kind session.EventKind) []session.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(e session.Event) bool { return e.Kind != kind })
}

// want checks how many events of a kind there were since the last reset.
func (s *site) wantEvents(kind session.EventKind, n int) {
	s.t.Helper()
	if got := s.events.of(kind); len(got) != n {
		s.t.Errorf("%d events %q, want %d: %v", len(got), kind, n, got)
	}
}

func (l *eventLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.all {
		fmt.Fprintf(&b, "%+v %#v %v\n", e, e, e.Err)
	}
	return b.String()
}

// errorLog keeps what the error handler was told.
type errorLog struct {
	mu  sync.Mutex
	all []error
}

func (l *errorLog) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, err)
}

// wantTold checks what the error handler was told last.
func (s *site) wantTold(target error) {
	s.t.Helper()
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	if len(s.told.all) == 0 {
		s.t.Fatalf("the error handler was told nothing, want %v", target)
	}
	if err := s.told.all[len(s.told.all)-1]; !errors.Is(err, target) {
		s.t.Fatalf("the error handler was told %v, want %v", err, target)
	}
}

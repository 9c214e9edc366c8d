package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// plain writes log lines without the time.
func plain(to *bytes.Buffer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestEventsAreLoggedOneLineEachAtTheirLevel(t *testing.T) {
	for kind, level := range map[session.EventKind]string{
		session.EventCreated: "DEBUG", session.EventRenewed: "DEBUG", session.EventExpired: "DEBUG", session.EventConflict: "DEBUG", session.EventPurging: "DEBUG",
		session.EventNotFresh: "DEBUG",
		session.EventLogin:    "INFO", session.EventDestroyed: "INFO", session.EventRevoked: "INFO", session.EventUnknownToken: "INFO",
		session.EventEnded: "INFO", session.EventCacheUp: "INFO",
		session.EventAmbiguous: "WARN", session.EventUndecodable: "WARN", session.EventTouchFailed: "WARN",
		session.EventCacheError: "WARN", session.EventPending: "WARN",
		session.EventStoreError: "ERROR", session.EventLateWrite: "ERROR", session.EventCacheDown: "ERROR", session.EventPurgeFailed: "ERROR",
	} {
		var log bytes.Buffer
		l := session.SlogEvents(plain(&log, slog.LevelDebug))
		l.Event(context.Background(), session.Event{Kind: kind})
		if got, want := log.String(), "level="+level+` msg="session: `+string(kind)+"\"\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestALogLineHasWhatTheEventHas(t *testing.T) {
	var log bytes.Buffer
	e := session.Event{Kind: session.EventStoreError, ID: "the-id", Principal: "alice", Op: "update", Key: "cart", Err: errors.New("connection refused")}
	session.SlogEvents(plain(&log, slog.LevelDebug)).Event(context.Background(), e)
	const want = `level=ERROR msg="session: store error" id=the-id principal=alice op=update key=cart error="connection refused"` + "\n"
	if log.String() != want {
		t.Errorf("%q, want %q", log.String(), want)
	}
	log.Reset()
	session.SlogEvents(plain(&log, slog.LevelError+1)).Event(context.Background(), e)
	if log.Len() != 0 {
		t.Errorf("a disabled level logged %q", log.String())
	}
}

func TestTheLineOfAPurgeHasItsCountAlsoWhenThatIsNone(t *testing.T) {
	for n, want := range map[int]string{0: "count=0", 7: "count=7"} {
		var log bytes.Buffer
		session.SlogEvents(plain(&log, slog.LevelInfo)).Event(context.Background(), session.Event{Kind: session.EventPurged, Count: n})
		if line := `level=INFO msg="session: purged" ` + want + "\n"; log.String() != line {
			t.Errorf("%q, want %q", log.String(), line)
		}
	}
}

func TestEventsGoToTheLoggerUnlessSetOtherwise(t *testing.T) {
	var log bytes.Buffer
	logged := func() string { defer log.Reset(); return log.String() }
	visit := func(o session.Options) {
		s := &site{t: t, m: session.Must(session.New(o)), spies: &spies{}, clock: newClock()}
		s.browser().visit(login("alice")).want(200)
	}
	visit(session.Options{Store: newProbe(), Logger: plain(&log, slog.LevelDebug)})
	if got := logged(); strings.Count(got, "\n") != 2 || !strings.Contains(got, `msg="session: created" id=`) || !strings.Contains(got, `msg="session: login" id=`) {
		t.Errorf("the log has %q", got)
	}
	events := &eventLog{}
	visit(session.Options{Store: newProbe(), Logger: plain(&log, slog.LevelDebug), Events: events})
	if got := logged(); got != "" || len(events.of(session.EventLogin)) != 1 {
		t.Errorf("the log has %q, the events are %v", got, events)
	}

	before := slog.Default()
	defer slog.SetDefault(before)
	m := session.Must(session.New(session.Options{Store: newProbe()}))
	slog.SetDefault(plain(&log, slog.LevelInfo)) // set after the manager was made
	s := &site{t: t, m: m, spies: &spies{}, clock: newClock()}
	s.browser().visit(login("alice")).want(200)
	if got := logged(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=INFO msg="session: login"`) {
		t.Errorf("the default logger has %q", got)
	}
}

func TestALoginAndItsEndAreEventsOfOneSession(t *testing.T) {
	s := newSite(t, session.Options{})
	b := s.browser()
	b.visit(add("tea")).want(200)
	b.visit(login("alice")).want(200)
	id := b.id()
	b.visit(destroy).want(200)
	s.wantEvents(session.EventCreated, 1)
	for _, kind := range []session.EventKind{session.EventRenewed, session.EventLogin, session.EventDestroyed} {
		all := s.events.of(kind)
		if len(all) != 1 || all[0].ID != id || all[0].Principal != "alice" {
			t.Errorf("events %q: %+v", kind, all)
		}
	}
}

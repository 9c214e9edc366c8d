package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// spies knows every token that a browser was given, in each of its disguises.
type spies struct {
	mu    sync.Mutex
	forms []string
}

func (s *spies) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, disguises(token)...)
}

// disguises returns the forms in which a token could hide in a text.
func disguises(token string) []string {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) == 0 {
		return nil
	}
	decimals := strings.Trim(fmt.Sprint(raw), "[]")
	return []string{
		token, string(raw),
		base64.RawStdEncoding.EncodeToString(raw),
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		decimals, strings.ReplaceAll(decimals, " ", ", "),
		strings.Trim(fmt.Sprintf("%#v", raw)[len("[]byte{"):], "}"),
	}
}

// wantNoToken checks that a text holds no token of the site in any form.
func (s *site) wantNoToken(where, text string) {
	s.t.Helper()
	s.spies.mu.Lock()
	defer s.spies.mu.Unlock()
	for _, form := range s.spies.forms {
		if strings.Contains(text, form) {
			s.t.Errorf("%s holds a token", where)
			return
		}
	}
}

// checkLeaks looks through everything that a test made observable.
func (s *site) checkLeaks() {
	s.wantNoToken("an event", s.events.String())
	s.wantNoToken("the log", s.log.String())
	for _, err := range s.told.all {
		s.wantNoToken("an error", fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	if s.store != nil {
		var dump strings.Builder
		for id, rec := range s.store.records() {
			fmt.Fprintf(&dump, "%s %+v %s\n", id, rec, rec.Payload)
		}
		s.wantNoToken("the store", dump.String())
	}
}

func TestNothingPrintsAToken(t *testing.T) {
	s, b := started(t, session.Options{})
	check := func(what string, v any) {
		t.Helper()
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			s.wantNoToken(what+" by "+format, fmt.Sprintf(format, v))
			s.wantNoToken(what+" in a struct by "+format, fmt.Sprintf(format, struct{ V any }{v}))
			s.wantNoToken(what+" in a slice by "+format, fmt.Sprintf(format, []any{v}))
		}
		encoded, _ := json.Marshal(v)
		s.wantNoToken(what+" as JSON", string(encoded))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		s.wantNoToken(what+" in a log", log.String())
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := s.m.Begin(w, r)
		ses := x.Session()
		for range 2 {
			check("the session", ses)
			check("the exchange", x)
			check("the writer", x.Writer())
			check("the context", x.Request().Context())
			check("a context from it", context.WithValue(x.Request().Context(), stubborn{}, ses))
			check("the manager", s.m)
			add("milk")(ses) // and once more with the token loaded
		}
		if err := ses.Save(r.Context()); err != nil {
			t.Error(err)
		}
		ses.Login("alice")
		check("the session", ses)
		x.Finish(200)
		check("the session", ses)
	})
	b.send(h).want(200).setsCookie()
	if text := fmt.Sprintf("%v %+v", s.m, session.SlogEvents(nil)); text == "" {
		t.Error("a manager prints as nothing")
	}
	b.visit(func(ses *session.Session) {
		if got := fmt.Sprint(ses); got != "session.Session" {
			t.Errorf("a session prints as %q", got)
		}
	}).want(200)
}

// Everything that can go wrong goes wrong, and what was observed is looked
// through when the test ends.
func TestNoErrorEventOrLogHoldsAToken(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	all := &eventLog{}
	s := newSite(t, session.Options{Logger: logger, Events: eventsTo{session.SlogEvents(logger), all}, IdleTimeout: time.Hour, MaxSize: 200})
	s.events, s.log = all, &log
	b := s.browser()
	b.visit(func(s *session.Session) { s.Login("alice"); add("tea")(s) }).want(200)
	for op, f := range map[string]func(*session.Session){
		"load": read, "update": add("milk"), "create": renew, "delete": destroy, "fresh": read,
	} {
		s.store.plan(op, failBefore, failBefore)
		b.visit(f)
		s.store.reset()
	}
	old := b.thief()
	b.visit(renew).want(200)
	old.visit(add("x")).want(409)
	b.visit(func(s *session.Session) { name.Set(s, strings.Repeat("x", 300)) }).want(500)
	b.visit(func(s *session.Session) { s.Login("") }).want(500)
	b.visit(func(s *session.Session) { session.NewKey[int]("cart").Get(s) }).want(200)
	first, second := inStep(s, b, add("1"), add("2"))
	first.want(200)
	second.want(200)
	b.streaming(renew).want(200)
	s.clock.advance(30 * time.Minute)
	s.store.plan("touch", failBefore)
	b.visit(read).want(200)
	other := s.browser()
	other.visit(login("bob")).want(200)
	s.with([]string{b.token(), other.token()}, add("x")).want(409)
	s.with([]string{strings.Repeat("A", 43)}, read).want(200)
	if _, err := s.m.RevokeAll(context.Background(), "bob"); err != nil {
		t.Error(err)
	}
	s.clock.advance(2 * time.Hour)
	b.visit(read).want(200)
	for _, kind := range []session.EventKind{
		session.EventCreated, session.EventRenewed, session.EventLogin, session.EventRevoked, session.EventExpired,
		session.EventUnknownToken, session.EventAmbiguous, session.EventUndecodable, session.EventConflict,
		session.EventEnded, session.EventStoreError, session.EventTouchFailed, session.EventLateWrite,
	} {
		if len(all.of(kind)) == 0 {
			t.Errorf("there was no event %q", kind)
		}
		if !strings.Contains(log.String(), "session: "+string(kind)) {
			t.Errorf("the log has no line %q", kind)
		}
	}
	for _, value := range []string{"tea", "milk", "xxxx"} {
		if strings.Contains(log.String(), value) || strings.Contains(all.String(), value) {
			t.Errorf("the log or an event holds the value %q", value)
		}
	}
}

// eventsTo sends events to several.
type eventsTo []session.Events

func (to eventsTo) Event(ctx context.Context, e session.Event) {
	for _, events := range to {
		events.Event(ctx, e)
	}
}

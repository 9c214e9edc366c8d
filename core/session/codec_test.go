package session_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// gobs is a codec other than the default.
type gobs struct{}

func (gobs) Name() string { return "gob" }

func (gobs) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func (gobs) Unmarshal(data []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(v)
}

func (s *site) codecs() string {
	var names []string
	for _, rec := range s.store.records() {
		if n := len(rec.Payload); n > 1 {
			names = append(names, string(rec.Payload[2:2+rec.Payload[1]]))
		}
	}
	return strings.Join(names, " ")
}

func TestSessionsFromBeforeAChangeOfTheCodecGoOn(t *testing.T) {
	s, b := started(t, session.Options{})
	b = b.at(s.another(session.Options{Codec: gobs{}}))
	b.sees("", "tea")
	b.visit(func(s *session.Session) { add("milk")(s); s.Flash("info", "x") }).want(200)
	b.visit(login("alice")).want(200)
	b.sees("alice", "tea", "milk")
	if got := s.codecs(); got != "json" {
		t.Errorf("the codec is %q", got)
	}
	b.visit(func(s *session.Session) { s.Clear() }).want(200)
	b.visit(add("rice")).want(200)
	b.sees("alice", "rice")
	if got := s.codecs(); got != "gob" {
		t.Errorf("the codec is %q", got)
	}
}

func TestTheCodecIsThatOfNewSessions(t *testing.T) {
	s := newSite(t, session.Options{Codec: gobs{}})
	b := s.browser()
	b.visit(func(s *session.Session) { add("tea")(s); s.Flash("info", "hello") }).want(200)
	if got := s.codecs(); got != "gob" {
		t.Errorf("the codec is %q", got)
	}
	b.visit(func(s *session.Session) {
		if f := s.Flashes(); len(f) != 1 || f[0].Text != "hello" || len(cart.Get(s)) != 1 {
			t.Errorf("flashes %v, cart %q", f, cart.Get(s))
		}
	}).want(200)
	// A process that does not have the codec cannot read it.
	b.at(s.another(session.Options{})).seesNothing()
	s.wantEvents(session.EventUndecodable, 1)
}

// The value was encoded for a session whose codec is another by the time it is
// saved, since a parallel request emptied it.
func TestAValueIsNotStoredUnderACodecThatItIsNotOf(t *testing.T) {
	for _, c := range []struct {
		name   string
		rivals []func(*session.Session)
		status int
	}{
		{"emptied", []func(*session.Session){func(s *session.Session) { s.Clear() }}, 200},
		{"emptied and filled", []func(*session.Session){func(s *session.Session) { s.Clear() }, add("rice")}, 409},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			b = b.at(s.another(session.Options{Codec: gobs{}}))
			rival := b.at(s.another(session.Options{Codec: gobs{}}))
			b.visit(func(s *session.Session) {
				name.Set(s, "x")
				for _, f := range c.rivals {
					rival.visit(f).want(200)
				}
			}).want(c.status)
			b.visit(func(s *session.Session) {
				if want := map[int]string{200: "x"}[c.status]; name.Get(s) != want {
					t.Errorf("the value is %q, want %q", name.Get(s), want)
				}
			}).want(200)
			s.wantEvents(session.EventUndecodable, 0)
		})
	}
}

// stubborn cannot be encoded, and says too much about it.
type stubborn struct{ secret string }

func (s stubborn) MarshalJSON() ([]byte, error) { return nil, fmt.Errorf("refusing %s", s.secret) }

func TestAValueThatCannotBeEncodedIsAnErrorWithoutTheValue(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(*session.Session)
		as   any // what the cause can be found as
	}{
		{"channel", func(s *session.Session) { session.NewKey[chan int]("k").Set(s, make(chan int)) }, new(*json.UnsupportedTypeError)},
		{"not a number", func(s *session.Session) { session.NewKey[float64]("k").Set(s, math.Inf(1)) }, new(*json.UnsupportedValueError)},
		{"a method of its own", func(s *session.Session) { session.NewKey[stubborn]("k").Set(s, stubborn{"hunter2"}) }, new(*json.MarshalerError)},
		{"updated", func(s *session.Session) {
			session.NewKey[stubborn]("k").Update(s, func(stubborn) stubborn { return stubborn{"hunter2"} })
		}, new(*json.MarshalerError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := started(t, session.Options{})
			var err error
			b.serve(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				c.f(s)
				err = s.Err()
				add("milk")(s) // dropped as well
			}).want(500)
			s.wantTold(session.ErrInvalid)
			if err == nil || !strings.Contains(err.Error(), `"k"`) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "Inf") {
				t.Errorf("the error is %v", err)
			}
			if !errors.As(err, c.as) {
				t.Errorf("the cause cannot be found in %v", err)
			}
			b.sees("", "tea")
		})
	}
}

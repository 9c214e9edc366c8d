package session_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// rewrite changes every stored record, as somebody could who writes to the store.
func (s *site) rewrite(change func(*session.Record)) {
	s.t.Helper()
	for id, rec := range s.store.records() {
		was := rec.Version
		if change(&rec); s.store.inner.Update(context.Background(), id, rec, was) != nil {
			s.t.Fatalf("the record %q cannot be rewritten", id)
		}
	}
}

// unsound are records that no engine writes, though every part of them decodes.
var unsound = map[string]func(*session.Record){
	"version 0":             func(r *session.Record) { r.Version = 0 },
	"the last version":      func(r *session.Record) { r.Version = 1<<64 - 1 },
	"the last version, SQL": func(r *session.Record) { r.Version = 1<<63 - 1 },
	"created before 1970":   func(r *session.Record) { r.Created = time.UnixMicro(-1).UTC() },
	"ends after 9999":       func(r *session.Record) { r.LifetimeEnd = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	"negative idle timeout": func(r *session.Record) { r.IdleTimeout = -time.Hour },
	"long principal":        func(r *session.Record) { r.Principal = strings.Repeat("x", session.MaxPrincipal+1) },
	"NUL in the principal":  func(r *session.Record) { r.Principal = "alice\x00" },
	"no UTF-8":              func(r *session.Record) { r.Device.UserAgent = "\xff" },
}

func TestARecordOutsideItsLimitsIsAbsentAndAnEvent(t *testing.T) {
	for name, change := range unsound {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, session.Options{})
			b := s.browser()
			b.visit(login("alice")).want(200).setsCookie()
			id := b.id()
			s.rewrite(change)
			before := s.store.records()
			b.seesNothing()
			s.wantEvents(session.EventUndecodable, 1)
			s.wantEvents(session.EventStoreError, 0)
			if after := s.store.records(); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("a read changed %v to %v", before, after)
			}
			if err := s.m.Revoke(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Revoke: %v, want ErrNotFound", err)
			}
			other := s.browser()
			other.visit(login("alice")).want(200)
			if infos, err := s.m.List(t.Context(), "alice"); err != nil || len(infos) != 1 || infos[0].ID != other.id() {
				t.Errorf("List: %v, %v, want the other session alone", infos, err)
			}
			if _, err := s.m.RevokeAll(t.Context(), "alice"); err != nil {
				t.Errorf("RevokeAll: %v", err)
			}
			other.seesNothing()
			b.visit(destroy).want(200).removesCookie()
			b.visit(add("milk")).want(200).setsCookie()
			b.sees("", "milk")
		})
	}
}

func TestMarksThatGoRoundInARingEndNoRequest(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := newSite(t, session.Options{})
			browsers, ids := make([]*browser, n), make([]session.ID, n)
			for i := range n {
				browsers[i] = s.browser()
				browsers[i].visit(login("alice")).want(200)
				ids[i] = browsers[i].id()
			}
			for i, id := range ids {
				rec := s.store.records()[id]
				rec.MovedTo, rec.Principal, rec.Payload = ids[(i+1)%n], "", nil
				rec.Version++
				if err := s.store.inner.Update(t.Context(), id, rec, rec.Version-1); err != nil {
					t.Fatal(err)
				}
			}
			s.store.reset()
			browsers[0].visit(destroy).want(200)
			if err := s.m.Revoke(t.Context(), ids[0]); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Revoke: %v, want ErrNotFound", err)
			}
			if calls := len(s.store.took()); calls > 10*n {
				t.Errorf("%d store calls for a ring of %d", calls, n)
			}
		})
	}
}

// spoiled is a store with a cache before it whose entries are spoiled.
type spoiled struct {
	*probe
	spoil func(*session.Record)
}

func (s spoiled) Load(ctx context.Context, id session.ID) (session.Record, error) {
	rec, err := s.probe.Load(ctx, id)
	if err == nil {
		s.spoil(&rec)
	}
	return rec, err
}

func TestASpoiledCacheEntryEndsNoSession(t *testing.T) {
	spoils := map[string]func(*session.Record){
		"payload": func(r *session.Record) { r.Payload = []byte("\x01\x04json\xff\xff\xff\xff") },
		"cut":     func(r *session.Record) { r.Payload = r.Payload[:len(r.Payload)-1] },
	}
	for name, change := range unsound {
		spoils[name] = change
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			p := newProbe()
			s := newSite(t, session.Options{Store: spoiled{p, spoil}})
			s.store = p
			b := s.browser()
			b.visit(func(s *session.Session) { add("tea")(s); s.Login("alice") }).want(200)
			p.reset()
			b.sees("alice", "tea")
			s.wantCalls("load", "fresh")
			s.wantEvents(session.EventUndecodable, 0)
			s.wantEvents(session.EventCacheError, 1)
			b.visit(add("milk")).want(200).noCookie()
			b.sees("alice", "tea", "milk")

			p.plan("fresh", failBefore)
			b.visit(read).want(503) // nobody can tell whether it is a session
			b.sees("alice", "tea", "milk")

			s.rewrite(func(r *session.Record) { r.Payload = []byte{99, 99} })
			s.events.all = nil
			b.seesNothing()
			s.wantEvents(session.EventUndecodable, 1)
			s.wantEvents(session.EventCacheError, 0)
		})
	}
}

// flashSpoils are stored messages as no engine writes them.
var flashSpoils = []string{"", "x", "{", "{}", `"x"`, "1", `[1]`, `[{"id":1}]`, `[{"id":"a","text":{}}]`, "[[[", "\x00", "\xff", strings.Repeat("[", 20_000)}

func TestMessagesThatCannotBeReadAreNoneAndAnEvent(t *testing.T) {
	for _, stored := range flashSpoils {
		s, b := started(t, session.Options{})
		s.rewrite(func(r *session.Record) { r.Payload = envelope("_flash", stored, "cart", `["tea"]`) })
		before := s.store.records()
		b.visit(func(s *session.Session) {
			if got := s.Flashes(); len(got) != 0 {
				t.Errorf("%.20q is %q", stored, got)
			}
		}).want(200)
		s.wantEvents(session.EventUndecodable, 1)
		if e := s.events.of(session.EventUndecodable); len(e) == 1 && (e[0].Key != "flash" || e[0].ID == "" || e[0].Err == nil) {
			t.Errorf("the event is %+v", e[0])
		}
		if after := s.store.records(); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%.20q: a read changed the record", stored)
		}
		b.visit(func(s *session.Session) { s.Flash("info", "new") }).want(200)
		b.visit(func(s *session.Session) {
			if got := s.Flashes(); !slices.Equal(got, []session.Flash{{Kind: "info", Text: "new"}}) {
				t.Errorf("%.20q: afterwards %q", stored, got)
			}
		}).want(200)
		b.sees("", "tea")
	}
}

// envelope is a payload with the given keys, which must ascend, and their values.
func envelope(keysAndValues ...string) []byte {
	b := binary.AppendUvarint([]byte("\x01\x04json"), uint64(len(keysAndValues)/2))
	var raw []byte
	for i := 0; i < len(keysAndValues); i += 2 {
		key, value := keysAndValues[i], keysAndValues[i+1]
		b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		b = binary.AppendUvarint(b, uint64(len(value)))
		raw = append(raw, value...)
	}
	return append(b, raw...)
}

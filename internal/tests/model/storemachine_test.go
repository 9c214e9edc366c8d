package model_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// A storeMachine takes steps in a store, by one process or the other, and in a
// plain map.
type storeMachine struct {
	place
	processes []session.Store
	ids       []session.ID
	model     map[session.ID]session.Record
}

func newStoreMachine(t *rapid.T, p place) *storeMachine {
	m := &storeMachine{place: p, model: map[session.ID]session.Record{}}
	for range 2 {
		m.processes = append(m.processes, p.process(t, cacheddb.Options{}))
	}
	for range 5 {
		m.ids = append(m.ids, storetest.NewID())
	}
	return m
}

// actions are the steps, by name.
func (m *storeMachine) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"":       m.check,
		"create": m.create, "create again": m.create, "update": m.update, "update again": m.update,
		"touch": m.touch, "delete": m.remove, "load": m.load, "list": m.list, "purge": m.purge,
	}
	if m.cache != nil {
		a["evict"] = func(t *rapid.T) { _ = m.cache.Remove(t.Context(), m.id(t)) }
	}
	return a
}

func (m *storeMachine) id(t *rapid.T) session.ID {
	return m.ids[rapid.IntRange(0, len(m.ids)-1).Draw(t, "id")]
}

func (m *storeMachine) store(t *rapid.T) session.Store {
	return m.processes[rapid.IntRange(0, 1).Draw(t, "process")]
}

// moment is a time to the microsecond around the epoch.
func moment(t *rapid.T, what string) time.Time {
	return epoch.Add(time.Duration(rapid.Int64Range(-3, 3).Draw(t, what))*time.Minute +
		time.Duration(rapid.Int64Range(-1, 1).Draw(t, "and"))*time.Microsecond)
}

// principals are such that a careless comparison would take one for another.
var principals = []string{"", "Bob", "bob", "bob ", "böb", "100%_\\'\";--"}

func drawRecord(t *rapid.T, version uint64) session.Record {
	r := session.Record{
		Version:     version,
		Principal:   rapid.SampledFrom(principals).Draw(t, "principal"),
		Created:     moment(t, "created"),
		LastSeen:    moment(t, "last seen"),
		Expires:     moment(t, "expires"),
		LifetimeEnd: moment(t, "lifetime"),
		IdleTimeout: time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "idle")) * time.Microsecond,
		Persistent:  rapid.Bool().Draw(t, "persistent"),
		Device:      session.Device{Address: "2001:db8::1", UserAgent: rapid.SampledFrom([]string{"", "Mozilla/5.0 (ünï) 'x' \\"}).Draw(t, "agent")},
		Payload:     rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload"),
	}
	if r.Principal != "" {
		r.Authenticated = moment(t, "authenticated")
	}
	copy(r.Mark[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "mark"))
	return r
}

func (m *storeMachine) create(t *rapid.T) {
	id, r := m.id(t), drawRecord(t, 1)
	_, exists := m.model[id]
	want := session.ErrExists
	if !exists {
		m.model[id], want = r, nil
	}
	wantErr(t, "create", m.store(t).Create(t.Context(), id, r), want)
}

func (m *storeMachine) update(t *rapid.T) {
	id := m.id(t)
	old, exists := m.model[id]
	v := m.version(t, id)
	r := drawRecord(t, v+uint64(rapid.IntRange(1, 3).Draw(t, "more")))
	if r.Principal = old.Principal; r.Principal == "" || rapid.IntRange(0, 4).Draw(t, "move") == 0 {
		r.Principal, r.Payload, r.MovedTo = "", nil, storetest.NewID()
	}
	var want error
	switch {
	case !exists:
		want = session.ErrNotFound
	case v != old.Version:
		want = session.ErrConflict
	default:
		next := r
		next.LastSeen = later(old.LastSeen, r.LastSeen)
		m.model[id] = next
	}
	wantErr(t, "update", m.store(t).Update(t.Context(), id, r, v), want)
}

// version is that of the record, or another one.
func (m *storeMachine) version(t *rapid.T, id session.ID) uint64 {
	v := m.model[id].Version
	if rapid.IntRange(0, 3).Draw(t, "other version") == 0 {
		v = uint64(rapid.IntRange(1, 5).Draw(t, "version"))
	}
	return max(v, 1)
}

func (m *storeMachine) touch(t *rapid.T) {
	id := m.id(t)
	v, seen, expires := m.version(t, id), moment(t, "seen"), moment(t, "expires")
	if r, exists := m.model[id]; exists && r.Version == v {
		r.LastSeen, r.Expires = later(r.LastSeen, seen), later(r.Expires, expires)
		m.model[id] = r
	}
	wantErr(t, "touch", m.store(t).Touch(t.Context(), id, seen, expires, v), nil)
}

func (m *storeMachine) remove(t *rapid.T) {
	id := m.id(t)
	v := m.version(t, id)
	var want error
	if r, exists := m.model[id]; exists && r.Version != v {
		want = session.ErrConflict
	} else {
		delete(m.model, id)
	}
	wantErr(t, "delete", m.store(t).Delete(t.Context(), id, v), want)
}

func (m *storeMachine) load(t *rapid.T) {
	id, s := m.id(t), m.store(t)
	load := s.Load
	if f, can := s.(session.FreshLoader); can && rapid.Bool().Draw(t, "fresh") {
		load = f.LoadFresh
	}
	got, err := load(t.Context(), id)
	want, exists := m.model[id]
	if !exists {
		wantErr(t, "load", err, session.ErrNotFound)
		return
	}
	wantErr(t, "load", err, nil)
	// Under cached_db an entry may know of an older use than the database:
	// see cacheddb.Store.Update.
	if m.cache != nil && got.LastSeen.Before(want.LastSeen) {
		got.LastSeen = want.LastSeen
	}
	wantRecord(t, "loaded", got, want)
}

func (m *storeMachine) list(t *rapid.T) {
	principal, limit := rapid.SampledFrom(principals).Draw(t, "principal"), rapid.IntRange(1, 4).Draw(t, "limit")
	var want []session.Stored
	for id, r := range m.model {
		if principal != "" && r.Principal == principal {
			r.Payload = nil
			want = append(want, session.Stored{ID: id, Record: r})
		}
	}
	slices.SortFunc(want, func(a, b session.Stored) int {
		if c := b.Record.Created.Compare(a.Record.Created); c != 0 {
			return c
		}
		return strings.Compare(string(b.ID), string(a.ID))
	})
	got := pages(t, func(after string) ([]session.Stored, string, error) {
		return m.store(t).(session.Lister).List(t.Context(), principal, after, limit)
	})
	if len(got) != len(want) {
		t.Fatalf("%d records of %q are listed, want %d", len(got), principal, len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID {
			t.Fatalf("record %d of %q is %s, want %s", i, principal, got[i].ID, want[i].ID)
		}
		wantRecord(t, "listed", got[i].Record, want[i].Record)
	}
}

func (m *storeMachine) purge(t *rapid.T) {
	before, limit := moment(t, "before").Add(-3*time.Minute), rapid.IntRange(0, 4).Draw(t, "limit")
	due := 0
	for _, r := range m.model {
		if r.Expires.Before(before) {
			due++
		}
	}
	s := m.store(t)
	n, err := s.(session.Purger).Purge(t.Context(), before, limit)
	wantErr(t, "purge", err, nil)
	if n != min(due, limit) {
		t.Fatalf("purged %d of %d that are due, with a limit of %d", n, due, limit)
	}
	for id, r := range m.model { // which ones is the store's choice
		if !r.Expires.Before(before) {
			continue
		}
		if _, err := m.truth.Load(t.Context(), id); errors.Is(err, session.ErrNotFound) {
			delete(m.model, id)
			n--
			if m.cache != nil { // its entry looks expired to an engine, whose clock is right
				_ = m.cache.Remove(t.Context(), id)
			}
		}
	}
	if n != 0 {
		t.Fatalf("a purge deleted %d records less than it says, or others", n)
	}
}

// check compares all that is stored.
func (m *storeMachine) check(t *rapid.T) {
	got := pages(t, func(after string) ([]session.Stored, string, error) {
		return m.truth.(session.Scanner).Scan(t.Context(), after, 100)
	})
	if len(got) != len(m.model) {
		t.Fatalf("%d records are stored, want %d", len(got), len(m.model))
	}
	for _, s := range got {
		want, exists := m.model[s.ID]
		if !exists {
			t.Fatalf("%s is stored, and should not be", s.ID)
		}
		wantRecord(t, "stored", s.Record, want)
	}
}

func pages(t rapid.TB, read func(after string) ([]session.Stored, string, error)) (all []session.Stored) {
	for after := ""; ; {
		page, next, err := read(after)
		if err != nil {
			t.Fatalf("reading a page: %v", err)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		after = next
	}
}

func wantErr(t rapid.TB, what string, got, want error) {
	if !errors.Is(got, want) || want == nil && got != nil {
		t.Fatalf("%s: error %v, want %v", what, got, want)
	}
}

// wantRecord compares two records in everything.
func wantRecord(t rapid.TB, what string, got, want session.Record) {
	payload := bytes.Equal(got.Payload, want.Payload)
	got.Payload, want.Payload = nil, nil
	for _, r := range []*session.Record{&got, &want} {
		for _, at := range []*time.Time{&r.Created, &r.Authenticated, &r.LastSeen, &r.Expires, &r.LifetimeEnd} {
			*at = at.UTC()
		}
	}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w || !payload {
		t.Fatalf("%s:\n %s\nwant\n %s\nthe payload is the same: %v", what, g, w, payload)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// machines runs a machine so many times, each of about so many steps. A failure
// is made smaller for that long.
func machines(t rapid.TB, checks, steps int, shrink time.Duration, run func(*rapid.T)) {
	_ = flag.Set("rapid.checks", fmt.Sprint(checks*times))
	_ = flag.Set("rapid.steps", fmt.Sprint(steps))
	_ = flag.Set("rapid.shrinktime", shrink.String())
	rapid.Check(t, run)
}

const shrinkTime = 20 * time.Second

func TestStoresDoAsAPlainMapWould(t *testing.T) {
	leaksNothing(t)
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			open := e.open(t)
			machines(t, max(100/e.slow, 1), 50, shrinkTime, func(t *rapid.T) { t.Repeat(newStoreMachine(t, open()).actions()) })
		})
	}
}

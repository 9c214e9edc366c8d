package model_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// A cacheMachine takes steps in a cache and in a plain map. Nothing is evicted:
// it is small.
type cacheMachine struct {
	cache  cacheddb.Cache
	ids    []session.ID
	model  map[session.ID]held
	leases []session.Lease
	reads  []session.Cached // entries that were there at some time
}

// held is what there is under an ID: a lease, or an entry.
type held struct {
	leased bool
	lease  session.Lease
	entry  session.Cached
}

func newCacheMachine(c cacheddb.Cache) *cacheMachine {
	m := &cacheMachine{cache: c, model: map[session.ID]held{}, leases: []session.Lease{{1}, {2}, {3}}}
	for range 3 {
		m.ids = append(m.ids, storetest.NewID())
	}
	return m
}

func (m *cacheMachine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":      m.check,
		"lease": m.lease, "lease again": m.lease, "fill": m.fill, "fill again": m.fill,
		"replace": m.replace, "raise": m.raise, "refresh": m.refresh, "remove": m.remove,
	}
}

func (m *cacheMachine) id(t *rapid.T) session.ID { return rapid.SampledFrom(m.ids).Draw(t, "id") }

func (m *cacheMachine) entry(t *rapid.T) session.Cached {
	return session.Cached{Record: drawRecord(t, uint64(rapid.IntRange(1, 4).Draw(t, "version"))), Checked: moment(t, "checked")}
}

// put has the model hold an entry.
func (m *cacheMachine) put(id session.ID, e session.Cached) {
	m.model[id] = held{entry: e}
	m.reads = append(m.reads, e)
}

func (m *cacheMachine) lease(t *rapid.T) {
	id, l := m.id(t), rapid.SampledFrom(m.leases).Draw(t, "lease")
	placed, err := m.cache.AddLease(t.Context(), id, l, time.Hour)
	wantErr(t, "lease", err, nil)
	if _, there := m.model[id]; placed == there {
		t.Fatalf("a lease was placed: %v, where something was: %v", placed, there)
	} else if !there {
		m.model[id] = held{leased: true, lease: l}
	}
}

func (m *cacheMachine) fill(t *rapid.T) {
	id, l, e := m.id(t), rapid.SampledFrom(m.leases).Draw(t, "lease"), m.entry(t)
	wantErr(t, "fill", m.cache.Fill(t.Context(), id, l, e), nil)
	if h := m.model[id]; h.leased && h.lease == l {
		m.put(id, e)
	}
}

func (m *cacheMachine) replace(t *rapid.T) {
	id, e := m.id(t), m.entry(t)
	wantErr(t, "replace", m.cache.Replace(t.Context(), id, e), nil)
	switch h, there := m.model[id]; {
	case h.leased:
		delete(m.model, id)
	case there && h.entry.Record.Version < e.Record.Version:
		m.put(id, e)
	}
}

func (m *cacheMachine) raise(t *rapid.T) {
	id, v, seen, expires := m.id(t), uint64(rapid.IntRange(1, 4).Draw(t, "version")), moment(t, "seen"), moment(t, "expires")
	wantErr(t, "raise", m.cache.RaiseTimes(t.Context(), id, seen, expires, v), nil)
	switch h, there := m.model[id]; {
	case h.leased:
		delete(m.model, id)
	case there && h.entry.Record.Version == v:
		h.entry.Record.LastSeen = later(h.entry.Record.LastSeen, seen)
		h.entry.Record.Expires = later(h.entry.Record.Expires, expires)
		m.put(id, h.entry)
	}
}

func (m *cacheMachine) refresh(t *rapid.T) {
	id, e := m.id(t), m.entry(t)
	h, there := m.model[id]
	read := h.entry
	if len(m.reads) > 0 && (!there || h.leased || rapid.Bool().Draw(t, "another entry")) {
		read = rapid.SampledFrom(m.reads).Draw(t, "read")
	}
	wantErr(t, "refresh", m.cache.Refresh(t.Context(), id, read, e), nil)
	now := h.entry.Record
	if there && !h.leased && now.Version == read.Record.Version && now.Mark == read.Record.Mark &&
		h.entry.Checked.Equal(read.Checked) && now.LastSeen.Equal(read.Record.LastSeen) && now.Expires.Equal(read.Record.Expires) {
		m.put(id, e)
	}
}

func (m *cacheMachine) remove(t *rapid.T) {
	id := m.id(t)
	wantErr(t, "remove", m.cache.Remove(t.Context(), id), nil)
	delete(m.model, id)
}

func (m *cacheMachine) check(t *rapid.T) {
	for _, id := range m.ids {
		got, err := m.cache.Get(t.Context(), id)
		h, there := m.model[id]
		if !there || h.leased {
			wantErr(t, "get", err, session.ErrNotFound)
			continue
		}
		wantErr(t, "get", err, nil)
		wantRecord(t, "cached", got.Record, h.entry.Record)
		if !got.Checked.Equal(h.entry.Checked) {
			t.Fatalf("checked at %v, want %v", got.Checked, h.entry.Checked)
		}
	}
}

func TestCachesDoAsAPlainMapWould(t *testing.T) {
	leaksNothing(t)
	kinds := map[string]kind{"memory": memoryKind}
	if servers.Wanted() {
		kinds["Redis"] = redisKind
	}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			open := k(t)
			checks := map[string]int{"memory": 100, "Redis": 12}[name]
			machines(t, checks, 50, shrinkTime, func(t *rapid.T) {
				t.Repeat(newCacheMachine(open().(cacheddb.Cache)).actions())
			})
		})
	}
}

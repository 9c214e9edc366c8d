package cacheddb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// watcher observes calls and loads too. Its calls are in the order in which they end.
type watcher struct {
	heard
	said    []string
	invalid error
}

func (w *watcher) say(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, what)
}

func (w *watcher) Validate() error { return w.invalid }

func (w *watcher) CacheLoad(_ context.Context, r session.CacheResult) { w.say(string(r)) }

func (w *watcher) BeginCall(ctx context.Context, c session.Call) (context.Context, func(error)) {
	return ctx, func(err error) {
		what := string(c.Tier) + " " + c.Op
		if c.Size > 0 {
			what += " of bytes"
		}
		if failed := err != nil && !errors.Is(err, session.ErrNotFound); failed {
			what += ": " + err.Error()
		}
		w.say(what)
	}
}

func TestAnObserverIsToldOfTheCallsOfBothTiersAndHowLoadsCameOut(t *testing.T) {
	bubble(t, cacheddb.Options{}, func(f *fixture) {
		w := &watcher{}
		s := cacheddb.New(f.cache, f.truth, cacheddb.Options{Events: w, BreakerFailures: 1})
		wants := func(want string) {
			f.Helper()
			w.mu.Lock()
			defer w.mu.Unlock()
			if got := strings.Join(w.said, ", "); got != want {
				f.Errorf("it was told %q, want %q", got, want)
			}
			w.said = nil
		}
		id, rec := storetest.NewID(), storetest.NewRecord("bob")
		load := func() {
			f.Helper()
			_, err := s.Load(f.Context(), id)
			f.ok("Load", err)
		}
		f.ok("Create", s.Create(f.Context(), id, rec))
		wants("database create of bytes")
		load()
		wants("cache get, miss, cache lease, database load, cache fill of bytes")
		load()
		wants("cache get, hit")
		f.ok("Update", s.Update(f.Context(), id, next(rec), 1))
		wants("database update of bytes, cache replace of bytes")
		f.ok("Touch", s.Touch(f.Context(), id, rec.LastSeen, rec.Expires, 2))
		wants("database touch, cache touch")
		_, err := s.LoadFresh(f.Context(), id)
		f.ok("LoadFresh", err)
		wants("database load, cache replace of bytes")
		time.Sleep(2 * time.Minute)
		load()
		wants("cache get, recheck, database load, cache refresh of bytes")
		f.cache.fail()
		load()
		wants("cache get: connection refused, bypass, database load")
		load()
		wants("bypass, database load")
		f.cache.heal()
		time.Sleep(time.Minute)
		wants("cache remove") // tells the repair that it is back
		load()
		wants("cache get, recheck, database load, cache refresh of bytes")
		f.ok("Delete", s.Delete(f.Context(), id, 2))
		wants("database delete, cache remove")
		f.took("Get AddLease Fill Get Replace RaiseTimes Replace Get Refresh Get Remove Get Refresh Remove",
			"Create Load Update Touch Load Load Load Load Load Delete")
	})
}

func TestAnObservedStoreKeepsTheContract(t *testing.T) {
	w := &watcher{}
	storetest.Run(t, func(*testing.T) session.Store {
		return cacheddb.New(session.NewMemoryStore(session.MemoryOptions{}), session.NewMemoryStore(session.MemoryOptions{}), cacheddb.Options{Events: w})
	})
}

func TestAnObserverDoesNotGiveTheDatabasePowers(t *testing.T) {
	s := cacheddb.New(session.NewMemoryStore(session.MemoryOptions{}), struct{ session.Store }{}, cacheddb.Options{Events: &watcher{}})
	if _, _, err := s.List(t.Context(), "bob", "", 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("List: %v, want ErrUnsupported", err)
	}
	if err := cacheddb.New(nil, nil, cacheddb.Options{Events: &watcher{}}).Validate(); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("Validate without tiers: %v", err)
	}
	memory := session.NewMemoryStore(session.MemoryOptions{})
	if err := cacheddb.New(memory, memory, cacheddb.Options{Events: &watcher{invalid: errDown}}).Validate(); !errors.Is(err, errDown) {
		t.Errorf("Validate: %v", err)
	}
}

package cacheddb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// plain is a store without optional powers.
type plain struct{ session.Store }

// migrating is a store with the one that memory lacks.
type migrating struct {
	*session.MemoryStore
	migrated bool
}

func (m *migrating) Migrate(context.Context) error {
	m.migrated = true
	return nil
}

func powers(ctx context.Context, s *cacheddb.Store) map[string]error {
	_, _, list := s.List(ctx, "bob", "", 10)
	_, _, scan := s.Scan(ctx, "", 10)
	_, purge := s.Purge(ctx, time.Now(), 10)
	return map[string]error{"List": list, "Scan": scan, "Purge": purge, "Ping": s.Ping(ctx), "Migrate": s.Migrate(ctx)}
}

func TestPowersAreTheDatabases(t *testing.T) {
	truth := &migrating{MemoryStore: session.NewMemoryStore(session.MemoryOptions{})}
	cache := session.NewMemoryStore(session.MemoryOptions{})
	s := cacheddb.New(cache, truth, cacheddb.Options{})
	id := storetest.NewID()
	if err := s.Create(t.Context(), id, storetest.NewRecord("bob")); err != nil {
		t.Fatal(err)
	}
	for power, err := range powers(t.Context(), s) {
		if err != nil {
			t.Errorf("%s: %v", power, err)
		}
	}
	if page, _, err := s.List(t.Context(), "bob", "", 10); err != nil || len(page) != 1 || page[0].ID != id {
		t.Errorf("List: %v, %v", page, err)
	}
	if page, _, err := s.Scan(t.Context(), "", 10); err != nil || len(page) != 1 || page[0].ID != id {
		t.Errorf("Scan: %v, %v", page, err)
	}
	if n, err := s.Purge(t.Context(), time.Now().Add(48*time.Hour), 10); err != nil || n != 1 {
		t.Errorf("Purge: %d, %v", n, err)
	}
	if !truth.migrated {
		t.Error("Migrate did not reach the database")
	}
}

func TestPowersThatTheDatabaseLacksAreUnsupported(t *testing.T) {
	memory := session.NewMemoryStore(session.MemoryOptions{})
	s := cacheddb.New(memory, plain{memory}, cacheddb.Options{})
	for power, err := range powers(t.Context(), s) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want errors.ErrUnsupported", power, err)
		}
	}
}

func TestPurgesAreNeedlessWhereTheDatabaseSaysSo(t *testing.T) {
	memory := session.NewMemoryStore(session.MemoryOptions{})
	for truth, want := range map[session.Store]bool{memory: true, plain{memory}: false} {
		if got := cacheddb.New(memory, truth, cacheddb.Options{}).PurgesItself(); got != want {
			t.Errorf("over %T: %v, want %v", truth, got, want)
		}
	}
}

func TestAnObserverHidesNoPowerOfTheDatabase(t *testing.T) {
	memory := session.NewMemoryStore(session.MemoryOptions{})
	s := cacheddb.New(memory, memory, cacheddb.Options{Events: &watcher{}})
	if !s.Lists() || !s.PurgesItself() {
		t.Errorf("Lists: %v, PurgesItself: %v", s.Lists(), s.PurgesItself())
	}
	if _, err := session.New(session.Options{Store: s, MaxSessions: 1}); err != nil {
		t.Error(err)
	}
}

func TestPurgedSessionIsNotServedFromTheCache(t *testing.T) {
	bubble(t, cacheddb.Options{RecheckAge: 24 * time.Hour}, func(f *fixture) {
		id, _ := f.warm()
		time.Sleep(time.Hour + time.Minute)
		if n, err := f.truth.Store.(session.Purger).Purge(f.Context(), time.Now(), 10); err != nil || n != 1 {
			f.Fatalf("Purge: %d, %v", n, err)
		}
		f.lacks(id)
		f.took("Get Remove", "Load")
	})
}

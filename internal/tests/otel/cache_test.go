package otel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

func TestTheCacheIsSeenToHitMissFailAndRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSDK(t)
		cache := newFaulty()
		store := cacheddb.New(cache, session.NewMemoryStore(session.MemoryOptions{}), cacheddb.Options{Events: s.events, BreakerFailures: 2})
		defer func() { _ = store.Close(context.Background()) }()
		id, rec := storetest.NewID(), storetest.NewRecord("alice")
		if err := store.Create(t.Context(), id, rec); err != nil {
			t.Fatal(err)
		}
		before := s.series()
		if open, there := before["seshat.cache.open_breakers"]; !there || open != 0 {
			t.Errorf("%d breakers are open, %v", open, there)
		}
		wants := func(step, want string) {
			t.Helper()
			if got := s.grew(before, "seshat.tier.call.duration"); got != want {
				t.Errorf("%s: recorded\n%s\nwant\n%s", step, got, want)
			}
			before = s.series()
		}
		load := func() {
			t.Helper()
			if _, err := store.Load(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		load()
		wants("cold", "seshat.cache.loads{seshat.cache.result=miss} +1")
		load()
		load()
		wants("warm", "seshat.cache.loads{seshat.cache.result=hit} +2")
		time.Sleep(2 * time.Minute) // in the bubble: longer than RecheckAge
		load()
		wants("old", "seshat.cache.loads{seshat.cache.result=recheck} +1")

		cache.fail("get", errDown)
		cache.fail("remove", errDown)
		load()
		wants("failing", "seshat.cache.errors{seshat.operation=load} +1\nseshat.cache.loads{seshat.cache.result=bypass} +1")
		load()
		wants("failing again", "seshat.cache.errors{seshat.operation=load} +1\nseshat.cache.loads{seshat.cache.result=bypass} +1\nseshat.cache.open_breakers +1")
		load()
		wants("left alone", "seshat.cache.loads{seshat.cache.result=bypass} +1")
		_ = store.Delete(t.Context(), id, rec.Version)
		wants("an ending it misses", "seshat.cache.pending_removals{seshat.operation=delete} +1")

		cache.fail("get", nil)
		cache.fail("remove", nil)
		time.Sleep(time.Minute) // in the bubble: longer than any cool-down
		synctest.Wait()
		wants("back", "seshat.cache.open_breakers -1")
	})
}

package cacheddb_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// Two processes change, read and end sessions at once while the cache loses
// entries. Package core/cacheddb runs every order over a model of the tiers;
// this runs some over real ones.
func TestProcessesSeeEachOthersWritesAndDeletes(t *testing.T) {
	const sessions, writes = 4, 12
	each(t, func(t *testing.T, open func() cacheddb.Cache, db database) {
		g, _ := db.open(t)
		cache, truth := open(), store(t, g)
		processes := []*cacheddb.Store{
			process(t, cache, truth, patient()),
			process(t, cache, truth, patient()),
		}
		for range sessions {
			id, rec := storetest.NewID(), storetest.NewRecord("bob")
			must(t, processes[0].Create(t.Context(), id, rec))
			var answered atomic.Uint64
			var ended, done atomic.Bool
			var writers, others sync.WaitGroup
			for i, p := range processes {
				writers.Go(func() {
					for n := 0; n < writes; {
						now, err := p.LoadFresh(t.Context(), id)
						if err == nil {
							err = p.Update(t.Context(), id, next(now), now.Version)
						}
						if errors.Is(err, session.ErrConflict) {
							continue
						}
						if err != nil {
							t.Errorf("update: %v", err)
							return
						}
						n++
						for v := now.Version + 1; ; {
							if was := answered.Load(); was >= v || answered.CompareAndSwap(was, v) {
								break
							}
						}
					}
				})
				others.Go(func() {
					for !done.Load() {
						least, dead := answered.Load(), ended.Load()
						got, err := p.Load(t.Context(), id)
						switch {
						case err == nil && dead:
							t.Errorf("process %d found version %d of a session that had ended", i, got.Version)
							return
						case err == nil && got.Version < least:
							t.Errorf("process %d found version %d, %d had been answered", i, got.Version, least)
							return
						case err != nil && !errors.Is(err, session.ErrNotFound):
							t.Errorf("load: %v", err)
							return
						}
					}
				})
			}
			others.Go(func() {
				for !done.Load() {
					if err := cache.Remove(t.Context(), id); err != nil {
						t.Errorf("evict: %v", err)
						return
					}
				}
			})
			writers.Wait()
			must(t, processes[0].Delete(t.Context(), id, 1+2*writes))
			ended.Store(true)
			for _, p := range processes {
				if _, err := p.Load(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("after the delete: %v", err)
				}
			}
			done.Store(true)
			others.Wait()
		}
	})
}

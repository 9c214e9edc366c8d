package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// recorder is a hook that notes the names of the commands that a client is
// asked to send.
type recorder struct {
	mu    sync.Mutex
	names []string
}

func (r *recorder) note(cmds ...redis.Cmder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cmds {
		r.names = append(r.names, c.Name())
	}
}

// take returns what was noted since the last time.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = nil
	return names
}

func (r *recorder) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.note(cmd)
		return next(ctx, cmd)
	}
}

func (r *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		r.note(cmds...)
		return next(ctx, cmds)
	}
}

// warm does everything once, so that the connections stand and the servers know
// the scripts.
func warm(t *testing.T, s *redisstore.Store) {
	t.Helper()
	for i := range 20 { // on a cluster, some for each node
		for _, principal := range []string{"", fmt.Sprint("warm", i)} {
			id, rec := storetest.NewID(), storetest.NewRecord(principal)
			must(t, s.Create(t.Context(), id, rec))
			must(t, s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1))
			must(t, s.Update(t.Context(), id, next(rec), 1))
			must(t, s.Delete(t.Context(), id, 2))
			warmCache(t, s, id, session.Cached{Record: rec, Checked: rec.Created})
		}
	}
}

func warmCache(t *testing.T, s *redisstore.Store, id session.ID, entry session.Cached) {
	t.Helper()
	lease := session.Lease{1}
	_, err := s.AddLease(t.Context(), id, lease, time.Minute)
	must(t, err)
	must(t, s.Fill(t.Context(), id, lease, entry))
	must(t, s.Replace(t.Context(), id, entry))
	must(t, s.RaiseTimes(t.Context(), id, entry.Record.LastSeen, entry.Record.Expires, 1))
	must(t, s.Refresh(t.Context(), id, entry, entry))
	must(t, s.Remove(t.Context(), id))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next returns what a data write makes of rec.
func next(rec session.Record) session.Record {
	rec.Version++
	rec.Mark[0]++
	return rec
}

func moved(rec session.Record) session.Record {
	to := storetest.NewID()
	return session.Record{
		Version: rec.Version + 1, MovedTo: to, Created: rec.Created,
		LastSeen: rec.LastSeen, Expires: rec.LastSeen.Add(time.Minute), LifetimeEnd: rec.LastSeen.Add(time.Minute),
	}
}

func TestEachStepIsACertainNumberOfCommands(t *testing.T) {
	get, script, scripts := []string{"get"}, []string{"evalsha"}, []string{"evalsha", "evalsha"}
	for name, rdb := range map[string]redis.UniversalClient{"one server": single(t), "cluster": cluster(t)} {
		_, isCluster := rdb.(*redis.ClusterClient)
		login := script
		if isCluster {
			login = scripts
		}
		sent := &recorder{}
		rdb.AddHook(sent)
		s := open(t, rdb)
		warm(t, s)
		ctx := t.Context()
		step := func(what string, want []string, f func() error) {
			t.Run(name+"/"+what, func(t *testing.T) {
				sent.take()
				must(t, f())
				if got := sent.take(); !slices.Equal(got, want) {
					t.Errorf("sent %v, want %v", got, want)
				}
			})
		}
		for _, who := range []struct {
			name, principal     string
			create, touch, gone []string
		}{
			{"anonymous", "", script, script, script},
			{"with principal", "bob", login, scripts, scripts},
		} {
			id, rec := storetest.NewID(), storetest.NewRecord(who.principal)
			step(who.name+" create", who.create, func() error { return s.Create(ctx, id, rec) })
			step(who.name+" load", get, func() error { _, err := s.Load(ctx, id); return err })
			step(who.name+" touch", who.touch, func() error {
				return s.Touch(ctx, id, rec.LastSeen.Add(time.Minute), rec.Expires.Add(time.Minute), 1)
			})
			rec2 := next(rec)
			rec2.Expires = rec.Expires.Add(time.Hour)
			step(who.name+" update", script, func() error { return s.Update(ctx, id, rec2, 1) })
			step(who.name+" delete", who.gone, func() error { return s.Delete(ctx, id, 2) })

			must(t, s.Create(ctx, id, rec))
			step(who.name+" update to a moved mark", who.gone, func() error { return s.Update(ctx, id, moved(rec), 1) })
			step(who.name+" delete of a moved mark", script, func() error { return s.Delete(ctx, id, 2) })
			must(t, s.Create(ctx, id, rec))
			longer := next(rec)
			longer.LifetimeEnd = rec.LifetimeEnd.Add(time.Hour)
			step(who.name+" update to a longer lifetime", who.gone, func() error { return s.Update(ctx, id, longer, 1) })
		}

		id, entry, lease := storetest.NewID(), session.Cached{Record: storetest.NewRecord("bob")}, session.Lease{1}
		step("lease", []string{"set"}, func() error { _, err := s.AddLease(ctx, id, lease, time.Minute); return err })
		step("fill", script, func() error { return s.Fill(ctx, id, lease, entry) })
		step("cache get", get, func() error { _, err := s.Get(ctx, id); return err })
		step("raise times", script, func() error { return s.RaiseTimes(ctx, id, entry.Record.LastSeen, entry.Record.Expires, 1) })
		step("refresh", script, func() error { return s.Refresh(ctx, id, entry, entry) })
		step("replace", script, func() error { return s.Replace(ctx, id, entry) })
		step("remove", []string{"del"}, func() error { return s.Remove(ctx, id) })

		ended, cancel := context.WithCancel(ctx)
		cancel()
		step("anything in a context that has ended", nil, func() error {
			if _, err := s.Load(ended, id); err == nil {
				t.Error("no error")
			}
			if s.Create(ended, id, entry.Record) == nil || s.Remove(ended, id) == nil {
				t.Error("no error")
			}
			return nil
		})
	}
}

func TestScriptsComeBackAfterAFlush(t *testing.T) {
	for name, rdb := range map[string]redis.UniversalClient{"one server": single(t), "cluster": cluster(t)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, rdb)
			id, rec := storetest.NewID(), storetest.NewRecord("bob")
			entry := session.Cached{Record: rec, Checked: rec.Created}
			for _, step := range []func() error{
				func() error { return s.Create(t.Context(), id, rec) },
				func() error { return s.Touch(t.Context(), id, rec.LastSeen, rec.Expires, 1) },
				func() error { return s.Update(t.Context(), id, next(rec), 1) },
				func() error { warmCache(t, s, id, entry); return nil },
				func() error { return s.Delete(t.Context(), id, 2) },
			} {
				flushScripts(t, rdb)
				must(t, step())
			}
		})
	}
}

func flushScripts(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	if c, ok := rdb.(*redis.ClusterClient); ok {
		must(t, c.ForEachMaster(t.Context(), func(ctx context.Context, m *redis.Client) error { return m.ScriptFlush(ctx).Err() }))
		return
	}
	must(t, rdb.ScriptFlush(t.Context()).Err())
}

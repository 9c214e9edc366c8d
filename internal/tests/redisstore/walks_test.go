package redisstore_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/redisstore"
)

// noPipelines is a hook that loses the answers of pipelines.
type noPipelines struct{}

func (noPipelines) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (noPipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (noPipelines) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		for _, c := range cmds {
			c.SetErr(errLost)
		}
		return errLost
	}
}

var errLost = errors.New("the connection was cut")

func TestARecordWhoseAnswerIsLostIsNotSaidToBeGone(t *testing.T) {
	rdb, p := connect(t, &redis.Options{Addr: servers.Redis(t).Addr}), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	rec := storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), storetest.NewID(), rec))
	rdb.AddHook(noPipelines{})
	_, _, list := s.List(t.Context(), "bob", "", 10)
	_, _, scan := s.Scan(t.Context(), "", 10)
	_, purge := s.Purge(t.Context(), rec.Expires.Add(time.Hour), 10)
	for what, err := range map[string]error{"list": list, "scan": scan, "purge": purge} {
		if !errors.Is(err, errLost) {
			t.Errorf("%s: got %v, want %v", what, err, errLost)
		}
	}
}

// nodesOf returns a Cluster client of nodes that need not know that they are
// some. The order of the nodes is that in which the client is told of them.
func nodesOf(t *testing.T, addrs []string, order ...int) *redis.ClusterClient {
	c := redis.NewClusterClient(&redis.ClusterOptions{ClusterSlots: func(context.Context) (slots []redis.ClusterSlot, err error) {
		for _, i := range order {
			size := 16384 / len(addrs)
			slots = append(slots, redis.ClusterSlot{Start: i * size, End: (i+1)*size - 1, Nodes: []redis.ClusterNode{{Addr: addrs[i]}}})
		}
		return slots, nil
	}})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAPingAsksEveryMaster(t *testing.T) {
	a, b := servers.Redis(t), servers.Redis(t)
	s := open(t, nodesOf(t, []string{a.Addr, b.Addr}, 0, 1))
	must(t, s.Ping(t.Context()))
	b.Kill(t)
	if s.Ping(t.Context()) == nil {
		t.Error("half of the cluster is down, and a ping does not tell")
	}
}

func TestAWalkOverAClusterMayGoOnInAnotherProcess(t *testing.T) {
	addrs := []string{servers.Redis(t).Addr, servers.Redis(t).Addr}
	o := redisstore.Options{Prefix: prefix()}
	processes := []*redisstore.Store{openWith(t, nodesOf(t, addrs, 0, 1), o), openWith(t, nodesOf(t, addrs, 1, 0), o)}
	want := map[session.ID]bool{}
	for range 40 {
		id := storetest.NewID()
		must(t, processes[0].Create(t.Context(), id, storetest.NewRecord("")))
		want[id] = true
	}
	for range 20 {
		found, after := map[session.ID]bool{}, ""
		for turn := 0; turn == 0 || after != ""; turn++ {
			page, next, err := processes[turn%2].Scan(t.Context(), after, 4)
			must(t, err)
			for _, r := range page {
				found[r.ID] = true
			}
			after = next
		}
		if len(found) != len(want) {
			t.Fatalf("%d of %d records were found", len(found), len(want))
		}
	}
}

func TestPurgeSparesARecordThatIsTouchedAfterItWasFoundExpired(t *testing.T) {
	rdb, p := connect(t, &redis.Options{Addr: servers.Redis(t).Addr}), prefix()
	s := openWith(t, rdb, redisstore.Options{Prefix: p})
	id, rec := storetest.NewID(), storetest.NewRecord("bob")
	must(t, s.Create(t.Context(), id, rec))
	later := rec.Expires.Add(2 * time.Hour)

	other := connect(t, rdb.Options())
	touched := false
	hook := &beforeNth{f: func() { touched = s.Touch(t.Context(), id, rec.LastSeen, later, 1) == nil }}
	hook.left.Store(1)
	other.AddHook(hook)
	n, err := openWith(t, other, redisstore.Options{Prefix: p}).Purge(t.Context(), rec.Expires.Add(time.Hour), 10)
	if n != 0 || err != nil || !touched {
		t.Errorf("purged %d (%v, touched: %v), want none", n, err, touched)
	}
	if got, err := s.Load(t.Context(), id); err != nil || !got.Expires.Equal(later) {
		t.Errorf("got %v (%v), want the record that was touched", got.Expires, err)
	}
	if got := listed(t, s, "bob"); !slices.Equal(got, []session.ID{id}) {
		t.Errorf("listed %v", got)
	}
}

func TestPurgeOfAtMostNothingDeletesNothing(t *testing.T) {
	s := open(t, single(t))
	id, rec := storetest.NewID(), storetest.NewRecord("")
	must(t, s.Create(t.Context(), id, rec))
	for _, limit := range []int{0, -1, math.MinInt} {
		if n, err := s.Purge(t.Context(), rec.Expires.Add(time.Hour), limit); n != 0 || err != nil {
			t.Errorf("purged %d of at most %d (%v)", n, limit, err)
		}
	}
	_, err := s.Load(t.Context(), id)
	must(t, err)
}

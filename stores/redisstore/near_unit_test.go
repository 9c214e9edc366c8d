package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var nearID = nearKey{id: session.ID(strings.Repeat("A", idLen))}

// serving returns a near cache as it is once Redis has answered a ping.
func serving() *near {
	s := &Store{prefix: "s:", options: Options{Timeout: time.Minute}}
	s.near = newNear(s, NearOptions{Bytes: leastNear, MaxStale: time.Minute})
	s.near.until.Store(int64(time.Hour))
	s.near.untilWall.Store(time.Now().Add(time.Hour).UnixNano())
	return s.near
}

// fly has a load bring a record, and calls f before it lands.
func fly(t *testing.T, n *near, f func(*flight)) {
	t.Helper()
	l, first := n.board(nearID)
	if l == nil || !first {
		t.Fatal("there is no new flight")
	}
	l.value, l.err = session.Cached{Record: session.Record{Version: 1, Expires: time.Now().Add(time.Hour)}}, nil
	f(l)
	n.land(nearID, l)
}

// What else ends a generation happens at one moment; these are the moments just
// before and after it.
func TestNothingOutlivesItsGeneration(t *testing.T) {
	kept := func(n *near) bool { _, ok := n.hit(nearID); return ok }
	for name, c := range map[string]struct {
		do   func(t *testing.T, n *near)
		want bool
	}{
		"a value is served": {func(t *testing.T, n *near) { fly(t, n, func(*flight) {}) }, true},
		"but none of a former generation": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) {})
			n.generation.Add(1)
		}, false},
		"nor what began in one": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) { n.generation.Add(1) })
		}, false},
		"nor what was forgotten": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) {})
			n.forget(nearID)
		}, false},
		"nor what was on its way then": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) { n.forget(nearID) })
		}, false},
		"nor what was on its way when all was forgotten": {func(t *testing.T, n *near) {
			fly(t, n, func(f *flight) {
				n.forgetAll()
				f.generation = n.generation.Load()
			})
		}, false},
		"nor what is a minute old": {func(t *testing.T, n *near) {
			fly(t, n, func(f *flight) { f.began = f.began.Add(-nearAge - time.Second) })
		}, false},
		"nor anything once no ping was answered for too long": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) {})
			n.until.Store(int64(time.Since(n.base)) - 1)
		}, false},
		"nor while the machine slept": {func(t *testing.T, n *near) {
			fly(t, n, func(*flight) {})
			n.untilWall.Store(time.Now().UnixNano() - 1)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := serving()
			if c.do(t, n); kept(n) != c.want {
				t.Errorf("served: %v", !c.want)
			}
		})
	}
}

func TestALoadJoinsOneOfItsGenerationAndTimeOnly(t *testing.T) {
	n := serving()
	first, _ := n.board(nearID)
	if f, leads := n.board(nearID); f != first || leads {
		t.Error("a load does not join the one under way")
	}
	n.generation.Add(1)
	second, leads := n.board(nearID)
	if second == first || !leads {
		t.Error("a load joins one of a former generation")
	}
	second.began = second.began.Add(-2 * n.store.options.Timeout)
	if f, leads := n.board(nearID); f == second || !leads {
		t.Error("a load joins one whose time is over")
	}
	n.until.Store(never)
	if f, _ := n.board(nearID); f != nil {
		t.Error("a load joins another although nobody tells of changes")
	}
}

func TestForgettingAllBeginsAGeneration(t *testing.T) {
	n := serving()
	fly(t, n, func(*flight) {})
	before := n.generation.Load()
	n.forgetAll()
	if n.generation.Load() == before || n.kept.EstimatedSize() != 0 {
		t.Errorf("generation %d, %d entries", n.generation.Load(), n.kept.EstimatedSize())
	}
}

func TestOnlyKeysOfRecordsAndEntriesAreForgotten(t *testing.T) {
	n, id := serving(), string(nearID.id)
	for key, want := range map[string]nearKey{
		"s:" + id:        {id: nearID.id},
		"s:c:" + id:      {id: nearID.id, entry: true},
		"s:p:{Ym9i}":     {},
		"s:p:{Ym9i}:end": {},
		"s:c:c:" + id:    {},
		"t:" + id:        {},
		"s:" + id[1:]:    {},
		"s:":             {},
		"s:c:" + id[2:]:  {}, // as long as the key of a record
		"":               {},
	} {
		if k, ok := n.keyOf(key); ok != (want.id != "") || ok && k != want {
			t.Errorf("%q: %+v, %v", key, k, ok)
		}
	}
}

func TestAStreamIsOneConnection(t *testing.T) {
	st := &stream{near: serving(), connected: true}
	if err := st.connect(t.Context(), nil); err == nil {
		t.Error("go-redis may connect again unnoticed")
	}
}

// redisOf is a Redis whose answers come when the test says so.
type redisOf struct {
	asked  int
	answer chan error
	ended  error // what the context of the first command said when it was answered
}

func (r *redisOf) ask(ctx context.Context) (session.Cached, error) {
	r.asked++
	if r.asked > 1 {
		return session.Cached{Record: session.Record{Version: 2}}, nil
	}
	err := <-r.answer
	r.ended = ctx.Err()
	return session.Cached{Record: session.Record{Version: 1, Expires: time.Now().Add(time.Hour), Payload: []byte("payload")}}, err
}

// shared has a first load wait for Redis, and two that join it, the first of
// which leaves; then Redis answers.
func shared(t *testing.T, firstLeaves bool, answer error, check func(r *redisOf, first, other error, got session.Record)) {
	synctest.Test(t, func(t *testing.T) {
		n, r := serving(), &redisOf{answer: make(chan error)}
		type result struct {
			rec session.Record
			err error
		}
		load := func(ctx context.Context) chan result {
			c := make(chan result, 1)
			go func() {
				got, err := call(ctx, n.store, "load", func(ctx context.Context) (session.Cached, error) { return n.fetch(ctx, nearID, r.ask) })
				c <- result{got.Record, err}
			}()
			synctest.Wait()
			return c
		}
		leader, leaveFirst := context.WithCancel(t.Context())
		defer leaveFirst()
		leaver, leave := context.WithCancel(t.Context())
		first, left, other := load(leader), load(leaver), load(t.Context())
		leave()
		if err := (<-left).err; !errors.Is(err, context.Canceled) {
			t.Errorf("one who leaves gets %v", err)
		}
		if firstLeaves {
			leaveFirst()
			synctest.Wait()
		}
		r.answer <- answer
		synctest.Wait()
		one, another := <-first, <-other
		check(r, one.err, another.err, another.rec)
		clear(another.rec.Payload)
		if c, ok := n.hit(nearID); ok && string(c.Record.Payload) != "payload" {
			t.Errorf("what is kept was changed to %q", c.Record.Payload)
		}
	})
}

func TestLoadsShareACommandAndDoNotDependOnEachOther(t *testing.T) {
	shared(t, true, nil, func(r *redisOf, first, other error, got session.Record) {
		if !errors.Is(first, context.Canceled) || other != nil || got.Version != 1 || r.asked != 1 || r.ended != nil {
			t.Errorf("the first gets %v, another %v and version %d; asked %d times; the command was ended: %v", first, other, got.Version, r.asked, r.ended)
		}
	})
	shared(t, false, context.DeadlineExceeded, func(r *redisOf, first, other error, got session.Record) {
		if first == nil || other != nil || got.Version != 2 || r.asked != 2 {
			t.Errorf("no answer: the first gets %v, another %v and version %d; asked %d times", first, other, got.Version, r.asked)
		}
	})
	shared(t, false, session.ErrNotFound, func(r *redisOf, first, other error, _ session.Record) {
		if !errors.Is(first, session.ErrNotFound) || !errors.Is(other, session.ErrNotFound) || r.asked != 1 {
			t.Errorf("nothing there: the first gets %v, another %v; asked %d times", first, other, r.asked)
		}
	})
}

func TestALoadThatComesJustAfterAnotherNeedNotAsk(t *testing.T) {
	n := serving()
	fly(t, n, func(*flight) {})
	c, err := n.fetch(t.Context(), nearID, func(context.Context) (session.Cached, error) { return session.Cached{}, errors.New("asked") })
	if err != nil || c.Record.Version != 1 {
		t.Errorf("got version %d, %v", c.Record.Version, err)
	}
}

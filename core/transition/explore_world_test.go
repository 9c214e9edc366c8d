package transition_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

// The sessions that all of it is about: the first one, what a renewal makes of it,
// and one that is created meanwhile.
const (
	sid       = session.ID("RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRA")
	successor = session.ID("SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSA")
	another   = session.ID("CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA")
)

var ids = []session.ID{sid, successor, another}

const principal = "bob"

// A scenario is what the explorer explores.
type scenario struct {
	name   string
	actors []actor
	begins placement
	// How many copiers may die in one run, and how many of their calls may fail.
	deaths, faults int
	breaks         rule // that is left out, to see that it is noticed
}

// An actor is one operation in one process.
type actor struct {
	name   string
	copies bool
	do     func(context.Context, *world)
}

// placement is where the session is at the start.
type placement int

const (
	inOld         placement = iota
	inNew                   // created there
	isMigrated              // in the new store, with a mark in the old one
	copied                  // in the old store; a copier died before it could set the mark
	outdated                // the same, and then the session was changed
	leftover                // in the old store, and a mark in the new one from an earlier move the other way
	endedCopied             // ended in the old store, with the copy of a copier that died
	expiredCopied           // expired long ago in the old store, with an older copy that would live on
)

func (p placement) String() string {
	return [...]string{
		"in the old store", "in the new store", "migrated", "with a copy left", "with an older copy left",
		"with a mark left by an earlier move", "ended, with a copy left", "expired, with an older copy left",
	}[p]
}

// store is what the explorer needs of one.
type store interface {
	session.Store
	session.Lister
	session.Scanner
}

// processStore is what a process uses.
type processStore interface {
	session.Store
	session.FreshLoader
	session.Lister
}

// alone is one of the stores, as a process outside of the transition uses it: it takes a
// mark for a session that has moved to where nothing is.
type alone struct{ *gated }

func (a alone) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	rec, err := a.Load(ctx, id)
	if migrated, ended := transition.IsMark(id, rec); migrated || ended {
		return session.Record{}, session.ErrNotFound
	}
	return rec, err
}

// A world is one run of a scenario.
type world struct {
	*scenario
	scheduler  scheduler
	start      time.Time
	old, young store                            // as they are
	gates      [2]*gated                        // the same, with a stop at each call
	stores     map[transition.Step]processStore // over the gates
	direct     *transition.Store                // over the stores as they are
	runners    []*runner

	mu      sync.Mutex
	version uint64 // at the start
	truth
	broken []string
}

// truth is what has been answered for.
type truth struct {
	acked    uint64 // the newest version
	deleting bool   // somebody has begun to end the session
	dead     bool   // it is ended
	renewing bool
	moved    bool // it has got a new token
	created  bool // there is another session
	touched  time.Time
}

func (x *explorer) world() *world {
	w := &world{scenario: x.sc, start: time.Now().UTC().Truncate(time.Microsecond), old: x.old, young: x.young}
	w.scheduler.deaths, w.scheduler.faults = x.sc.deaths, x.sc.faults
	w.gates = [2]*gated{{w: w, name: "old", store: x.old}, {w: w, name: "new", store: x.young}}
	w.stores = make(map[transition.Step]processStore)
	for _, step := range []transition.Step{transition.CreateInOld, transition.CreateInNew} {
		w.stores[step] = transition.New(w.gates[0], w.gates[1], transition.Options{Step: step})
	}
	w.stores[before], w.stores[after] = alone{w.gates[0]}, alone{w.gates[1]}
	w.direct = transition.New(x.old, x.young, transition.Options{Step: transition.CreateInOld})
	w.place()
	for _, a := range x.sc.actors {
		ctx, cancel := context.WithCancel(context.Background())
		r := &runner{name: a.name, copies: a.copies, cancel: cancel}
		w.runners = append(w.runners, r)
		w.scheduler.running++
		go func() {
			a.do(context.WithValue(ctx, runnerKey{}, r), w)
			cancel()
			w.scheduler.mu.Lock()
			defer w.scheduler.mu.Unlock()
			r.history.Reset()
			r.history.WriteString("done")
			w.scheduler.running--
		}()
	}
	return w
}

// place puts the session where the scenario begins.
func (w *world) place() {
	ctx := context.Background()
	for _, s := range []store{w.old, w.young} {
		for _, id := range ids {
			if rec, err := s.Load(ctx, id); err == nil {
				must(s.Delete(ctx, id, rec.Version))
			}
		}
	}
	one, two := w.record(1, 'o'), w.record(2, 'o')
	w.version = 1
	put := func(s store, rec session.Record) { must(s.Create(ctx, sid, rec)) }
	switch w.begins {
	case inOld:
		put(w.old, one)
	case inNew:
		put(w.young, one)
	case isMigrated:
		put(w.old, transition.MigratedMark(sid, one))
		put(w.young, one)
	case copied:
		put(w.old, one)
		put(w.young, one)
	case outdated:
		put(w.old, two)
		put(w.young, one)
		w.version = 2
	case leftover:
		put(w.old, one)
		put(w.young, transition.MigratedMark(sid, one))
	case endedCopied:
		put(w.old, transition.EndedMark(1))
		put(w.young, one)
		w.dead, w.deleting = true, true
	case expiredCopied:
		two.Expires = w.start.Add(-time.Hour)
		put(w.old, two)
		put(w.young, one)
		w.version, w.deleting = 2, true
	}
	w.acked = w.version
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// record is the data of a version, as one of the writers writes it.
func (w *world) record(version uint64, by byte) session.Record {
	return session.Record{
		Version: version, Mark: [8]byte{by}, Principal: principal, Created: w.start, LastSeen: w.start,
		Expires: w.start.Add(time.Hour - time.Duration(version)*time.Minute), LifetimeEnd: w.start.Add(24 * time.Hour),
		IdleTimeout: time.Hour, Payload: payload(version, by),
	}
}

func payload(version uint64, by byte) []byte {
	return fmt.Appendf(nil, "version %d by %c", version, by)
}

func (w *world) movedMark(version uint64) session.Record {
	return session.Record{
		Version: version, Mark: [8]byte{'m'}, Created: w.start, LastSeen: w.start,
		Expires: w.start.Add(time.Minute), LifetimeEnd: w.start.Add(time.Minute), MovedTo: successor,
	}
}

// watch judges what a request would see that loads the session between two steps.
func (w *world) watch() {
	w.mu.Lock()
	now := w.truth
	w.mu.Unlock()
	w.judge("a load at this moment", now, func(id session.ID) (session.Record, error) {
		return w.direct.Load(context.Background(), id)
	})
}

// judge loads the session, and judges what it finds by what had been answered before.
func (w *world) judge(who string, before truth, load func(session.ID) (session.Record, error)) {
	rec, err := load(sid)
	if err == nil && rec.MovedTo == successor {
		switch next, err := load(successor); {
		case errors.Is(err, errFault):
		case errors.Is(err, session.ErrNotFound):
			if !w.now().deleting {
				w.fail("LOST: %s finds no successor of the renewed session", who)
			}
		case err != nil:
			w.fail("FAILED: %s: %v", who, err)
		case before.dead && next.MovedTo == "":
			w.fail("RESURRECTED: %s finds the successor after the end was answered", who)
		}
		return
	}
	switch {
	case errors.Is(err, errFault):
	case errors.Is(err, session.ErrNotFound):
		if !w.now().deleting {
			w.fail("LOST: %s finds nothing", who)
		}
	case err != nil:
		w.fail("FAILED: %s: %v", who, err)
	case before.dead:
		w.fail("RESURRECTED: %s finds version %d after the end was answered", who, rec.Version)
	case before.moved:
		w.fail("RESURRECTED: %s finds version %d under the old token after the new one was answered", who, rec.Version)
	case rec.Version < before.acked:
		w.fail("STALE: %s finds version %d, but %d was answered", who, rec.Version, before.acked)
	case !bytes.Equal(rec.Payload, payload(rec.Version, rec.Mark[0])):
		w.fail("MIXED: %s finds version %d with %q", who, rec.Version, rec.Payload)
	case rec.Version == w.version && rec.LastSeen.Before(before.touched):
		w.fail("UNTOUCHED: %s finds a time before that of an answered touch", who)
	}
}

func (w *world) now() truth {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.truth
}

// finish is the end of a run: a last copy is made, and the new store is used alone.
func (w *world) finish() {
	ctx := context.Background()
	before := make(map[session.ID]string)
	for _, id := range ids {
		before[id] = w.session(w.direct, id)
	}
	o := transition.CopyOptions{Parallel: 1}
	last, err := transition.CopyAll(ctx, w.gates[0].raw(), w.gates[1].raw(), o)
	w.reported("the last copy", last, err)
	if again, err := transition.CopyAll(ctx, w.old, w.young, o); err != nil || !again.Done() {
		w.fail("UNFINISHED: a copy after the last one: %+v, %v", again, err)
	}
	for _, id := range ids {
		through, alone := w.session(w.direct, id), w.session(w.young, id)
		if expired := w.begins == expiredCopied && id == sid; expired && alone == "nothing" {
			continue
		}
		if through != before[id] || alone != before[id] {
			w.fail("TWO TRUTHS: %c has %s; after the last copy %s, and in the new store alone %s", id[0], before[id], through, alone)
		}
	}
	w.judge("the new store alone", w.now(), func(id session.ID) (session.Record, error) {
		rec, err := w.young.Load(ctx, id)
		if migrated, ended := transition.IsMark(id, rec); migrated || ended {
			err = session.ErrNotFound
		}
		return rec, err
	})
	if w.now().dead {
		for _, id := range []session.ID{sid, successor} {
			if got := w.session(w.young, id); got != "nothing" && !strings.HasPrefix(got, "moved") {
				w.fail("RESURRECTED: the new store alone has %s", got)
			}
		}
	}
	nobody := w.session(w.young, sid) == "nothing" && w.session(w.young, successor) == "nothing" // then the new store may be the wrong one
	if r, err := transition.Finish(ctx, w.old, w.young, o); err != nil && !(nobody && errors.Is(err, transition.ErrUnfinished)) {
		w.fail("UNFINISHED: %v: %+v", err, r)
	}
	for _, id := range ids {
		if got := w.session(w.young, id); got != before[id] && w.begins != expiredCopied {
			w.fail("TWO TRUTHS: %c had %s, and once the marks are gone %s", id[0], before[id], got)
		}
	}
}

// reported judges what a copy says.
func (w *world) reported(who string, r transition.Report, err error) {
	switch {
	case err != nil && !errors.Is(err, errFault) && !errors.Is(err, context.Canceled):
		w.fail("FAILED: %s: %v", who, err)
	case r.Differing > 0:
		w.fail("DIFFERENT: %s: %+v", who, r.Differences)
	}
}

// session describes what a user of a store finds: marks are no sessions.
func (w *world) session(s session.Store, id session.ID) string {
	rec, err := s.Load(context.Background(), id)
	if migrated, ended := transition.IsMark(id, rec); err != nil || migrated || ended {
		return "nothing"
	}
	return w.describe(id, rec)
}

// describe is all of a record that matters.
func (w *world) describe(id session.ID, rec session.Record) string {
	migrated, ended := transition.IsMark(id, rec)
	switch {
	case migrated:
		return fmt.Sprint("migrated v", rec.Version-transition.MigratedStep)
	case ended:
		return fmt.Sprint("ended v", rec.Version-transition.EndedStep)
	case rec.MovedTo != "":
		return fmt.Sprint("moved v", rec.Version)
	}
	return fmt.Sprintf("v%d by %c, %v, %v", rec.Version, rec.Mark[0], rec.LastSeen.Sub(w.start), rec.Expires.Sub(w.start))
}

// key is all that the rest of a run depends on.
func (w *world) key() []byte {
	var b bytes.Buffer
	for _, r := range w.runners {
		fmt.Fprintln(&b, r.name, r.dead, r.history.String())
	}
	for _, g := range w.scheduler.waiting {
		fmt.Fprintln(&b, g.name, g.what)
	}
	for _, s := range []store{w.old, w.young} {
		for _, id := range ids {
			if rec, err := s.Load(context.Background(), id); err == nil {
				fmt.Fprintln(&b, id[:1], w.describe(id, rec))
			}
		}
	}
	t := w.now()
	fmt.Fprint(&b, w.scheduler.deaths, w.scheduler.faults, t.acked, t.deleting, t.dead, t.renewing, t.moved, t.created, t.touched.Sub(w.start))
	return b.Bytes()
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

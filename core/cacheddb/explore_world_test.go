package cacheddb_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// sid is the session that all of it is about.
const sid = session.ID("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

// A scenario is what the explorer explores.
type scenario struct {
	actors    []actor
	cached    cached // what the cache holds at the start; the database has version 1
	evictions int
	// How many calls of a tier may fail in one run.
	cacheFaults, truthFaults int
	// How often the clock may go on by a little over a second, besides when
	// nothing else can happen.
	ticks   int
	options cacheddb.Options
	// Which processes read the database only, as in the deployment between.
	readTruth string

	breaks   rule // that the cache breaks, to see that it is noticed
	deaf     bool // LoadFresh does not correct the cache
	forgets  bool // nothing is pending
	full     bool // there is no room for pending IDs, which is set as Options.MaxPending
	memory   *session.MemoryStore
	compared bool // each answer of the cache, with that of a MemoryStore
}

func (sc *scenario) faultless() bool { return sc.cacheFaults+sc.truthFaults == 0 }

// An actor is one operation in one process.
type actor struct {
	name    string
	process string
	do      func(context.Context, *world, *process)
}

type cached int

const (
	nothing  cached = iota
	fresh           // version 1
	overAge         // version 1, due for a re-check
	expired         // version 1, which looks expired and is not
	outdated        // version 0, which a process that died left behind
)

// A process is a Store of its own over the tiers that all share.
type process struct {
	name  string
	store *cacheddb.Store
	cache gatedCache
	truth gatedStore
	acked uint64 // the newest version this process answered for
	dead  bool   // this process answered that the session is ended
}

// A world is one run of a scenario.
type world struct {
	*scenario
	scheduler *scheduler
	processes []*process
	cache     *specCache
	database  *session.MemoryStore

	mu       sync.Mutex
	running  int
	deleting bool
	everHad  map[uint64]time.Time // version -> the latest expiry the database had for it
	touched  time.Time            // the latest LastSeen that was answered for
	broken   []string
}

func newWorld(sc *scenario) *world {
	start := time.Now().UTC().Truncate(time.Microsecond)
	if sc.memory == nil {
		sc.memory = session.NewMemoryStore(session.MemoryOptions{})
	}
	w := &world{
		scenario: sc,
		scheduler: &scheduler{
			scenario: sc, start: start, history: make(map[string]*strings.Builder),
			evictions: sc.evictions, cacheFaults: sc.cacheFaults, truthFaults: sc.truthFaults, ticks: sc.ticks,
		},
		cache:    &specCache{breaks: sc.breaks},
		database: sc.memory,
		everHad:  make(map[uint64]time.Time),
	}
	ctx := context.Background()
	if rec, err := w.database.Load(ctx, sid); err == nil {
		must(w.database.Delete(ctx, sid, rec.Version))
	}
	must(w.database.Create(ctx, sid, w.record(1)))
	w.learn()
	w.prime()
	options := sc.options
	options.Events = nowhere{}
	for _, a := range sc.actors {
		p := w.process(a.process)
		if p == nil {
			p = &process{name: a.process}
			p.cache, p.truth = gatedCache{w, p}, gatedStore{w, p}
			options.ReadTruth = strings.Contains(sc.readTruth, a.process)
			p.store = cacheddb.New(p.cache, p.truth, options)
			w.processes = append(w.processes, p)
			if sc.full {
				p.store.FillPending()
			}
		}
		w.running++
		go func() {
			ctx := context.WithValue(ctx, actorKey{}, a.name)
			a.do(ctx, w, p)
			w.scheduler.forget(a.name)
			w.mu.Lock()
			w.running--
			w.mu.Unlock()
		}()
	}
	return w
}

// prime puts into the cache what the scenario begins with.
func (w *world) prime() {
	w.evict()
	if w.cached == nothing {
		return
	}
	entry := session.Cached{Record: w.record(1), Checked: w.scheduler.start}
	switch w.cached {
	case overAge:
		entry.Checked = w.scheduler.start.Add(-2 * time.Minute)
	case expired:
		entry.Record.Expires = w.scheduler.start.Add(-time.Second)
	case outdated:
		entry.Record = w.record(0)
		entry.Checked = w.scheduler.start.Add(-2 * time.Minute)
	}
	w.cache.entry = &entry
	if w.compared {
		ctx := context.Background()
		_, err := w.memory.AddLease(ctx, sid, session.Lease{9}, time.Hour)
		must(err)
		must(w.memory.Fill(ctx, sid, session.Lease{9}, entry))
	}
}

func (w *world) evict() {
	w.cache.evict()
	if w.compared {
		must(w.memory.Remove(context.Background(), sid))
	}
}

// record is the data of a version. Each shortens the session's life.
func (w *world) record(version uint64) session.Record {
	start := w.scheduler.start
	return session.Record{
		Version: version, Created: start, LastSeen: start,
		Expires:     start.Add(time.Hour - time.Duration(version)*time.Minute),
		LifetimeEnd: start.Add(2 * time.Hour),
		Payload:     fmt.Appendf(nil, "values of version %d", version),
	}
}

func (w *world) process(name string) *process {
	for _, p := range w.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (w *world) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running > 0 || !w.full && w.repairing()
}

func (w *world) repairing() bool {
	for _, p := range w.processes {
		if p.store.Repairing() {
			return true
		}
	}
	return false
}

func (w *world) forgetPending() {
	for _, p := range w.processes {
		p.store.ForgetPending()
	}
}

// learn notes what the database holds now.
func (w *world) learn() {
	rec, err := w.database.Load(context.Background(), sid)
	if err == nil {
		w.allow(rec.Version, rec.Expires)
	}
}

func (w *world) allow(version uint64, expires time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if expires.After(w.everHad[version]) {
		w.everHad[version] = expires
	}
}

// state is all that the future depends on, besides what the actors know.
func (w *world) state() string {
	var b strings.Builder
	rec, err := w.database.Load(context.Background(), sid)
	fmt.Fprint(&b, describe(rec, err, w.scheduler.start), "|", w.cache.state(w.scheduler.start), "|", w.touched.Sub(w.scheduler.start), w.deleting)
	for _, p := range w.processes {
		fmt.Fprint(&b, "|", p.acked, p.dead, p.store.State(w.scheduler.start))
	}
	return b.String()
}

// watch judges what a load would see that begins and ends now, between two
// steps: what is in the cache, unless it would be re-checked. With faults, only
// a real load can tell.
func (w *world) watch() {
	e := w.cache.entry
	if e == nil || !w.faultless() || e.Checked.Before(w.scheduler.start) || !e.Record.Expires.After(w.scheduler.start) {
		return
	}
	for _, p := range w.processes {
		switch {
		case p.dead:
			w.fail("RESURRECTED: the cache has version %d after the delete was answered", e.Record.Version)
		case e.Record.Version < p.acked:
			w.fail("STALE: the cache has version %d after %d was answered", e.Record.Version, p.acked)
		}
	}
}

// settle is the end of a run: everything was answered, all faults are over and
// all repairs done. Whatever is still wrong now stays wrong.
func (w *world) settle() {
	w.scheduler.mu.Lock()
	w.scheduler.free = true
	w.scheduler.mu.Unlock()
	if w.truthFaults == 0 && !w.full {
		rec, err := w.database.Load(context.Background(), sid)
		switch e := w.cache.entry; {
		case e == nil:
		case err != nil:
			w.fail("the cache keeps version %d of a session that is gone", e.Record.Version)
		case e.Record.Version != rec.Version && w.cached != outdated:
			w.fail("the cache keeps version %d, the database has %d", e.Record.Version, rec.Version)
		}
	}
	w.scheduler.faulted = false
	for _, p := range w.processes {
		load(context.Background(), w, p, "afterwards, "+p.name)
		_ = p.store.Close(context.Background())
	}
}

// drop ends a run that leads nowhere new: its calls fail without an effect.
func (w *world) drop() {
	s := w.scheduler
	s.mu.Lock()
	s.free, s.dropped = true, true
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for _, g := range waiting {
		if g.effect == nil {
			g.release <- refuse
		}
	}
	synctest.Wait()
	for _, p := range w.processes {
		p.store.ForgetPending()
		_ = p.store.Close(context.Background())
	}
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

type nowhere struct{}

func (nowhere) Event(context.Context, session.Event) {}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func describe(rec session.Record, err error, start time.Time) string {
	if err != nil {
		return err.Error()
	}
	b := strconv.AppendUint([]byte{'v'}, rec.Version, 10)
	for _, n := range []int64{int64(rec.Mark[0]), int64(rec.LastSeen.Sub(start)), int64(rec.Expires.Sub(start))} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	return string(b)
}

// gatedStore is the database as one process reaches it.
type gatedStore struct {
	w *world
	p *process
}

func (g gatedStore) Load(ctx context.Context, id session.ID) (rec session.Record, err error) {
	err = g.w.scheduler.at(ctx, g.p, truthTier, "reads SQL", func() (string, error) {
		rec, err = g.w.database.Load(context.Background(), id)
		return describe(rec, err, g.w.scheduler.start), err
	})
	return rec, err
}

func (g gatedStore) Create(context.Context, session.ID, session.Record) error {
	return errors.ErrUnsupported
}

func (g gatedStore) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	what := fmt.Sprintf("writes SQL %d->%d", ifVersion, rec.Version)
	return g.w.scheduler.at(ctx, g.p, truthTier, what, func() (string, error) {
		defer g.w.learn()
		return "", g.w.database.Update(context.Background(), id, rec, ifVersion)
	})
}

func (g gatedStore) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, ifVersion uint64) error {
	return g.w.scheduler.at(ctx, g.p, truthTier, "touches SQL", func() (string, error) {
		g.w.allow(ifVersion, expires) // it raises the entry even if the database has moved on
		return "", g.w.database.Touch(context.Background(), id, lastSeen, expires, ifVersion)
	})
}

func (g gatedStore) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	what := fmt.Sprintf("deletes SQL %d", ifVersion)
	return g.w.scheduler.at(ctx, g.p, truthTier, what, func() (string, error) {
		return "", g.w.database.Delete(context.Background(), id, ifVersion)
	})
}

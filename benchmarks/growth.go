package benchmarks

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Growth is how Seshat behaves from little to much: what a run measured.
type Growth struct {
	Date    string
	Plan    Plan
	Machine []Setting
	Studies []*Study
	HOT     HOT
}

// A Grower measures growth, with an Env for each store.
type Grower struct {
	Plan  Plan
	Env   func() Env // an empty one
	Say   func(format string, a ...any)
	Brief bool // only the smallest size of everything, to see that it works
}

// sizes are those that are measured.
func (g *Grower) sizes(all ...float64) []float64 {
	if g.Brief {
		return all[:1]
	}
	return all
}

// A growing store is one of Seshat's, with its manager and handlers.
type growing struct {
	name     string
	env      Env
	store    *seshatStore
	sessions *session.Manager
	client   *inProcess
}

// Names of the stores in tables and charts.
const (
	growsMemory   = "memory"
	growsSQLite   = "gormstore, SQLite"
	growsPostgres = "gormstore, PostgreSQL"
	growsRedis    = "redisstore"
)

// Routes that only growth asks for.
const (
	loginAs = "/login-as" // logs in as the user that the query names
	payload = "/payload"  // begins a session of as many bytes as the query says
)

// stores opens each of the named stores in turn, empty, and closes it again.
func (g *Grower) stores(names []string, do func(*growing) error) error {
	for _, name := range names {
		if err := g.with(name, do); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (g *Grower) with(name string, do func(*growing) error) (err error) {
	env := g.Env()
	open := map[string]func(Env) (*seshatStore, error){
		growsMemory: memoryStore, growsSQLite: sqliteStore, growsPostgres: postgresStore, growsRedis: redisStore,
	}[name]
	store, err := open(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	if store.redis != nil {
		ctx, cancel := background()
		defer cancel()
		if err := store.redis.FlushAll(ctx).Err(); err != nil {
			return err
		}
	}
	sessions, err := newSeshat(store.Store)
	if err != nil {
		return err
	}
	return do(&growing{name: name, env: env, store: store, sessions: sessions, client: newInProcess(growthRoutes(sessions, env))})
}

// growthRoutes are the routes of every contestant and two more.
func growthRoutes(sessions *session.Manager, env Env) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", seshatRoutes(sessions, env))
	mux.Handle(loginAs, sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session.From(r.Context()).Login(r.URL.RawQuery)
		ok(w)
	})))
	mux.Handle(payload, sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.Atoi(r.URL.RawQuery)
		if err != nil {
			fail(w, err)
			return
		}
		s := session.From(r.Context())
		seshatName.Set(s, name)
		seshatCount.Set(s, 0)
		for n := range bigKeys {
			session.NewKey[string]("part"+strconv.Itoa(n)).Set(s, strings.Repeat("x", size/bigKeys))
		}
		ok(w)
	})))
	return mux
}

// begin makes n sessions by a route, and returns their cookies.
func (g *growing) begin(route string, n int) ([]string, error) {
	w := Work{Begins: route}
	return w.begin(g.client, n)
}

// time measures a work in process with sessions that are there, and returns
// the median over the rounds, in microseconds.
func (g *growing) time(w Work, cookies []string, p Plan) (float64, error) {
	requests := make([]*http.Request, len(cookies))
	for i, cookie := range cookies {
		r, err := prepare(g.client.ctx, w.Route, cookie)
		if err != nil {
			return 0, err
		}
		requests[i] = r
	}
	var times []float64
	for round := -1; round < p.Rounds; round++ {
		cost, err := g.client.measureCalls(w, requests, p.Round/2)
		if err != nil {
			return 0, err
		}
		if round >= 0 {
			times = append(times, cost.Time/float64(time.Microsecond))
		}
	}
	return Median(times), nil
}

// readAndChange measures both works and enters them.
func (g *growing) readAndChange(p Plan, cookies []string, size float64, read, change *Measure) error {
	for i, m := range []*Measure{read, change} {
		us, err := g.time([]Work{readWork(), changeWork()}[i], cookies, p)
		if err != nil {
			return err
		}
		m.add(g.name, size, us)
	}
	return nil
}

// Run measures everything.
func (g *Grower) Run() (*Growth, error) {
	out := &Growth{Date: time.Now().UTC().Format(time.DateOnly), Plan: g.Plan}
	for _, study := range []func() (*Study, error){g.stored, g.perUser, g.payloads, g.connections} {
		s, err := study()
		if err != nil {
			return nil, err
		}
		out.Studies = append(out.Studies, s)
	}
	var err error
	out.HOT, err = g.hot()
	return out, err
}

// Markdown is the page of growth.
func (g *Growth) Markdown() string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# Growth\n")
	p("Written by `make growth` on %s: medians of %d rounds, of %v in process and %v over HTTP, after one to warm up. The times of one store at",
		g.Date, g.Plan.Rounds, g.Plan.Round/2, g.Plan.Round)
	p("different sizes are to be compared; for stores beside each other see `RESULTS.md`.\n")
	machineTable(p, g.Machine)
	for _, s := range g.Studies {
		s.markdown(p)
	}
	g.HOT.markdown(p)
	return b.String()
}

// WriteCharts draws what GROWTH.md shows, into a folder.
func (g *Growth) WriteCharts(dir string) error {
	for _, s := range g.Studies {
		if err := s.writeCharts(dir); err != nil {
			return err
		}
	}
	return nil
}

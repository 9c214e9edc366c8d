package soak

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"github.com/seshat-go/seshat/stores/fromenv"
)

// A stage is one deployment on the way from an engine to another, as
// docs/migration.md has it, and what is done once it runs everywhere.
type stage struct {
	engine, from, step string // SESSION_ENGINE, SESSION_TRANSITION_FROM and _STEP
	then               func(*journey, *testing.T)
}

// there and back are all the ways of docs/migration.md.
var thereAndBack = []stage{
	{engine: "db"},
	{engine: "cached_db", from: "db", step: "1"},
	{engine: "cached_db"},
	{engine: "cache", from: "cached_db", step: "1"},
	{engine: "cache", from: "cached_db", step: "2", then: (*journey).copy},
	{engine: "cache", then: (*journey).tidy},
	{engine: "cached_db", from: "cache", step: "1"},
	{engine: "cached_db", from: "cache", step: "2", then: (*journey).copy},
	{engine: "cached_db", then: (*journey).tidy},
	{engine: "db", from: "cached_db", step: "1"},
	{engine: "db"},
}

// TestNobodyIsSignedOutOnTheWayToTheCacheAndBack walks two processes of real
// apps under load from db to cached_db, to cache, and back, one deployment after
// the other, and lets both generations of each run beside each other for a while.
func TestNobodyIsSignedOutOnTheWayToTheCacheAndBack(t *testing.T) {
	apps, tool := build(t)[:2], examples.BuildTool(t)
	t.Run("but where a deployment is left out", func(t *testing.T) { // as one has to with Django
		j := begin(t, apps, tool, stage{engine: "cached_db"})
		j.deploy(t, stage{engine: "cache"})
		j.finish(false)
		if logouts, _, _ := j.count(); logouts == 0 {
			t.Error("from cached_db to cache at one go, and nobody was signed out")
		}
	})
	j := begin(t, apps, tool, thereAndBack[0])
	for _, s := range thereAndBack[1:] {
		j.deploy(t, s)
	}
	j.finish(false)
	logouts, lost, revived := j.count()
	t.Logf("%d deployments, %d sessions copied, %d ended: %d sign-outs, %d lost writes, %d revived sessions\n%s",
		len(thereAndBack)-1, j.copied, len(j.oracle.Dead()), logouts, lost, revived, j.report())
	if all := j.oracle.Violations(); len(all) > 0 {
		t.Error(list(all))
	}
	if n := j.oracle.Seen()[boundOutage]; n > 0 {
		t.Errorf("%d requests were answered 503", n)
	}
	if j.copied == 0 || len(j.oracle.Dead()) == 0 {
		t.Errorf("%d sessions were copied, and %d ended: the test saw nothing", j.copied, len(j.oracle.Dead()))
	}
}

// A journey is a site whose engine changes.
type journey struct {
	*run
	op     *operator
	base   []string // the environment of every stage
	tool   string   // the binary
	now    stage
	moved  stage // of the last copy
	copied int
}

const (
	travellers = 50
	// together is for how long two generations of processes run beside each other,
	// and then the new one alone.
	together = 700 * time.Millisecond
)

func begin(t *testing.T, apps []examples.App, tool string, first stage) *journey {
	t.Helper()
	db, r := servers.Postgres(t), servers.Redis(t, "--appendonly", "yes")
	j := &journey{tool: tool, now: first, op: &operator{}, base: []string{
		"DATABASE_URL=" + db.URL, "REDIS_URL=" + r.URL(), "SESSION_COOKIE_SECURE=false", "SESSION_IDLE_TIMEOUT=" + idleTimeout.String(),
	}}
	at := &site{setup: setup{name: "from engine to engine", engine: "db"}, fleet: &fleet{apps: apps}, op: j.op, env: make([][]string, len(apps))}
	for place := range apps {
		at.env[place] = j.env(first)
	}
	at.fleet.begin(t, at.env)
	j.operate(t, first)
	j.run = at.run(travellers, 0, 1)
	t.Cleanup(j.load.end)
	j.rest()
	return j
}

func (j *journey) env(s stage) []string {
	env := append([]string{"SESSION_ENGINE=" + s.engine}, j.base...)
	if s.from != "" {
		env = append(env, "SESSION_TRANSITION_FROM="+s.from, "SESSION_TRANSITION_STEP="+s.step)
	}
	return env
}

// open opens sessions in the process of the test, as the environment says.
func (j *journey) open(t testing.TB, env []string) *fromenv.Sessions {
	t.Helper()
	variables := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		variables[name] = value
	}
	settings, err := fromenv.ReadFrom(fromenv.Settings{}, variables)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := settings.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return opened
}

// operate gives the operator the settings of a stage, as a process of its own.
func (j *journey) operate(t testing.TB, s stage) {
	t.Helper()
	options := j.open(t, j.env(s)).Options
	options.Events = session.SlogEvents(slog.New(slog.DiscardHandler))
	j.op.use(t, options)
}

// deploy replaces the processes one after the other.
func (j *journey) deploy(t *testing.T, s stage) {
	t.Helper()
	name := fmt.Sprintf("%s from %q, step %s", s.engine, s.from, s.step)
	w := j.oracle.Begin("deployed: "+name, Shops, faults.Nothing)
	for place := range j.fleet.apps {
		j.fleet.env[place] = j.env(s)
		j.fleet.replace(t, place)
		if place == 0 {
			time.Sleep(together) // under load, of both generations
			j.operate(t, s)
		}
	}
	j.oracle.Mended(w)
	j.oracle.Recovered(w)
	j.now = s
	j.rest()
	if s.then != nil {
		s.then(j, t)
		j.rest()
	}
}

// rest lets the load go on, and then has every browser look at its session at
// every process.
func (j *journey) rest() {
	time.Sleep(together)
	j.load.audit()
}

// count tells what people would have noticed, from the laws that were broken.
func (j *journey) count() (logouts, lost, revived int) {
	for _, v := range j.oracle.Violations() {
		switch v.Law {
		case OutageNoLogout:
			logouts++
		case NoLostUpdate, ReadYourWrites:
			lost++
		case NoResurrection, ServerMints:
			revived++
		}
	}
	return logouts, lost, revived
}

// seshat runs the command-line tool with the settings of the stage, and returns
// the report that it prints.
func (j *journey) seshat(t *testing.T, args ...string) (report struct{ Copied, Left, Differing, Removed int }) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), j.tool, append([]string{"copy", "--json"}, args...)...)
	cmd.Env = j.env(j.now)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &report)
	}
	if err != nil {
		t.Fatalf("seshat copy %v: %v\n%s%s", args, err, out, stderr.String())
	}
	return report
}

// copy moves what is left in the old place, until nothing is.
func (j *journey) copy(t *testing.T) {
	t.Helper()
	j.copied += j.seshat(t).Copied
	if r := j.seshat(t, "--verify"); r.Left+r.Differing > 0 {
		t.Errorf("after a copy: %+v", r)
	}
	j.moved = j.now
}

// tidy removes the marks of the move that came before.
func (j *journey) tidy(t *testing.T) {
	t.Helper()
	if r := j.seshat(t, "--from", j.moved.from, "--to", j.moved.engine, "--finish", "--yes"); r.Removed == 0 {
		t.Errorf("after a copy there were no marks to remove: %+v", r)
	}
}

package faults_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/internal/tests/faults"
	"github.com/seshat-go/seshat/internal/tests/servers"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { servers.Main(m) }

// A sight is what a plain client of the server sees while a fault lasts: part of
// the error of a read and of a write, "" for none. If the words are several, one
// of them is enough; they are separated by |.
type sight struct{ read, write string }

// signs tell that a fault has happened of which that client need see nothing:
// waiting, or a question whose answer changes.
var signs = map[string]string{
	"Redis is paused for a moment":                     waiting,
	"Redis forks to save what it has":                  `EVAL "return string.match(redis.call('info','stats'),'total_forks:%d+')" 0`,
	"PostgreSQL is paused for a moment":                waiting,
	"PostgreSQL writes its tables anew":                "SELECT relfilenode FROM pg_class WHERE relname = 'tea'",
	"MariaDB is paused for a moment":                   waiting,
	"MariaDB writes its tables anew":                   "SELECT table_id FROM information_schema.innodb_sys_tables WHERE name LIKE '%/tea'",
	"another program had the file locked for a moment": waiting,
	"another program writes the file anew":             "PRAGMA schema_version",
}

// waiting is the sign that who asks all the time is kept waiting, or refused.
const waiting = "waiting"

// Before what is seen if not at once, and in place of it for one who rests.
const (
	sometimes = "sometimes "
	idle      = "idle"
)

// A client is an ordinary program that uses the server, on one connection that
// it replaces when it is broken, and never waits longer than half a second.
type client interface {
	read(context.Context) error
	write(context.Context) error
	do(ctx context.Context, question string) (answer string, err error)
	close()
}

const patience = 500 * time.Millisecond

// see does what the client does and compares it with what it should see.
func see(t *testing.T, c client, want sight) {
	t.Helper()
	if want.read == idle {
		works(t, c)
		// Asking ends the rest, so it is asked more and more rarely.
		for rest := 20 * time.Millisecond; c.read(t.Context()) == nil; rest *= 2 {
			time.Sleep(rest)
		}
		return
	}
	for _, side := range []struct {
		name string
		do   func(context.Context) error
		want string
	}{{"read", c.read, want.read}, {"write", c.write, want.write}} {
		err := once(t, side.do)
		wanted, patient := strings.CutPrefix(side.want, sometimes)
		for tries := 0; !matches(err, wanted) && (patient || slowly(err) && tries < 20); tries++ {
			err = once(t, side.do)
		}
		if !matches(err, wanted) {
			t.Errorf("a %s gives %v, not %q", side.name, err, wanted)
		}
	}
}

// look looks out for the sign of a fault, and tells later whether it came.
func look(t *testing.T, c client, f faults.Fault, want sight) (came func() bool) {
	t.Helper()
	sign := signs[f.Name]
	switch sign {
	case "": // it is seen otherwise
		return func() bool { return want != sight{} || f.Loss != faults.Nothing }
	case waiting:
		return watch(t, c, c.write)
	}
	ask := func() string {
		defer c.close()
		answer, err := c.do(t.Context(), sign)
		if err != nil || answer == "" {
			t.Errorf("%s: %q, %v", sign, answer, err)
		}
		return answer
	}
	before := ask()
	return func() bool { return ask() != before }
}

// slow is longer than a server takes that nothing has happened to.
const slow = 40 * time.Millisecond

// watch asks all the time, a last time when it is told to stop, and tells then
// whether that ever failed or was slow.
func watch(t *testing.T, c client, ask func(context.Context) error) (felt func() bool) {
	t.Helper()
	stop, began, done := make(chan struct{}), make(chan struct{}), make(chan bool, 1)
	go func() {
		defer c.close()
		felt := false
		for n, last := 0, false; !last; n++ {
			select {
			case <-stop:
				last = true
			default:
			}
			sent := time.Now()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
			err := ask(ctx)
			cancel()
			if n == 0 {
				close(began)
			} else {
				felt = felt || err != nil || time.Since(sent) >= slow
			}
		}
		done <- felt
	}()
	<-began
	felt = sync.OnceValue(func() bool { close(stop); return <-done })
	t.Cleanup(func() { felt() })
	return felt
}

// slowly tells whether an error may be that of a machine that is busy.
func slowly(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

func once(t *testing.T, do func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return do(ctx)
}

func matches(err error, want string) bool {
	for _, part := range strings.Split(want, "|") {
		if part == "" && err == nil || part != "" && err != nil && strings.Contains(err.Error(), part) {
			return true
		}
	}
	return false
}

// works waits until the client is served again: its first uses may meet
// connections of before.
func works(t *testing.T, c client) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
		if err = c.read(ctx); err == nil {
			err = c.write(ctx)
		}
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatalf("the server does not serve: %v", err)
}

// described fails the test unless each fault of a catalogue has one description
// of what it looks like, and the names differ.
func described[T any](t *testing.T, list []faults.Fault, descriptions map[string]T) {
	t.Helper()
	seen := make(map[string]bool)
	for _, f := range list {
		if _, ok := descriptions[f.Name]; !ok || seen[f.Name] {
			t.Errorf("%q is described: %v; is there twice: %v", f.Name, ok, seen[f.Name])
		}
		seen[f.Name] = true
	}
	for name := range descriptions {
		if !seen[name] {
			t.Errorf("%q is described and not there", name)
		}
	}
}

// leftovers returns a check that no goroutine is left that was not there now.
func leftovers(t *testing.T) func() {
	t.Helper()
	now := goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		if err := goleak.Find(now); err != nil {
			t.Error(err)
		}
	}
}

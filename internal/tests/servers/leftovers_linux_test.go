package servers

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVariable makes the test below start servers and report them instead.
const childVariable = "SESHAT_TEST_LEFTOVERS_CHILD"

func TestAKilledTestProcessLeavesNothing(t *testing.T) {
	need(t)
	if os.Getenv(childVariable) != "" {
		startAndReport(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), childVariable+"=1")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	var homes []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "started" {
		kind, value, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "pid":
			pid, _ := strconv.Atoi(value)
			pids = append(pids, pid)
		case "home":
			homes = append(homes, value)
		}
	}
	if len(pids) < 5 || len(homes) != 2 {
		t.Fatalf("the child started %v in %v", pids, homes)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	awaitNone(t, func() (left []string) {
		for _, pid := range pids {
			if syscall.Kill(pid, 0) == nil && state(pid) != 'Z' {
				left = append(left, strconv.Itoa(pid))
			}
		}
		for _, home := range homes {
			if _, err := os.Stat(home); !errors.Is(err, fs.ErrNotExist) {
				left = append(left, home)
			}
		}
		return left
	})
}

// startAndReport leaves PostgreSQL stopped, so that none of its processes can
// see by itself that the tests are gone.
func startAndReport(t *testing.T) {
	report := bufio.NewWriter(os.Stdout)
	pg, redis := Postgres(t), Redis(t)
	pg.Stop(t)
	for _, s := range []*server{pg.server, redis.server} {
		_, _ = report.WriteString("home " + s.home.Dir + "\n")
	}
	for _, pid := range descendants(os.Getpid()) {
		_, _ = report.WriteString("pid " + strconv.Itoa(pid) + "\n")
	}
	_, _ = report.WriteString("started\n")
	_ = report.Flush()
	select {} // until killed
}

func TestAnEndedTestLeavesNothing(t *testing.T) {
	need(t)
	before := descendants(os.Getpid())
	var homes []string
	t.Run("servers", func(t *testing.T) {
		killed, stopped := Postgres(t), Redis(t)
		killed.Kill(t)
		stopped.Stop(t)
		homes = []string{killed.home.Dir, stopped.home.Dir}
	})
	if after := descendants(os.Getpid()); len(after) != len(before) {
		t.Errorf("processes before: %v, after: %v", before, after)
	}
	for _, home := range homes {
		if _, err := os.Stat(home); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", home, err)
		}
	}
}

// awaitNone returns when nothing is left, and fails if that does not come.
func awaitNone(t *testing.T, left func() []string) {
	t.Helper()
	var names []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if names = left(); len(names) == 0 {
			return
		}
	}
	t.Fatalf("left: %v", names)
}

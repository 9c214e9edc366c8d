package servers

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// superviseVariable makes a test binary run as the supervisor of the command
// that it holds.
const superviseVariable = "SESHAT_TEST_SUPERVISE"

const (
	quitLimit             = 5 * time.Second
	prSetChildSubreaper   = 36
	superviseSetupFailure = 3
)

func init() {
	if spec, ok := os.LookupEnv(superviseVariable); ok {
		os.Exit(supervise(spec))
	}
}

// supervise runs one command until it ends or standard input does, then ends
// every process below itself. Orphans of the command become its children, so
// that none can escape, whatever session they moved to and whether or not they
// are stopped. It returns the exit code.
func supervise(spec string) int {
	// The command is killed if this thread ends, so it must be one that stays.
	runtime.LockOSThread()
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var run command
	if err := json.Unmarshal([]byte(spec), &run); err != nil {
		fmt.Println(err)
		return superviseSetupFailure
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		fmt.Println("prctl:", errno)
		return superviseSetupFailure
	}
	child, err := os.StartProcess(run.Path, append([]string{run.Path}, run.Args...), attributes(run.Home))
	if err != nil {
		fmt.Println(err)
		return superviseSetupFailure
	}

	code := 1
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() { // the only one who waits for children
		defer close(gone)
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, 0, nil)
			switch {
			case err == syscall.EINTR:
			case err != nil: // no child is left
				return
			case pid == child.Pid:
				code = status.ExitStatus()
				close(ended)
			}
		}
	}()
	orphaned := make(chan struct{})
	go func() {
		defer close(orphaned)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()

	remove := false
	select {
	case <-ended:
	case <-orphaned:
		remove = true
		if run.Quit != 0 {
			signalBelow(syscall.SIGCONT)
			_ = syscall.Kill(child.Pid, run.Quit)
			select {
			case <-gone:
			case <-time.After(quitLimit):
			}
		}
	}
	for more := true; more; {
		signalBelow(syscall.SIGKILL)
		select {
		case <-gone:
			more = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	if remove {
		run.Home.remove()
	}
	return code
}

func attributes(h home) *os.ProcAttr {
	// Go sets Pdeathsig after the account: changing that would clear it.
	sys := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if h.UID >= 0 {
		sys.Credential = &syscall.Credential{Uid: uint32(h.UID), Gid: uint32(h.GID)}
	}
	null, _ := os.Open(os.DevNull)
	return &os.ProcAttr{
		Dir:   h.Dir,
		Env:   []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.Dir, "TMPDIR=" + h.Dir, "LC_ALL=C", "TZ=UTC"},
		Files: []*os.File{null, os.Stdout, os.Stderr},
		Sys:   sys,
	}
}

func signalBelow(sig syscall.Signal) {
	for _, pid := range descendants(os.Getpid()) {
		_ = syscall.Kill(pid, sig)
	}
}

// descendants lists the processes below pid, parents before their children,
// those that only wait to be reaped left out.
func descendants(pid int) []int {
	children := make(map[int][]int)
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		fields := stat(path)
		if len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		children[parent] = append(children[parent], child)
	}
	var all []int
	for next := children[pid]; len(next) > 0; {
		slices.Sort(next)
		all = append(all, next...)
		var below []int
		for _, p := range next {
			below = append(below, children[p]...)
		}
		next = below
	}
	return all
}

// state is the letter by which the kernel names what a process does; 0 if it
// is gone.
func state(pid int) byte {
	fields := stat("/proc/" + strconv.Itoa(pid) + "/stat")
	if len(fields) == 0 {
		return 0
	}
	return fields[0][0]
}

// stat returns the fields of a stat file from the state on: the name before it
// may hold anything.
func stat(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	return strings.Fields(rest)
}

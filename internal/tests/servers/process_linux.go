package servers

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

var errEarly = errors.New("before it was ready")

// A process is a running command below its supervisor (see supervise): a small
// process between the tests and the server which ends the server, all its
// children included, as soon as the tests' end of a pipe closes. That happens
// also when the tests are killed.
type process struct {
	supervisor *exec.Cmd
	lifeline   *os.File      // closing it ends everything
	gone       chan struct{} // closed when the supervisor and all below it are gone
	log        *tail
	failed     error // of the supervisor; set before gone is closed
}

// startProcess starts a command. If it has a ready line it returns when the
// command has printed it, else when the command has ended.
func startProcess(run command) (*process, error) {
	exitWithParent()
	spec, err := json.Marshal(run)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	output, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Dir = "/"
	cmd.Env = []string{superviseVariable + "=" + string(spec), "PATH=" + os.Getenv("PATH")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a terminal's Ctrl-C is not for it
	err = cmd.Start()
	_ = stdin.Close()
	_ = stdout.Close()
	if err != nil {
		_ = lifeline.Close()
		_ = output.Close()
		return nil, err
	}
	p := &process{supervisor: cmd, lifeline: lifeline, gone: make(chan struct{}), log: &tail{}}
	ready := make(chan struct{})
	go p.follow(output, run.Ready, ready)

	select {
	case <-ready:
		return p, nil
	case <-p.gone:
		if run.Ready == "" && p.failed == nil {
			return p, nil
		}
		return nil, fmt.Errorf("servers: %s ended (%w); its last words:\n%s", run.Path, cmp.Or(p.failed, errEarly), p.log)
	case <-time.After(startLimit):
		return nil, errors.Join(fmt.Errorf("servers: %s was not ready after %v; its last words:\n%s", run.Path, startLimit, p.log), p.end())
	}
}

// follow reads what the server prints until nobody is left to print: only then
// is every process gone that could hold the server's files.
func (p *process) follow(output *os.File, readyLine string, ready chan<- struct{}) {
	defer close(p.gone)
	lines := bufio.NewReader(output)
	for seen := readyLine == ""; ; {
		line, err := lines.ReadString('\n')
		p.log.add(line)
		if !seen && strings.Contains(line, readyLine) {
			seen = true
			close(ready)
		}
		if err != nil {
			break
		}
	}
	_ = output.Close()
	p.failed = p.supervisor.Wait()
	_ = p.lifeline.Close()
}

// kill ends all processes of the server by SIGKILL, all at one moment: none
// sees the others die and says so to its clients.
func (p *process) kill() error {
	if err := p.pause(); err != nil {
		return err
	}
	for _, pid := range descendants(p.supervisor.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return p.wait() // the supervisor kills what was born meanwhile
}

// end lets the supervisor end everything and remove the server's folder.
func (p *process) end() error {
	_ = p.lifeline.Close()
	return p.wait()
}

func (p *process) wait() error {
	select {
	case <-p.gone:
		return nil
	case <-time.After(startLimit):
		return fmt.Errorf("servers: processes %v do not end", descendants(p.supervisor.Process.Pid))
	}
}

// pause stops the eldest first, so that no more are born, until all of them
// are seen to be stopped.
func (p *process) pause() error {
	for end := time.Now().Add(startLimit); time.Now().Before(end); {
		running := 0
		for _, pid := range descendants(p.supervisor.Process.Pid) {
			if state(pid) != 'T' {
				running++
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
		}
		if running == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("servers: the server cannot be stopped")
}

func (p *process) resume() error {
	for _, pid := range descendants(p.supervisor.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("servers: resume: %w", err)
		}
	}
	return nil
}

// exitWithParent ends the test process when "go test" is killed, which would
// otherwise leave it running to its end.
var exitWithParent = sync.OnceFunc(func() {
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(time.Second)
		}
		_, _ = os.Stderr.WriteString("servers: the process that started the tests is gone; stopping\n")
		os.Exit(1)
	}()
})

// tail keeps the last lines that a server printed.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if len(l.lines) > 60 {
		l.lines = append([]string(nil), l.lines[len(l.lines)-30:]...)
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}

package examples

import (
	"bufio"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// A Process is a running shop.
type Process struct {
	URL  string // http://127.0.0.1:PORT
	Line string // the start-up line

	cmd    *exec.Cmd
	env    []string
	ended  chan struct{} // closed when the process is gone
	failed error         // why, once it is gone
	mu     sync.Mutex
	output strings.Builder
}

// Start starts the app in a folder, on a free port unless env says otherwise,
// and returns when it listens. env is all that it gets of the environment. It
// ends with the test at the latest.
func (a App) Start(t testing.TB, dir string, env ...string) *Process {
	t.Helper()
	p := a.launch(t, dir, env)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	if p.URL == "" {
		t.Fatalf("%s %v did not start: %v\n%s", a.Name, env, p.failed, p.Output())
	}
	return p
}

// Run starts an app that is expected to end by itself, and returns its exit
// status and what it printed.
func (a App) Run(t testing.TB, dir string, env ...string) (status int, output string) {
	t.Helper()
	p := a.launch(t, dir, env)
	if p.URL != "" {
		_ = p.cmd.Process.Kill()
		<-p.ended
		t.Fatalf("%s %v started: %s", a.Name, env, p.Line)
	}
	return p.cmd.ProcessState.ExitCode(), p.Output()
}

// launch returns when the app listens or has ended.
func (a App) launch(t testing.TB, dir string, env []string) *Process {
	t.Helper()
	p := &Process{env: env, ended: make(chan struct{})}
	p.cmd = exec.Command(a.Binary)
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"ADDR=127.0.0.1:0", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}, env...)
	endWithParent(p.cmd)
	stdout, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = stdin, stdin
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = stdin.Close()
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			line := lines.Text()
			p.mu.Lock()
			p.output.WriteString(line + "\n")
			p.mu.Unlock()
			if strings.HasPrefix(line, "shop: http://") {
				listening <- line
			}
		}
		_ = stdout.Close()
		p.failed = p.cmd.Wait()
	}()
	select {
	case p.Line = <-listening:
		p.URL, _, _ = strings.Cut(strings.TrimPrefix(p.Line, "shop: "), ",")
	case <-p.ended:
	}
	return p
}

// Stop presses Ctrl-C and waits for the end, which must be a clean one. None of
// the passwords that the process was given may be in what it printed.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if p.failed != nil {
		t.Errorf("ended with %v\n%s", p.failed, p.Output())
	}
	for _, variable := range p.env {
		_, value, _ := strings.Cut(variable, "=")
		if u, err := url.Parse(value); err == nil {
			if password, ok := u.User.Password(); ok && strings.Contains(p.Output(), password) {
				t.Errorf("a password is in what the process printed:\n%s", p.Output())
			}
		}
	}
}

// Signal sends a signal to the process, which may be gone already.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Failure is how the process ended, nil if well; to be asked once it is gone.
func (p *Process) Failure() error { return p.failed }

// Output is what the process has printed so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

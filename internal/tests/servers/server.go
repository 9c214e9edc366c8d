package servers

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is one server process that can be killed and restarted: its folder
// and its port stay. Its methods are for the tests that own the server.
type server struct {
	home home
	port int

	mu     sync.Mutex
	run    command
	proc   *process // nil while killed
	paused bool
}

// startLimit is how long a server may take until it is ready: creating a
// MariaDB on a busy machine takes some ten seconds.
const startLimit = 2 * time.Minute

// portAttempts bounds how often a server is started anew since somebody else
// took its port between our look and its bind.
const portAttempts = 5

// launch starts the command that build makes for a free port and waits until
// it is ready.
func launch(h home, pickPort func() (int, error), build func(port int) command) (*server, error) {
	for attempt := 1; ; attempt++ {
		port, err := pickPort()
		if err != nil {
			return nil, err
		}
		run := build(port)
		proc, err := startProcess(run)
		if err == nil {
			return &server{home: h, port: port, run: run, proc: proc}, nil
		}
		if attempt == portAttempts || !strings.Contains(err.Error(), "ddress already in use") {
			return nil, err
		}
	}
}

// Kill ends the server as a crash does: SIGKILL to each of its processes. It
// returns when all are gone. A killed server stays so until Restart.
func (s *server) Kill(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	if err := s.proc.kill(); err != nil {
		t.Fatal(err)
	}
	s.proc, s.paused = nil, false
}

// Stop pauses each process of the server by SIGSTOP: connections stay open and
// nobody answers, as after a network failure. It returns when all are paused.
func (s *server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		t.Fatal("servers: Stop of a killed server")
	}
	if err := s.proc.pause(); err != nil {
		t.Fatal(err)
	}
	s.paused = true
}

// Cont resumes a server after Stop.
func (s *server) Cont(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		t.Fatal("servers: Cont of a killed server")
	}
	if err := s.proc.resume(); err != nil {
		t.Fatal(err)
	}
	s.paused = false
}

// Restart starts the server again at the same address, after killing it if it
// runs, and returns when it answers. Databases keep what was committed; Redis
// starts empty.
func (s *server) Restart(t testing.TB) {
	t.Helper()
	s.Kill(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	proc, err := startProcess(s.run)
	if err != nil {
		t.Fatal(err)
	}
	s.proc = proc
}

// alive tells whether the server runs and is not paused.
func (s *server) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc != nil && !s.paused
}

// stop ends the server for good and removes its folder.
func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.proc != nil {
		err = s.proc.end()
		s.proc = nil
	}
	s.home.remove()
	return err
}

// A home is a server's temporary folder and the account it runs under: servers
// of databases refuse to run as root.
type home struct {
	Dir      string
	UID, GID int // -1: the account of the test process
}

// newHome makes a folder owned by the first of the accounts that exists, if the
// tests run as root, else by the account of the tests.
func newHome(server string, accounts ...string) (home, error) {
	uid, gid, err := account(accounts)
	if err != nil {
		return home{}, err
	}
	dir, err := os.MkdirTemp("", homePrefix+server+"-")
	if err != nil {
		return home{}, fmt.Errorf("servers: %w", err)
	}
	h := home{Dir: dir, UID: uid, GID: gid}
	if uid >= 0 {
		if err := os.Chown(dir, uid, gid); err != nil {
			h.remove()
			return home{}, fmt.Errorf("servers: %w", err)
		}
	}
	return h, nil
}

// write puts a file into the folder that only the server's account can read.
func (h home) write(name, text string) error {
	path := h.Dir + "/" + name
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	if h.UID >= 0 {
		return os.Chown(path, h.UID, h.GID)
	}
	return nil
}

// HostPort is where the server listens.
func (s *server) HostPort() (host, port string) {
	host, port, _ = net.SplitHostPort(address(s.port))
	return host, port
}

package servers

import (
	"strconv"
	"testing"
)

// Shut ends the server in order, as an administrator does who does not wait for
// its clients. It returns when all is gone. It stays so until Restart.
func (s *server) Shut(t testing.TB) {
	t.Helper()
	s.harm(t, func(p *process) error { return p.shut(s.run.Shut) })
	s.AwaitEnd(t)
}

// Crash kills one process of the server.
func (s *server) Crash(t testing.TB, pid string) {
	t.Helper()
	s.harm(t, func(p *process) error {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return err
		}
		return p.crash(n)
	})
}

// LimitFiles makes writing to any file fail for all processes of the server and
// those that they start, as if the disk was full, until Restart.
func (s *server) LimitFiles(t testing.TB) {
	t.Helper()
	s.harm(t, func(p *process) error { return p.limitFiles(s.home) })
}

// AwaitEnd returns when the server has ended by itself. It stays so until
// Restart.
func (s *server) AwaitEnd(t testing.TB) {
	t.Helper()
	s.harm(t, (*process).wait)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc = nil
}

func (s *server) harm(t testing.TB, do func(*process) error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		t.Fatal("servers: the server was killed")
	}
	if err := do(s.proc); err != nil {
		t.Fatal(err)
	}
}

package servers

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
)

// shut signals the eldest process of the server.
func (p *process) shut(sig syscall.Signal) error {
	all := descendants(p.supervisor.Process.Pid)
	if len(all) == 0 {
		return nil
	}
	return p.signal(all[0], sig)
}

func (p *process) crash(pid int) error {
	if !slices.Contains(descendants(p.supervisor.Process.Pid), pid) {
		return fmt.Errorf("servers: %d is no process of the server", pid)
	}
	return p.signal(pid, syscall.SIGKILL)
}

func (p *process) signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	return nil
}

// limitFiles sets the longest file that the processes may write to nothing. It
// runs as their account: root may be forbidden to limit others.
func (p *process) limitFiles(h home) error {
	for _, pid := range descendants(p.supervisor.Process.Pid) {
		cmd := exec.Command("prlimit", "--fsize=0:0", "--pid", strconv.Itoa(pid))
		if h.UID >= 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(h.UID), Gid: uint32(h.GID)}}
		}
		if text, err := cmd.CombinedOutput(); err != nil && state(pid) != 0 {
			return fmt.Errorf("servers: prlimit: %w: %s", err, text)
		}
	}
	return nil
}

package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A command is a program to run under a supervisor.
type command struct {
	Path  string
	Args  []string
	Home  home           // its working folder; removed with it
	Ready string         // part of the line that says it is ready; "": it ends by itself
	Quit  syscall.Signal // what ends it when the tests do; 0: nothing, kill it
	Shut  syscall.Signal // what an administrator ends it by, in order
}

// do runs a command that ends by itself.
func do(h home, path string, args ...string) error {
	_, err := startProcess(command{Path: path, Args: args, Home: h})
	return err
}

// homePrefix begins the name of every folder, so that nothing else is removed.
const homePrefix = "seshat-server-"

// remove deletes the folder. What a killed PostgreSQL leaves outside of it, a
// few bytes of System V shared memory, is named in its pid file.
func (h home) remove() {
	if !strings.HasPrefix(filepath.Base(h.Dir), homePrefix) {
		return
	}
	if text, err := os.ReadFile(h.Dir + "/data/postmaster.pid"); err == nil {
		if lines := strings.Split(string(text), "\n"); len(lines) > 6 {
			if key := strings.Fields(lines[6]); len(key) == 2 {
				_ = exec.Command("ipcrm", "-m", key[1]).Run()
			}
		}
	}
	_ = os.RemoveAll(h.Dir)
}

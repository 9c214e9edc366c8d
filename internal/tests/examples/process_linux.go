package examples

import (
	"os/exec"
	"syscall"
)

// endWithParent ends the process when the tests are killed.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

//go:build !linux

package servers

import (
	"errors"
	"syscall"
)

var errLinuxOnly = errors.New("servers: real servers can be started on Linux only")

type process struct{}

func startProcess(command) (*process, error) { return nil, errLinuxOnly }

func (*process) kill() error               { return errLinuxOnly }
func (*process) end() error                { return errLinuxOnly }
func (*process) pause() error              { return errLinuxOnly }
func (*process) resume() error             { return errLinuxOnly }
func (*process) wait() error               { return errLinuxOnly }
func (*process) crash(int) error           { return errLinuxOnly }
func (*process) limitFiles(home) error     { return errLinuxOnly }
func (*process) shut(syscall.Signal) error { return errLinuxOnly }

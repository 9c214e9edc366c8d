package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seshat-go/seshat/core/session"
)

// The exit statuses. They are part of what the commands promise.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitFindings     = 3
	exitNoSession    = 4
	exitNotConfirmed = 5
	exitInterrupted  = 130 // as shells say of a program that SIGINT ended
)

// A failure is an error with an exit status of its own.
type failure struct {
	exit int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return failure{exitUsage, fmt.Errorf(format, args...)}
}

// exitOf is the status that err ends the program with.
func exitOf(ctx context.Context, err error) int {
	own, known := errors.AsType[failure](err)
	switch {
	case err == nil:
		return exitDone
	case known:
		return own.exit
	case ctx.Err() != nil: // whatever it made of the call that was under way
		return exitInterrupted
	case errors.Is(err, session.ErrNotFound):
		return exitNoSession
	default:
		return exitFailed
	}
}

// codes are the exit statuses in the JSON form of an error.
var codes = map[int]string{
	exitFailed:       "failed",
	exitUsage:        "usage",
	exitFindings:     "findings",
	exitNoSession:    "no such session",
	exitNotConfirmed: "not confirmed",
	exitInterrupted:  "interrupted",
}

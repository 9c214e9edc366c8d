// Command seshat looks after the sessions of an application: it lists and ends
// them, clears what has expired, moves them from one engine to another, and
// finds what is set up wrongly. It reads the environment variables that the
// application reads; docs/operations.md shows it at work.
//
// Exit status: 0 done; 1 failed; 2 wrong arguments or settings; 3 doctor found
// problems, or a comparison differences; 4 no such session; 5 not confirmed;
// 130 interrupted.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	t := newTool(os.Args, os.Environ())
	os.Exit(t.run(ctx))
}

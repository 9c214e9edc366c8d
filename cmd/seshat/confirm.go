package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do it without asking"}
}

// confirm asks whether to do what cannot be undone. Without a terminal there is
// nobody to ask, and --yes has to say it.
func (t *tool) confirm(ctx context.Context, cmd *cli.Command, what string) error {
	if cmd.Bool("yes") {
		return nil
	}
	if !t.canAsk {
		return failure{exitNotConfirmed, fmt.Errorf("this would %s: add --yes to do so without being asked", what)}
	}
	fmt.Fprintf(t.stderr, "This will %s. Go on? [y/N] ", printable(t.veil(what)))
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(t.stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
		return failure{exitNotConfirmed, errors.New("nothing was done")}
	case <-ctx.Done():
		fmt.Fprintln(t.stderr)
		return ctx.Err()
	}
}

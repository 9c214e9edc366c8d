package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// token has the form of the text in a cookie.
var token = strings.Repeat("x", 42) + "A"

// asked runs a command that asks, on what passes for a terminal.
func asked(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) (done bool, stderr string, exit int) {
	t.Helper()
	var out bytes.Buffer
	tl := &tool{stdin: stdin, stdout: io.Discard, stderr: &out, canAsk: true, args: []string{"seshat", token}}
	cmd := &cli.Command{Name: "harm", Flags: []cli.Flag{yesFlag()}, Action: tl.action(0, func(ctx context.Context, cmd *cli.Command) (result, error) {
		err := tl.confirm(ctx, cmd, "end all\x1b sessions of "+token)
		done = err == nil
		return nil, err
	})}
	if err := cmd.Run(ctx, append([]string{"harm"}, args...)); err != nil {
		t.Fatal(err)
	}
	return done, out.String(), tl.exit
}

func TestOnATerminalOnlyYesGoesOn(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, " yes ": true, "n\n": false, "\n": false, "": false, "yup\n": false} {
		done, stderr, exit := asked(t, t.Context(), strings.NewReader(answer))
		if done != want || exit != map[bool]int{true: exitDone, false: exitNotConfirmed}[want] {
			t.Errorf("answered %q: done %v, status %d", answer, done, exit)
		}
		if !strings.Contains(stderr, "end all") || strings.Contains(stderr, "\x1b") || strings.Contains(stderr, token) {
			t.Errorf("it asks %q", stderr)
		}
	}
}

func TestYesAnswersBeforeItIsAsked(t *testing.T) {
	if done, stderr, _ := asked(t, t.Context(), strings.NewReader("n\n"), "--yes"); !done || stderr != "" {
		t.Errorf("done %v, and it said %q", done, stderr)
	}
}

func TestAnInterruptEndsTheQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never, w := io.Pipe()
	defer w.CloseWithError(errors.New("over"))
	if done, _, exit := asked(t, ctx, never); done || exit != exitInterrupted {
		t.Errorf("done %v, status %d", done, exit)
	}
}

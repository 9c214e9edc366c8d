package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// ran is what a run without an environment prints on standard error, and its status.
func ran(t *testing.T, stdout io.Writer, args string) (stderr string, exit int) {
	t.Helper()
	var out bytes.Buffer
	tl := newTool(append([]string{"seshat"}, strings.Fields(args)...), nil)
	tl.stdin, tl.stdout, tl.stderr, tl.terminal, tl.canAsk = strings.NewReader(""), stdout, &out, false, false
	exit = tl.run(t.Context())
	return out.String(), exit
}

func TestAnAnswerThatCannotBeWrittenIsAFailure(t *testing.T) {
	for args, want := range map[string]int{
		"version": exitFailed, "version --json": exitFailed, "--help": exitFailed, "list --help": exitFailed, "completion bash": exitFailed,
		"list --json": exitUsage, // which it was before
	} {
		stderr, exit := ran(t, full{}, args)
		if exit != want || !strings.Contains(stderr, "no space left") {
			t.Errorf("%s: status %d and %q, want %d and why", args, exit, stderr, want)
		}
	}
}

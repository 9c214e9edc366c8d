package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/cmd/seshat/internal/doctor"
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

func TestTheErrorOfADriverIsReadable(t *testing.T) {
	const said = "failed to connect:\n\t[::1]:5432: refused\r\n\t127.0.0.1:5432: \x1brefused\n\t[::1]:5432: refused\n"
	if got, want := (&tool{}).message(t.Context(), errors.New(said)), "failed to connect:\n[::1]:5432: refused\n127.0.0.1:5432: \ufffdrefused"; got != want {
		t.Errorf("printed as %q, want %q", got, want)
	}
	list := []doctor.Finding{{Found: said, Do: "one\ttwo"}}
	(&tool{}).clean(list)
	if got, want := list[0].Found, "failed to connect: [::1]:5432: refused 127.0.0.1:5432: \ufffdrefused"; got != want || list[0].Do != "one two" {
		t.Errorf("found %q, want %q; to do is %q", got, want, list[0].Do)
	}
}

package cli_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A tool is the built program.
type tool string

const repository = "../../.."

// build builds it as its users do: without cgo and without the workspace.
func build(t *testing.T) tool {
	t.Helper()
	// "go test" repeats a result while no file has changed that the test opened.
	for _, dir := range []string{"cmd", "core", "stores"} {
		if err := fs.WalkDir(os.DirFS(repository), dir, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(t.TempDir(), "seshat")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, ".")
	cmd.Dir = repository + "/cmd/seshat"
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return tool(bin)
}

// An answer is what a run of it printed, and its exit status.
type answer struct {
	stdout, stderr string
	status         int
}

// command is a run that has not begun. env is all that it gets of the environment.
func (b tool) command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(string(b), args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	cmd.Dir = t.TempDir()
	return cmd
}

func (b tool) run(t *testing.T, env []string, args ...string) answer {
	t.Helper()
	cmd := b.command(t, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return answer{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ok runs a command that must succeed, and returns what it printed.
func (b tool) ok(t *testing.T, env []string, args ...string) string {
	t.Helper()
	a := b.run(t, env, args...)
	if a.status != 0 {
		t.Fatalf("seshat %s: status %d\n%s%s", strings.Join(args, " "), a.status, a.stdout, a.stderr)
	}
	return a.stdout
}

// failing is the member "error" of a command's JSON.
type failing struct {
	Error *struct {
		Code    string
		Exit    int
		Message string
	}
}

// json runs a command with --json, and reads what it printed, which must be one
// object whatever happened; strictly, so that no member is unknown to the test.
func (b tool) json(t *testing.T, into any, env []string, args ...string) (status int) {
	t.Helper()
	a := b.run(t, env, append(args, "--json")...)
	d := json.NewDecoder(strings.NewReader(a.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("seshat %s: %v\n%s%s", strings.Join(args, " "), err, a.stdout, a.stderr)
	}
	if d.More() {
		t.Fatalf("seshat %s: more than one object:\n%s", strings.Join(args, " "), a.stdout)
	}
	return a.status
}

// Package examples runs the apps of the examples folder as their users do: it
// copies each folder out of the repository, builds the copy, and starts it as
// a process.
package examples

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Folder is where the examples are, seen from a package beside this one.
const Folder = "../../../examples"

// Names are the examples, one for each framework.
var Names = []string{"gin", "echo", "chi"}

// An App is a built example.
type App struct {
	Name   string
	Binary string
}

// Build copies examples out of the repository and builds them without cgo and
// without the workspace. The only change made to a copy is that its replace
// lines lead back to the repository. The binaries live as long as the test.
func Build(t testing.TB, names ...string) []App {
	t.Helper()
	dependOnSources(t)
	bin := t.TempDir()
	apps := make([]App, len(names))
	for i, name := range names {
		original, err := filepath.Abs(filepath.Join(Folder, name))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), name)
		if err := os.CopyFS(dir, os.DirFS(original)); err != nil {
			t.Fatal(err)
		}
		redirect(t, dir, original)
		apps[i] = App{Name: name, Binary: filepath.Join(bin, name)}
		goCommand(t, dir, "build", "-o", apps[i].Binary, ".")
	}
	return apps
}

// BuildTool builds the command-line tool, which lives as long as the test.
func BuildTool(t testing.TB) string {
	t.Helper()
	dependOnSources(t)
	binary := filepath.Join(t.TempDir(), "seshat")
	goCommand(t, filepath.Join(Folder, "..", "cmd", "seshat"), "build", "-o", binary, ".")
	return binary
}

// dependOnSources makes "go test" run the test again when what it builds has
// changed. It repeats a result while no file has changed that the test opened
// inside of the test's own module; names that begin there count as inside.
func dependOnSources(t testing.TB) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	repository := os.DirFS(here + "/../../..")
	for _, dir := range []string{"adapters", "cmd", "core", "examples", "stores"} {
		if err := fs.WalkDir(repository, dir, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
}

// redirect makes the relative replace lines of the copy's go.mod absolute.
func redirect(t testing.TB, dir, original string) {
	t.Helper()
	var mod struct {
		Replace []struct{ Old, New struct{ Path string } }
	}
	if err := json.Unmarshal(goCommand(t, dir, "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	edit := []string{"mod", "edit"}
	for _, r := range mod.Replace {
		if strings.HasPrefix(r.New.Path, ".") {
			edit = append(edit, "-replace="+r.Old.Path+"="+filepath.Join(original, r.New.Path))
		}
	}
	goCommand(t, dir, edit...)
}

func goCommand(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s in a copy of %s: %v\n%s", strings.Join(args, " "), filepath.Base(dir), err, stderr.String())
	}
	return out
}

// Package walkthrough runs the lines that the documentation asks its readers to
// copy.
package walkthrough

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

const repository = "../../.."

var block = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestTheLinesOfTheMigrationPageWork copies every line of docs/migration.md into
// one shell, but for those that name the reader's servers.
func TestTheLinesOfTheMigrationPageWork(t *testing.T) {
	if !servers.Wanted() {
		t.Skip(servers.NotRun)
	}
	page, err := os.ReadFile(filepath.Join(repository, "docs", "migration.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 || !strings.HasPrefix(blocks[0][1], "export DATABASE_URL=") {
		t.Fatal("the page does not begin with the lines that a reader changes")
	}
	db, r := servers.Postgres(t), servers.Redis(t, "--appendonly", "yes")
	lines := "set -eu\n" +
		"export DATABASE_URL='" + db.URL + "' REDIS_URL=" + r.URL() + "\n" +
		fmt.Sprintf("ports='%d %d'\n", servers.FreePort(t), servers.FreePort(t)) +
		"trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	looks := 0
	for _, b := range blocks[1:] {
		lines += "echo '# next'\n" + b[1]
		looks += strings.Count(b[1], "\nlook\n")
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", lines)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("the lines ended with %v", err)
	}
	if n := strings.Count(string(out), `"user":"alice","cart":["tea"]`); n != 2*looks {
		t.Errorf("alice is signed in with her cart in %d of %d looks", n, 2*looks)
	}
	if strings.Contains(string(out), password) {
		t.Error("a password was printed")
	}
}

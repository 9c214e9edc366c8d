package examples_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/examples"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

// own are the files that an example has for itself.
var own = []string{"README.md", "go.mod", "go.sum", "shop.go"}

func TestAllButTheHandlersIsTheSameInEveryExample(t *testing.T) {
	var names []string
	for _, app := range examples.Names {
		folder := filepath.Join(examples.Folder, app)
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			name, _ := filepath.Rel(folder, path)
			if err == nil && !e.IsDir() && filepath.Ext(name) != ".db" && !slices.Contains(names, name) {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		var first []byte
		for i, app := range examples.Names {
			text, err := os.ReadFile(filepath.Join(examples.Folder, app, name))
			switch {
			case err != nil:
				t.Error(err)
			case i == 0:
				first = text
			case !slices.Contains(own, name) && !bytes.Equal(text, first):
				t.Errorf("%s differs between %s and %s", name, examples.Names[0], app)
			}
		}
	}
}

// TestShops builds the shops once, from copies outside of the repository, and
// tries all that they promise.
func TestShops(t *testing.T) {
	apps := examples.Build(t, examples.Names...)

	t.Run("all three answer alike", func(t *testing.T) { answerAlike(t, apps) })
	t.Run("losing the database is an outage, not a sign-out", func(t *testing.T) { loseDatabase(t, apps) })

	each(t, apps, "a session lives as long as its store", liveAsLongAsTheStore)
	each(t, apps, "100 parallel posts leave 100 items", keepParallelPosts)
	each(t, apps, "100 parallel posts to two processes leave 100 items", keepParallelPostsToTwo)

	for _, app := range apps {
		t.Run("pages and the API only read, in "+app.Name, func(t *testing.T) { readOnly(t, app) })
		t.Run("a cart gets full, in "+app.Name, func(t *testing.T) { fillUp(t, app) })
		t.Run("losing Redis changes no answer/"+app.Name, func(t *testing.T) { loseRedis(t, app) })
		t.Run("what is wrong is one line and status 1/"+app.Name, func(t *testing.T) { refuseToStart(t, app) })
		t.Run("a cache that is down at the start is no hindrance/"+app.Name, func(t *testing.T) { startWithoutCache(t, app) })
		t.Run("the start-up line tells what is in use/"+app.Name, func(t *testing.T) { tellWhatIsInUse(t, app) })
		t.Run("the cookie is secure where the address is not loopback/"+app.Name, func(t *testing.T) { chooseCookie(t, app) })
	}
}

// each runs a test for the default setup with every app, and for the others with
// one app each: the apps differ in their handlers only.
func each(t *testing.T, apps []examples.App, name string, f func(*testing.T, examples.App, setup)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for i, s := range setups {
			t.Run(s.name, func(t *testing.T) {
				if s.real {
					needServers(t)
				}
				on := apps
				if i > 0 {
					on = apps[i%len(apps):][:1]
				}
				for _, app := range on {
					t.Run(app.Name, func(t *testing.T) { f(t, app, s) })
				}
			})
		}
	})
}

package cli_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// Every command that opens something.
var commands = []string{
	"list --user alice", "show " + strings.Repeat("A", 43), "stats", "revoke " + strings.Repeat("A", 43), "revoke --user alice --yes", "revoke --all --yes",
	"clearsessions", "doctor", "migrate",
}

func noPassword(t *testing.T, seshat tool) {
	t.Parallel() // it mostly waits, for servers that do not answer
	const secret, inURL = `s3c/r#et?@%`, "s3c%2Fr%23et%3F%40%25"
	const nobody = "127.0.0.1:1"
	busy, err := net.Listen("tcp", "127.0.0.1:0") // nobody answers there
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	databases := []string{
		"postgres://u:" + inURL + "@" + nobody + "/db",
		"mysql://u:" + inURL + "@" + nobody + "/db",
		"postgres://u:" + secret + "@" + nobody + "/db",
		"postgres://u@" + nobody + "/db?password=" + inURL,
		"postgres://u:" + inURL + "@" + nobody + "/db?sslmode=odd",
		"mysql://u:" + inURL + "@" + nobody + "/db?tls=odd",
		"postgres:/u:" + secret + "@" + nobody,
		"oracle://u:" + inURL + "@" + nobody + "/db",
	}
	redises := []string{
		"redis://:" + inURL + "@" + nobody + "/0",
		"rediss://u:" + inURL + "@" + nobody,
		"redis://:" + secret + "@" + nobody,
		"redis://:" + inURL + "@" + nobody + "/first",
		"redis://:" + inURL + "@" + nobody + "?master_name=shop",
		"redis://:" + inURL + "@" + nobody + "?addr=" + nobody,
		"redis:/:" + secret + "@" + nobody,
	}
	if servers.Wanted() {
		databases = append(databases,
			"postgres://seshat:"+inURL+"@"+servers.SharedPostgres(t).Addr+"/postgres?sslmode=disable")
		redises = append(redises, "redis://:"+inURL+"@"+servers.Redis(t, "--requirepass", "another").Addr)
	}
	var all sync.WaitGroup
	defer all.Wait()
	places := make(chan struct{}, 16)
	check := func(env []string, args ...string) {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			a := seshat.run(t, env, args...)
			if a.status == 0 {
				t.Errorf("seshat %v with %v succeeded", args, env)
			}
			out := a.stdout + a.stderr
			for _, form := range []string{secret, inURL, "s3c", "r#et", "r%23et", "%23et"} {
				if strings.Contains(out, form) {
					t.Errorf("seshat %v with %v prints the password:\n%s", args, env, out)
				}
			}
		})
	}
	for i, u := range databases {
		env := []string{"DATABASE_URL=" + u}
		check(env, "list", "--user", "alice")
		check(env, "doctor", "--json")
		check(nil, "copy", "--from", u, "--to", "sqlite:"+t.TempDir()+"/x.db")
		if i < 2 {
			for _, c := range commands {
				check(env, strings.Fields(c)...)
			}
		}
	}
	for i, u := range redises {
		env := []string{"SESSION_ENGINE=cache", "REDIS_URL=" + u}
		check(env, "stats", "--json")
		check(env, "doctor")
		check([]string{"OLD=" + u}, "copy", "--from", "env:OLD", "--to", redises[0], "--json")
		if i == 0 {
			for _, c := range commands {
				check(env, strings.Fields(c)...)
			}
		}
	}
	// In the wrong place.
	url := "postgres://u:" + inURL + "@" + nobody + "/db"
	check(nil, url)
	check(nil, "list", "--limit", url)
	check(nil, "list", "--user", "alice", url)
	check(nil, "copy", "--from", url, "--to", "db", "--batch", url)
	check(nil, "doctor", "--fail-on", url)
	check([]string{"SESSION_ENGINE=" + url}, "stats")
	check([]string{"SESSION_TABLE=" + url, "DATABASE_URL=" + url}, "doctor")
}

package cli_test

import (
	"strings"
	"testing"
)

func usageErrors(t *testing.T, seshat tool) {
	db := []string{"DATABASE_URL=sqlite:shop.db"}
	id := strings.Repeat("A", 43)
	for _, c := range []struct {
		env  []string
		args string
		says string
	}{
		{nil, "lsit --user a", `did you mean "list"`},
		{nil, "list --usr a", "did you mean --user"},
		{nil, "list", "--user"},
		{db, "list --user=", "--user"},
		{db, "list --user a --limit many", "--limit"},
		{db, "list --user a --limit 0", "--limit"},
		{db, "list --user a b", "no arguments"},
		{nil, "list --user a", "DATABASE_URL"},
		{[]string{"SESSION_ENGINE=redis"}, "list --user a", "SESSION_ENGINE"},
		{[]string{"SESSION_ENGINE=memory"}, "list --user a", "memory"},
		{[]string{"SESSION_ENGINE=cache"}, "stats", "memory"},
		{db, "show", "ID"},
		{db, "show short", "43 characters"},
		{db, "revoke", "--all"},
		{db, "revoke --all --user a", "only one"},
		{db, "revoke " + id + " --all", "only one"},
		{db, "revoke --user=", "--user"},
		{db, "revoke short", "43 characters"},
		{db, "revoke --all --batch 0", "--batch"},
		{db, "clearsessions --batch 9", "--batch"},
		{db, "copy", "--from"},
		{db, "copy --from db", "--to"},
		{db, "copy --from db --to cache", "REDIS_URL"},
		{db, "copy --from db --to db", "nothing to copy"},
		{db, "copy --from db --to nowhere", "--to"},
		{db, "copy --from db --from redis://127.0.0.1:1 --to cache", "twice"},
		{db, "copy --from env:NOBODY --to cache", "NOBODY"},
		{append(db, "SESSION_ENGINE=cached_db", "REDIS_URL=redis://127.0.0.1:1"), "copy --from db --to cache", "cached_db"},
		{append(db, "REDIS_URL= redis://u:p@127.0.0.1:1/first "), "copy --from sqlite: --to cache", "--from"},
		{append(db, "SESSION_TABLE=a-b"), "copy --from sqlite:a.db --to sqlite:b.db", "SESSION_TABLE"},
		{append(db, "REDIS_URL= redis://:a/b@127.0.0.1 "), "copy --from cache --to sqlite:b.db", "not a URL"},
		{db, "copy --from sqlite:a.db --to sqlite:b.db --verify --finish", "--finish"},
		{db, "doctor --fail-on fire", "--fail-on"},
	} {
		args := strings.Fields(c.args)
		a := seshat.run(t, c.env, args...)
		if a.status != 2 || a.stdout != "" || !strings.Contains(a.stderr, c.says) {
			t.Errorf("%s with %v: status %d, %q and %q; want 2 and %q on standard error", c.args, c.env, a.status, a.stdout, a.stderr, c.says)
		}
		var f failing
		if status := seshat.json(t, &f, c.env, args...); status != 2 || f.Error == nil || f.Error.Code != "usage" || f.Error.Exit != 2 || !strings.Contains(f.Error.Message, c.says) {
			t.Errorf("%s --json with %v: status %d and %+v", c.args, c.env, status, f.Error)
		}
	}
}

func helps(t *testing.T, seshat tool) {
	commands := []string{"list", "show", "stats", "revoke", "clearsessions", "doctor", "migrate", "copy", "version"}
	root := seshat.ok(t, nil, "--help")
	if a := seshat.run(t, nil); a.status != 2 || a.stdout != "" || a.stderr != root {
		t.Errorf("without a command: status %d, %q and %q", a.status, a.stdout, a.stderr)
	}
	for _, c := range commands {
		if !strings.Contains(root, "\n   "+c+" ") {
			t.Errorf("the help does not list %s:\n%s", c, root)
		}
		help := seshat.ok(t, nil, c, "--help")
		if !strings.Contains(help, "seshat "+c) || !strings.Contains(help, "JSON: {") {
			t.Errorf("the help of %s has no example, or does not say what its JSON is:\n%s", c, help)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if script := seshat.ok(t, nil, "completion", shell); !strings.Contains(script, "seshat") || !strings.Contains(script, "--generate-shell-completion") {
			t.Errorf("the completion of %s is\n%s", shell, script)
		}
	}
	if help := seshat.ok(t, nil, "completion", "--help"); !strings.Contains(help, "package bash-completion") {
		t.Errorf("the help of completion does not say what bash needs:\n%s", help)
	}
	if words := seshat.ok(t, nil, "--generate-shell-completion"); !strings.Contains(words, "clearsessions") {
		t.Errorf("completed by %q", words)
	}
	var v struct {
		Version, Revision, Go string
		Modified              bool
	}
	if seshat.json(t, &v, nil, "version"); v.Version == "" || !strings.HasPrefix(v.Go, "go1.") {
		t.Errorf("the version is %+v", v)
	}
}

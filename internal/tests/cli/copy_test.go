package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

type copied struct {
	From, To                                                                                          string
	DryRun                                                                                            bool `json:"dry_run"`
	Scanned, Copied, Migrated, Ended, Expired, Unreadable, Left, Differing, Removed, Retried, Missing int
	Differences                                                                                       []struct {
		ID  session.ID
		Why string
	}
	failing
}

func copies(t *testing.T, seshat tool) {
	needServers(t)
	env := engines(t)["db"]
	before := openSite(t, env...)
	_, cookie := before.visit("alice")
	id, visitor := before.visit("")
	run := func(status int, args ...string) (c copied) {
		t.Helper()
		if got := seshat.json(t, &c, env, append([]string{"copy", "--from", "db", "--to", "cache"}, args...)...); got != status {
			t.Fatalf("copy %v: status %d, want %d: %+v", args, got, status, c.Error)
		}
		return c
	}
	if c := run(0, "--dry-run"); c.Copied != 2 || !c.DryRun || !strings.HasPrefix(c.From, "db postgres://") || !strings.HasPrefix(c.To, "cache redis://") {
		t.Errorf("the rehearsal says %+v", c)
	}
	if c := run(3, "--verify"); c.Left != 2 || c.Error.Code != "findings" {
		t.Errorf("before the copy %+v is left", c)
	}
	if c := run(5); c.Error.Code != "not confirmed" || c.Copied != 0 {
		t.Errorf("a place named by hand, unconfirmed: %+v", c)
	}
	if c := run(0, "--yes"); c.Copied != 2 {
		t.Errorf("copied %+v", c)
	}
	if c := run(0, "--yes"); c.Copied != 0 || c.Migrated != 2 {
		t.Errorf("copied again %+v", c)
	}
	if c := run(0, "--verify"); c.Migrated != 2 || c.Left != 0 {
		t.Errorf("verified %+v", c)
	}
	after := openSite(t, append(slices.Clone(env), "SESSION_ENGINE=cache")...)
	if !after.signedIn(cookie) || !after.signedIn(visitor) {
		t.Error("the copy signed somebody out")
	}
	if c := run(5, "--finish"); c.Error.Code != "not confirmed" {
		t.Errorf("unconfirmed: %+v", c)
	}
	if c := run(0, "--finish", "--yes"); c.Removed != 2 {
		t.Errorf("finished %+v", c)
	}
	if !after.signedIn(cookie) {
		t.Error("the end of the move signed somebody out")
	}
	if a := seshat.run(t, append(slices.Clone(env), "SESSION_ENGINE=cache", "SESSION_TRANSITION_FROM=db", "SESSION_TRANSITION_STEP=2"), "copy"); a.status != 0 || !strings.Contains(a.stdout, "0  copied") {
		t.Errorf("by the settings of the transition: status %d\n%s%s", a.status, a.stdout, a.stderr)
	}
	// The same version in both stores, and not the same data: no move explains it.
	rec, err := after.manager.Store().Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	rec.Mark[0]++
	if err := before.manager.Store().Create(t.Context(), id, rec); err != nil {
		t.Fatal(err)
	}
	if c := run(3, "--verify"); c.Differing != 1 || len(c.Differences) != 1 || c.Differences[0].ID != id {
		t.Errorf("differing: %+v", c)
	}
}

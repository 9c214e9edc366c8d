package cli_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// What the commands print with --json, as their help says.
type (
	listed struct {
		ID               session.ID
		User, Address    string
		UserAgent        string `json:"user_agent"`
		Created, Expires *time.Time
		SignedIn         *time.Time `json:"signed_in"`
		LastSeen         *time.Time `json:"last_seen"`
	}
	listing struct {
		User     string
		Sessions []listed
		Next     string
	}
	shown struct {
		listed
		IdleTimeout float64    `json:"idle_timeout"`
		LifetimeEnd *time.Time `json:"lifetime_end"`
		Persistent  bool
		Version     uint64
		Bytes       int
		Codec       string
		Keys        []struct {
			Key   string
			Bytes int
			Value any
		}
		failing
	}
	revoked struct {
		Ended, Pending int
		failing
	}
	cleared struct {
		Deleted, Batches int
		Seconds          float64
		Busy             float64 `json:"busy_seconds"`
		failing
	}
	bucket struct {
		UpTo int64 `json:"up_to"`
		Live int
	}
	stats struct {
		Engine                                                          string
		Records, Live, Expired, Marks, Anonymous, Users, Bytes, Largest int
		SignedIn                                                        int      `json:"signed_in"`
		ByAge                                                           []bucket `json:"by_age"`
		BySize                                                          []bucket `json:"by_size"`
		Tiers                                                           []struct {
			Tier, Kind string
			Records    int
		}
		Complete bool
	}
)

func commandsOnEngines(t *testing.T, seshat tool) {
	needServers(t)
	for engine, env := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			if engine != "cache" {
				a := seshat.run(t, env, "list", "--user", "alice")
				if a.status != 1 || !strings.Contains(a.stderr, "seshat migrate") {
					t.Errorf("without a table: status %d and %q", a.status, a.stderr)
				}
				if a := seshat.run(t, env, "stats"); a.status != 1 || a.stdout != "" {
					t.Errorf("stats without a table: status %d and %q", a.status, a.stdout)
				}
			}
			if engine == "db" {
				a := seshat.run(t, append(slices.Clone(env), "SESSION_TABLE=nowhere.sessions"), "migrate")
				if a.status != 1 || !strings.Contains(a.stderr, "CREATE SCHEMA nowhere") || strings.Contains(a.stderr, "seshat migrate\"") {
					t.Errorf("without a schema: status %d and %q", a.status, a.stderr)
				}
			}
			var m struct {
				Migrated bool
				Engine   string
			}
			if seshat.json(t, &m, env, "migrate"); m.Migrated == (engine == "cache") || m.Engine != engine {
				t.Errorf("migrate says %+v", m)
			}
			work(t, seshat, openSite(t, env...), engine)
		})
	}
}

func sqliteAlone(t *testing.T, seshat tool) {
	env := sqliteEnv(t)
	if a := seshat.run(t, env, "stats"); a.status != 1 || !strings.Contains(a.stderr, "no database") {
		t.Errorf("without a file: status %d and %q", a.status, a.stderr)
	}
	seshat.ok(t, env, "migrate")
	if a := seshat.run(t, env, "list", "--user", "alice", "--after", "garbage"); a.status != 2 || !strings.Contains(a.stderr, "no cursor that list printed") {
		t.Errorf("after no cursor: status %d and %q", a.status, a.stderr)
	}
	path := strings.TrimPrefix(env[0], "DATABASE_URL=sqlite:")
	if err := os.Symlink(path, path+".too"); err != nil {
		t.Fatal(err)
	}
	a := seshat.run(t, env, "copy", "--from", "db", "--to", "sqlite:"+path+".too", "--yes")
	if a.status != 2 || a.stdout != "" || !strings.Contains(a.stderr, "seshat copy: the old and the new store are one place under two names") || strings.Contains(a.stderr, "invalid argument") {
		t.Errorf("copied to itself: status %d, %q and %q", a.status, a.stdout, a.stderr)
	}
	work(t, seshat, openSite(t, env...), "db")
}

// work goes through a day of an operator's.
func work(t *testing.T, seshat tool, s *site, engine string) {
	env := s.env
	first, cookie := s.visit("alice")
	second, _ := s.visit("alice")
	_, bobs := s.visit("bob")
	_, visitor := s.visit("")

	t.Log("list")
	var l, rest listing
	seshat.json(t, &l, env, "list", "--user", "alice", "--limit", "1")
	if len(l.Sessions) != 1 || l.Sessions[0].ID != second || l.Next == "" {
		t.Fatalf("the first page is %+v, want %s and a next", l, second)
	}
	seshat.json(t, &rest, env, "list", "--user", "alice", "--limit", "1", "--after", l.Next)
	if len(rest.Sessions) != 1 || rest.Sessions[0].ID != first || rest.Next != "" {
		t.Fatalf("the second page is %+v, want %s and no next", rest, first)
	}
	if one := rest.Sessions[0]; one.User != "alice" || one.Address != "192.0.2.7" || one.UserAgent != "Firefox" || one.SignedIn == nil || one.Expires == nil {
		t.Errorf("listed as %+v", one)
	}
	if text := seshat.ok(t, env, "list", "--user", "alice"); !strings.Contains(text, string(first)) || strings.Contains(text, cookie) {
		t.Errorf("listed as\n%s", text)
	}

	t.Log("show")
	var sh shown
	seshat.json(t, &sh, env, "show", string(first))
	if sh.ID != first || sh.User != "alice" || len(sh.Keys) != 1 || sh.Keys[0].Key != "cart" || sh.Keys[0].Value != nil || sh.Keys[0].Bytes == 0 {
		t.Errorf("shown as %+v", sh)
	}
	if text := seshat.ok(t, env, "show", string(first)); !strings.Contains(text, "cart") || strings.Contains(text, secretTea) {
		t.Errorf("without --values shown as\n%s", text)
	}
	if text := seshat.ok(t, env, "show", string(first), "--values"); !strings.Contains(text, secretTea) {
		t.Errorf("with --values shown as\n%s", text)
	}
	for _, command := range []string{"show", "revoke"} { // a cookie is no ID, and is not repeated
		a := seshat.run(t, env, command, cookie)
		if a.status != 4 || strings.Contains(a.stdout+a.stderr, cookie) {
			t.Errorf("%s of a cookie: status %d, %q and %q", command, a.status, a.stdout, a.stderr)
		}
	}

	t.Log("stats, clearsessions")
	s.expired(3)
	var st stats
	seshat.json(t, &st, env, "stats")
	if !st.Complete || st.Engine != engine || st.Live != 4 || st.SignedIn != 3 || st.Anonymous != 1 || st.Users != 2 || st.Expired != 3 || st.Records != st.Live+st.Expired+st.Marks ||
		st.ByAge[0].Live != 4 || st.BySize[0].Live != 4 || len(st.Tiers) != map[string]int{"db": 1, "cache": 1, "cached_db": 2}[engine] || st.Tiers[0].Records != st.Records {
		t.Errorf("counted %+v", st)
	}
	var c cleared
	if seshat.json(t, &c, env, "clearsessions"); c.Deleted != 3 {
		t.Errorf("cleared %+v", c)
	}

	t.Log("revoke")
	var r revoked
	if seshat.json(t, &r, env, "revoke", string(first)); r.Ended != 1 || s.signedIn(cookie) {
		t.Errorf("revoked %+v, and alice is signed in: %v", r, s.signedIn(cookie))
	}
	if status := seshat.json(t, &r, env, "revoke", string(first)); status != 4 || r.Error.Code != "no such session" {
		t.Errorf("revoked again: status %d, %+v", status, r.Error)
	}
	for _, all := range [][]string{{"--user", "bob"}, {"--all"}} {
		if a := seshat.run(t, env, append([]string{"revoke"}, all...)...); a.status != 5 || !strings.Contains(a.stderr, "--yes") || !s.signedIn(bobs) {
			t.Errorf("revoke %v without --yes: status %d and %q", all, a.status, a.stderr)
		}
	}
	r = revoked{}
	if seshat.json(t, &r, env, "revoke", "--user", "bob", "--yes"); r.Ended != 1 || s.signedIn(bobs) || !s.signedIn(visitor) {
		t.Errorf("revoked bob's: %+v", r)
	}
	if seshat.json(t, &r, env, "revoke", "--all", "--yes", "--batch", "1"); r.Ended != 2 || s.signedIn(visitor) {
		t.Errorf("revoked all: %+v", r)
	}
	l = listing{}
	if seshat.json(t, &l, env, "list", "--user", "alice"); len(l.Sessions) != 0 || l.Sessions == nil {
		t.Errorf("left are %+v of alice's", l.Sessions)
	}
}

func endsInCache(t *testing.T, seshat tool) {
	needServers(t)
	s := openSite(t, engines(t)["cached_db"]...)
	_, cookie := s.visit("alice")
	if !s.signedIn(cookie) { // and it fills
		t.Fatal("not signed in")
	}
	var st stats
	if seshat.json(t, &st, s.env, "stats"); st.Tiers[1].Kind != "redis" || st.Tiers[1].Records != 1 {
		t.Errorf("the cache is counted as %+v", st.Tiers)
	}
	var r revoked
	if seshat.json(t, &r, s.env, "revoke", "--all", "--yes"); r.Ended != 1 || r.Pending != 0 || s.signedIn(cookie) {
		t.Errorf("revoked %+v, still signed in: %v", r, s.signedIn(cookie))
	}
}

func hostileNames(t *testing.T, seshat tool) {
	s := openSite(t, sqliteEnv(t)...)
	const name = "eve\x1b[2J\u202e\u009b1m"
	rec := session.Record{
		Version: 1, Principal: name, Created: time.Now().Truncate(time.Second), Authenticated: time.Now().Truncate(time.Second),
		Expires: time.Now().Add(time.Hour).Truncate(time.Second), LifetimeEnd: time.Now().Add(time.Hour).Truncate(time.Second),
		Device: session.Device{UserAgent: name, Address: name},
	}
	id := session.ID(strings.Repeat("A", 43))
	if err := s.manager.Store().Create(t.Context(), id, rec); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"list", "--user", name}, {"show", string(id)}} {
		for _, form := range [][]string{nil, {"--json"}} {
			a := seshat.run(t, s.env, slices.Concat(args, form)...)
			if a.status != 0 || strings.ContainsAny(a.stdout+a.stderr, "\x1b\u202e\u009b") || !strings.Contains(a.stdout, "eve") {
				t.Errorf("%s %v: status %d, %q and %q", args[0], form, a.status, a.stdout, a.stderr)
			}
		}
	}
	var l listing
	if seshat.json(t, &l, s.env, "list", "--user", name); len(l.Sessions) != 1 || l.Sessions[0].UserAgent != name {
		t.Errorf("the JSON does not read as the name: %+v", l)
	}
}

package benchmarks

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/internal/tests/servers"
)

// park is the private servers of a test and the Envs of contestants on them.
type park struct {
	redis    string // host:port; "" without servers
	postgres string // URL
	admin    *sql.DB
	n        int
}

// newPark starts what is wanted: without real servers, contestants that need
// none can be tested.
func newPark(t testing.TB) *park {
	t.Helper()
	if !servers.Wanted() {
		return &park{}
	}
	p := &park{redis: servers.SharedRedis(t).Addr, postgres: servers.SharedPostgres(t).URL}
	admin, err := sql.Open("pgx", p.postgres)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	p.admin = admin
	return p
}

// env gives a contestant a folder and a schema of its own.
func (p *park) env(t testing.TB) Env {
	t.Helper()
	env := Env{Redis: p.redis, Dir: t.TempDir()}
	if p.admin == nil {
		return env
	}
	p.n++
	schema := fmt.Sprintf("%s_%d", strings.ToLower(strings.Map(letters, t.Name())), p.n)
	if _, err := p.admin.Exec(`CREATE SCHEMA ` + schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(p.postgres)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	env.Postgres = u.String()
	return env
}

func letters(r rune) rune {
	if r < 'A' || r > 'z' || r > 'Z' && r < 'a' {
		return -1
	}
	return r
}

// able are the contestants for whom there are servers.
func (p *park) able() []Contestant {
	var able []Contestant
	for _, c := range Contestants() {
		if p.admin != nil || !c.NeedsServers() {
			able = append(able, c)
		}
	}
	return able
}

// machine describes what the numbers depend on.
func (p *park) machine(t testing.TB) []Setting {
	t.Helper()
	all := []Setting{
		{"processor", fmt.Sprintf("%s, %d cores", processor(), runtime.NumCPU())},
		{"Go", strings.TrimPrefix(runtime.Version(), "go") + ", " + runtime.GOOS + "/" + runtime.GOARCH},
	}
	rdb := redis.NewClient(&redis.Options{Addr: p.redis})
	defer func() { _ = rdb.Close() }()
	info, err := rdb.InfoMap(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]string{}
	for _, name := range []string{"save", "appendonly"} {
		value, err := rdb.ConfigGet(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		config[name] = value[name]
	}
	all = append(all, Setting{"Redis", fmt.Sprintf("%s, over TCP on the same machine; save %q, appendonly %s: nothing is written to disk",
		info["Server"]["redis_version"], config["save"], config["appendonly"])})
	show := func(name string) (value string) {
		if err := p.admin.QueryRow("SHOW " + name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	version, _, _ := strings.Cut(show("server_version"), " ")
	return append(all, Setting{"PostgreSQL", fmt.Sprintf(
		"%s, over TCP on the same machine; fsync %s (a commit is written, and not waited for until it is on disk), synchronous_commit %s, shared_buffers %s",
		version, show("fsync"), show("synchronous_commit"), show("shared_buffers"))})
}

// processor is the name of the machine's processor.
func processor() string {
	text, _ := os.ReadFile(filepath.Clean("/proc/cpuinfo"))
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

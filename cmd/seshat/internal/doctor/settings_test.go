package doctor

import (
	"strings"
	"testing"

	"github.com/seshat-go/seshat/stores/fromenv"
)

func TestAServerThatTwoEnginesShareIsLookedAtOnce(t *testing.T) {
	for _, c := range []struct {
		from, to     string
		oldDB, oldRD fromenv.URL
		want         string
	}{
		{"db", "cached_db", "", "", "sqlite:none for db, redis://127.0.0.1:1 for cached_db"},
		{"cached_db", "db", "", "", "sqlite:none for db, redis://127.0.0.1:1 for cached_db"},
		{"cache", "cached_db", "", "", "sqlite:none for cached_db, redis://127.0.0.1:1 for cache"},
		{"cached_db", "cache", "", "", "sqlite:none for cached_db, redis://127.0.0.1:1 for cache"},
		{"db", "db", "sqlite:old", "", "sqlite:old for db, sqlite:none for db"},
		{"cache", "cache", "", "unix:///none", "unix:///none for cache, redis://127.0.0.1:1 for cache"},
	} {
		to := fromenv.Settings{Engine: c.to, DatabaseURL: "sqlite:none", RedisURL: "redis://127.0.0.1:1"}
		move := to
		move.TransitionFrom, move.TransitionStep, move.TransitionDatabaseURL, move.TransitionRedisURL = c.from, 1, c.oldDB, c.oldRD
		databases, redises := servers(engines(move)...)
		var got []string
		for _, s := range databases {
			got = append(got, string(s.DatabaseURL)+" for "+s.Engine)
		}
		for _, s := range redises {
			got = append(got, string(s.RedisURL)+" for "+s.Engine)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("from %s to %s it looks at %v, want %s", c.from, c.to, got, c.want)
		}
	}
	r := Examine(t.Context(), fromenv.Settings{Engine: "cached_db", DatabaseURL: "sqlite:none", TransitionFrom: "db", TransitionStep: 1}, nil)
	if strings.Join(r.Checked, ", ") != "settings, sqlite:none" {
		t.Errorf("it looked at %v", r.Checked)
	}
}

func TestACopyIsAdvisedOnlyWhereThereIsOne(t *testing.T) {
	for engine, want := range map[string]bool{"cached_db": false, "cache": true} {
		move := fromenv.Settings{Engine: engine, DatabaseURL: "sqlite:none", RedisURL: "unix:///none", TransitionFrom: "db", TransitionStep: 1}
		r := &Report{}
		used := engines(move)
		r.at("settings").transition(1, used[0], used[1])
		if do := r.Findings[0].Do; strings.Contains(do, "seshat copy") != want {
			t.Errorf("from db to %s it advises: %s", engine, do)
		}
	}
}

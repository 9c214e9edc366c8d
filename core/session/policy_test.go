package session_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func policyOf(t *testing.T, o session.Options) session.Policy {
	t.Helper()
	o.Store, o.Logger = newProbe(), slog.New(slog.DiscardHandler)
	m, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m.Policy()
}

// The texts are in testdata/policy.
func TestThePolicyIsPrintedInWords(t *testing.T) {
	const day = 24 * time.Hour
	for name, o := range map[string]session.Options{
		"default": {},
		"aal3":    {Preset: session.AAL3, MaxSessions: 1, Cookie: session.Cookie{SameSite: http.SameSiteStrictMode, BrowserSession: true}},
		"plain-http": {
			Insecure: true, Lifetime: 90 * day, IdleTimeout: 90 * time.Minute, TouchInterval: time.Hour, MaxSize: 1000, MaxSessions: 3, MaxSessionsPreventsLogin: true,
			Cookie: session.Cookie{Name: "id", Path: "/app", ScriptReadable: true},
		},
		"embedded": {Cookie: session.Cookie{Domain: "example.com", SameSite: http.SameSiteNoneMode, Partitioned: true}},
	} {
		want, err := os.ReadFile(filepath.Join("testdata", "policy", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if got := policyOf(t, o).String(); got != string(want) {
			t.Errorf("%s: the policy is\n%s", name, got)
		}
	}
}

func TestThePolicyIsThatOfTheManager(t *testing.T) {
	got := policyOf(t, session.Options{IdleTimeout: time.Hour})
	want := session.Policy{
		Cookie: session.Cookie{Name: "__Host-session", Path: "/", SameSite: http.SameSiteLaxMode}, Secure: true,
		Lifetime: 14 * 24 * time.Hour, IdleTimeout: time.Hour, TouchInterval: 6 * time.Minute,
		MaxSize: 64 << 10, StoreTimeout: 3 * time.Second,
	}
	if got != want {
		t.Errorf("the policy is %+v, want %+v", got, want)
	}
}

func TestEachDepartureFromTheChecklistIsAFindingWithWhatToDo(t *testing.T) {
	type o = session.Options
	type c = session.Cookie
	sound := func(f func(*session.Options)) session.Options {
		s := session.Options{Preset: session.AAL2, Cookie: c{BrowserSession: true}}
		f(&s)
		return s
	}
	for want, options := range map[string]session.Options{
		"":                             sound(func(*o) {}),
		"cookie.insecure!":             sound(func(s *o) { s.Insecure = true }),
		"cookie.scripts!":              sound(func(s *o) { s.Cookie.ScriptReadable = true }),
		"cookie.samesite":              sound(func(s *o) { s.Cookie.SameSite = http.SameSiteNoneMode }),
		"cookie.domain cookie.prefix":  sound(func(s *o) { s.Cookie.Domain = "example.com" }),
		"cookie.prefix":                sound(func(s *o) { s.Cookie.Path = "/app" }),
		"cookie.domain":                sound(func(s *o) { s.Cookie.Domain, s.Cookie.Name = "example.com", "__Secure-id" }),
		"cookie.persistent":            sound(func(s *o) { s.Cookie.BrowserSession = false }),
		"times.idle":                   sound(func(s *o) { s.Preset = session.AAL1 }),
		"times.touch":                  sound(func(s *o) { s.TouchInterval = 31 * time.Minute }),
		"times.idle times.lifetime":    sound(func(s *o) { s.Preset, s.Lifetime = "", session.LifetimeAAL1+time.Second }),
		"cookie.persistent times.idle": {},
	} {
		p := policyOf(t, options)
		var checks []string
		for _, f := range p.Findings() {
			if f.Found == "" || f.Means == "" || f.Do == "" {
				t.Errorf("%s says too little: %+v", f.Check, f)
			}
			if f.Serious {
				f.Check += "!"
			}
			checks = append(checks, f.Check)
		}
		if got := strings.Join(checks, " "); got != want {
			t.Errorf("%+v has the findings %q, want %q", options, got, want)
		}
	}
	for _, name := range []string{"__Secure-id", "__Http-id"} { // a subdomain can set it
		if f := policyOf(t, sound(func(s *o) { s.Cookie.Name = name })).Findings(); len(f) != 1 || f[0].Check != "cookie.prefix" {
			t.Errorf("the name %s has the findings %v", name, f)
		}
	}
	for _, good := range []session.Options{
		sound(func(s *o) { s.TouchInterval = 30 * time.Minute }),
		sound(func(s *o) { s.Cookie.Name = "__host-id" }),
		sound(func(s *o) { s.Cookie.Name = "__Host-Http-id" }),
	} {
		if f := policyOf(t, good).Findings(); len(f) > 0 {
			t.Errorf("%+v has the findings %v", good, f)
		}
	}
}

func TestSeriousFindingsComeFirst(t *testing.T) {
	f := policyOf(t, session.Options{Insecure: true, Cookie: session.Cookie{ScriptReadable: true, Domain: "example.com"}}).Findings()
	if len(f) < 4 || !slices.IsSortedFunc(f, func(a, b session.Finding) int {
		return map[bool]int{true: 0, false: 1}[a.Serious] - map[bool]int{true: 0, false: 1}[b.Serious]
	}) {
		t.Errorf("the findings are %v", f)
	}
}

func TestAPresetGivesTheTimesOfItsLevel(t *testing.T) {
	for _, c := range []struct {
		o              session.Options
		lifetime, idle time.Duration
		level          session.Preset
	}{
		{session.Options{Preset: session.AAL1}, 30 * 24 * time.Hour, 0, session.AAL1},
		{session.Options{Preset: session.AAL2}, 24 * time.Hour, time.Hour, session.AAL2},
		{session.Options{Preset: session.AAL3}, 12 * time.Hour, 15 * time.Minute, session.AAL3},
		{session.Options{Preset: "AAL2"}, 24 * time.Hour, time.Hour, session.AAL2},
		{session.Options{Preset: session.AAL1, IdleTimeout: time.Hour}, 30 * 24 * time.Hour, time.Hour, session.AAL1},
		{session.Options{Preset: session.AAL2, Lifetime: 12 * time.Hour, IdleTimeout: 15 * time.Minute}, 12 * time.Hour, 15 * time.Minute, session.AAL3},
		{session.Options{Preset: session.AAL2, Lifetime: 30 * time.Minute}, 30 * time.Minute, 30 * time.Minute, session.AAL2},
		{session.Options{Preset: session.AAL2, Lifetime: 24 * time.Hour, IdleTimeout: time.Hour}, 24 * time.Hour, time.Hour, session.AAL2},
		{session.Options{}, 14 * 24 * time.Hour, 0, session.AAL1},
		{session.Options{Lifetime: time.Hour}, time.Hour, 0, session.AAL1},
		{session.Options{Lifetime: 31 * 24 * time.Hour}, 31 * 24 * time.Hour, 0, ""},
		{session.Options{Preset: session.AAL2, Insecure: true}, 24 * time.Hour, time.Hour, ""},
	} {
		p := policyOf(t, c.o)
		if p.Lifetime != c.lifetime || p.IdleTimeout != c.idle || p.Level() != c.level {
			t.Errorf("%+v: lifetime %v, idle timeout %v, level %q; want %v, %v, %q", c.o, p.Lifetime, p.IdleTimeout, p.Level(), c.lifetime, c.idle, c.level)
		}
	}
}

func TestAPresetRefusesLongerTimesAndUnknownNames(t *testing.T) {
	for _, c := range []struct {
		o    session.Options
		says string
	}{
		{session.Options{Preset: "aal4"}, `Options.Preset is "aal4": give "aal1", "aal2" or "aal3"`},
		{session.Options{Preset: session.AAL2, Lifetime: 24*time.Hour + 1}, `Lifetime is 24h0m0.000000001s, and Preset "aal2" allows 24h0m0s`},
		{session.Options{Preset: session.AAL3, IdleTimeout: time.Hour}, `IdleTimeout is 1h0m0s, and Preset "aal3" allows 15m0s`},
		{session.Options{Preset: session.AAL2, Lifetime: -1}, "Lifetime is -1ns: give a positive duration"},
	} {
		if _, err := session.New(c.o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want an error that says %q", c.o, err, c.says)
		}
	}
}

package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

type named struct{ gobs }

func (named) Name() string { return strings.Repeat("n", 33) }

type unnamed struct{ gobs }

func (unnamed) Name() string { return "" }

func TestNewRefusesWhatCannotWork(t *testing.T) {
	type o = session.Options
	type c = session.Cookie
	const day = 24 * time.Hour
	for _, x := range []struct {
		o    o
		says string
	}{
		{o{Lifetime: -1}, "Lifetime is -1ns: give a positive duration"},
		{o{Lifetime: 400*day + 1}, "400 days"},
		{o{IdleTimeout: -1}, "IdleTimeout is -1ns: give a positive duration, or 0 for none"},
		{o{IdleTimeout: 15 * day}, "IdleTimeout (360h0m0s) is above Lifetime (336h0m0s)"},
		{o{IdleTimeout: 2 * time.Hour, Lifetime: time.Hour}, "IdleTimeout (2h0m0s) is above Lifetime (1h0m0s)"},
		{o{TouchInterval: -1}, "TouchInterval is -1ns: give a positive duration, or 0 for the default"},
		{o{TouchInterval: 2 * time.Minute, IdleTimeout: time.Minute}, "TouchInterval (2m0s) is above IdleTimeout (1m0s)"},
		{o{MaxSize: -1}, "MaxSize is -1: give a positive number of bytes"},
		{o{StoreTimeout: -1}, "StoreTimeout is -1ns: give a positive duration"},
		{o{Codec: unnamed{}}, "Codec has the name \"\""},
		{o{Codec: named{}}, "give one of 1 to 32 bytes"},
		{o{Store: session.NewMemoryStore(session.MemoryOptions{MaxRecords: -1})}, "Options.Store: "},
		{o{Cookie: c{Name: "__Host-x", Domain: "example.org"}}, `"__Host-x" needs Secure, Path "/" and no Domain`},
		{o{Cookie: c{Name: "__Host-x", Path: "/a"}}, `"__Host-x" needs`},
		{o{Cookie: c{Name: "__host-x", Path: "/a"}}, `"__host-x" needs`},
		{o{Cookie: c{Name: "__Host-x"}, Insecure: true}, `"__Host-x" needs`},
		{o{Cookie: c{Name: "__Secure-x"}, Insecure: true}, `"__Secure-x" needs Secure`},
		{o{Cookie: c{Name: "__SECURE-x"}, Insecure: true}, `"__SECURE-x" needs Secure`},
		{o{Cookie: c{Name: "__Http-x"}, Insecure: true}, `"__Http-x" needs Secure and HttpOnly`},
		{o{Cookie: c{Name: "__http-x", ScriptReadable: true}}, `"__http-x" needs Secure and HttpOnly`},
		{o{Cookie: c{Name: "__Host-Http-x", ScriptReadable: true}}, `"__Host-Http-x" needs Secure and HttpOnly`},
		{o{Cookie: c{SameSite: http.SameSiteNoneMode}, Insecure: true}, "SameSite=None needs Secure"},
		{o{Cookie: c{Partitioned: true}, Insecure: true}, "Partitioned cookie needs Secure"},
		{o{Cookie: c{SameSite: http.SameSiteDefaultMode}}, "unknown Cookie.SameSite 1"},
		{o{Cookie: c{SameSite: 99}}, "unknown Cookie.SameSite 99"},
		{o{Cookie: c{SameSite: -1}}, "unknown Cookie.SameSite -1"},
		{o{Cookie: c{Path: "a"}}, `Cookie.Path is "a": it must begin with "/"`},
		{o{Cookie: c{Path: "/a;b"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Name: "a b"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Name: "a=b"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Name: "a\r\nb"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Domain: "a b"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Domain: "-.example"}}, "check Cookie.Name, Domain and Path"},
		{o{Cookie: c{Name: strings.Repeat("a", 4054)}}, "too long"},
		{o{Cookie: c{Path: "/" + strings.Repeat("a", 1024)}}, "too long"},
	} {
		m, err := session.New(x.o)
		if err == nil || m != nil || !strings.Contains(err.Error(), x.says) || !strings.HasPrefix(err.Error(), "session: ") {
			t.Errorf("%+v: %v, want an error that says %q", x.o, err, x.says)
		}
	}
}

func TestNewTakesWhatIsAtTheLimit(t *testing.T) {
	type c = session.Cookie
	const day = 24 * time.Hour
	for _, o := range []session.Options{
		{},
		{Lifetime: 400 * day},
		{IdleTimeout: 14 * day},
		{Lifetime: 1, IdleTimeout: 1, TouchInterval: 1},
		{TouchInterval: time.Minute, IdleTimeout: time.Minute},
		{TouchInterval: 1000 * day},
		{MaxSize: 1},
		{Cookie: c{Name: "__Secure-x", Domain: "example.org"}},
		{Cookie: c{Name: "__Host-x", Path: "/"}},
		{Cookie: c{Name: strings.Repeat("a", 4053)}},
		{Cookie: c{Path: "/" + strings.Repeat("a", 1023)}},
		{Cookie: c{Partitioned: true, SameSite: http.SameSiteNoneMode}},
		{Insecure: true},
	} {
		o.Store, o.Logger = newProbe(), slog.New(slog.DiscardHandler)
		if _, err := session.New(o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

type refusing struct{ session.Store }

var errOptions = errors.New("wrong option of the store")

func (refusing) Validate() error { return errOptions }

func TestNewPassesOnWhatTheStoreSaysOfItsOptions(t *testing.T) {
	if _, err := session.New(session.Options{Store: refusing{newProbe()}}); !errors.Is(err, errOptions) {
		t.Errorf("New: %v", err)
	}
}

func TestTheStartSaysWhatIsNotForProduction(t *testing.T) {
	for _, c := range []struct {
		o     session.Options
		lines []string
	}{
		{session.Options{Store: newProbe()}, nil},
		{session.Options{}, []string{"memory of this process"}},
		{session.Options{Store: newProbe(), Insecure: true}, []string{"Options.Insecure is on"}},
		{session.Options{Insecure: true}, []string{"memory of this process", "Options.Insecure is on"}},
	} {
		var log bytes.Buffer
		c.o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		m := session.Must(session.New(c.o))
		if got := strings.Count(log.String(), "level=WARN"); got != len(c.lines) {
			t.Errorf("%d warnings, want %d: %s", got, len(c.lines), log.String())
		}
		for _, line := range c.lines {
			if !strings.Contains(log.String(), line) {
				t.Errorf("no line %q in %s", line, log.String())
			}
		}
		if m.Store() == nil {
			t.Error("there is no store")
		}
	}
}

func TestMustPanicsWithTheError(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "Lifetime") {
			t.Errorf("the panic is %v", err)
		}
	}()
	session.Must(session.New(session.Options{Lifetime: -1}))
}

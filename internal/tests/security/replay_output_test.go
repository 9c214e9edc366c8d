package security_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// sources are the files of package session but for its tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	const folder = "../../../core/session"
	entries, err := os.ReadDir(folder)
	must(t, err)
	out := make(map[string]*ast.File)
	for _, e := range entries {
		if path := filepath.Join(folder, e.Name()); strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			must(t, err)
			out[e.Name()] = file
		}
	}
	return out
}

// CVE-2023-20866 (Spring Session): the session's ID, with which one is in, is
// written to the output or the log.
func TestNoTokenIsWrittenToOutputOrLog(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		var told []error
		s := newSite(t, e, session.Options{IdleTimeout: 10 * time.Hour, MaxSize: 500, ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			told = append(told, err)
			session.DefaultErrorHandler(w, r, err)
		}}, 1)
		check := func(where string, err error) {
			t.Helper()
			for ; err != nil; err = errors.Unwrap(err) {
				s.wantNoSecret(where, fmt.Sprintf("%v %+v %#v %q", err, err, err, err))
			}
		}
		ask := func(b *browser, f func(*session.Session)) {
			t.Helper()
			a := b.visit(f)
			a.header.Del("Set-Cookie") // the only place for it
			s.wantNoSecret("an answer", fmt.Sprint(a.header, a.body))
		}
		b := s.browser()
		b.begin(loginWith("alice", "secret tea"))
		for _, f := range []func(*session.Session){
			read, add("milk"), renew, login("alice"), func(s *session.Session) { s.Flash("info", "x") }, func(s *session.Session) { s.Flashes() },
			func(s *session.Session) { name.Set(s, strings.Repeat("x", 1000)) }, func(s *session.Session) { s.Login("") },
			func(s *session.Session) { session.NewKey[func()]("f").Set(s, nil) },
			func(s *session.Session) { session.NewKey[int]("cart").Get(s) },
			func(s *session.Session) { panic(fmt.Sprintf("%v %+v %#v", s, s, s)) },
			func(s *session.Session) { panic(s) },
		} {
			ask(b, f)
		}
		old := b.thief()
		ask(b, renew)
		ask(old, add("late"))
		for _, op := range []string{"load", "load fresh", "create", "update", "touch", "delete", "list"} {
			s.failing(func(at string) error {
				if at == op {
					return errors.New("the store is down")
				}
				return nil
			})
			s.clock.advance(2 * time.Hour)
			for _, f := range []func(*session.Session){read, add("milk"), renew, destroy} {
				ask(b, f)
			}
			_, err := s.m[0].RevokeAll(t.Context(), "alice")
			check("an error of RevokeAll", err)
			s.failing(nil)
			if ask(b, read); b.token() == "" {
				b.begin(loginWith("alice", "secret tea"))
			}
		}
		// The drivers' own errors.
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		id := b.begin(renewed)
		_, err := s.m[0].List(ended, "alice")
		check("an error of List", err)
		check("an error of Revoke", s.m[0].Revoke(ended, id))
		check("an error of Save", func() (err error) {
			b.visit(func(s *session.Session) { read(s); add("x")(s); err = s.Save(ended) })
			return err
		}())
		infos, err := s.m[0].List(t.Context(), "alice")
		must(t, err)
		encoded, err := json.Marshal(infos)
		must(t, err)
		s.wantNoSecret("the list of devices", string(encoded)+fmt.Sprintf("%+v", infos))
		for _, err := range told {
			check("an error of the handler", err)
		}
		for _, e := range s.events {
			check("an event", e.Err)
			s.wantNoSecret("an event", fmt.Sprintf("%v %+v %#v", e, e, e))
		}
		text := s.log.String()
		if s.wantNoSecret("the log", text); !strings.Contains(text, "session: login") || strings.Contains(text, "secret tea") || len(s.secrets()) < 14 || len(told) == 0 {
			t.Errorf("the log is incomplete, or has a value: %s", text)
		}
	})
}

func renewed(s *session.Session) { s.Login("alice") }

// The same by fmt, JSON and slog, of every exported type of package session: one
// that is added later has to be put here.
func TestNoTypeOfPackageSessionPrintsAToken(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	m, b := s.m[0], s.browser()
	id := b.begin(loginWith("alice", "tea"))
	rec, err := m.Store().Load(t.Context(), id)
	must(t, err)
	infos, err := m.List(t.Context(), "alice")
	must(t, err)
	r := httptest.NewRequest(http.MethodGet, home, nil)
	r.Header.Set("Cookie", cookie+"="+b.token())
	x := m.Begin(httptest.NewRecorder(), r)
	renew(x.Session())
	must(t, x.Session().Save(t.Context()))
	x.Finish(200)
	details, err := m.Inspect(t.Context(), id)
	must(t, err)
	s.given((&http.Response{Header: x.Writer().Header()}).Cookies()[0].Value)
	values := map[string]any{
		"Manager": m, "Session": x.Session(), "Exchange": x, "Options": session.Options{Store: m.Store()}, "Cookie": session.Cookie{},
		"Policy": m.Policy(), "Finding": m.Policy().Findings()[0], "Preset": session.AAL1,
		"Event": s.events[0], "EventKind": session.EventLogin, "Events": session.SlogEvents(nil), "ID": id, "Record": rec,
		"Stored": session.Stored{ID: id, Record: rec}, "Device": rec.Device, "Info": infos[0], "Flash": session.Flash{},
		"Key": name, "MemoryStore": m.Store(), "MemoryOptions": session.MemoryOptions{}, "Cached": session.Cached{Record: rec}, "Lease": session.Lease{},
		"Store": m.Store(), "Lister": m.Store(), "Purger": m.Store(), "Scanner": m.Store(), "FreshLoader": m.Store(), "Pinger": nil, "Migrator": nil, "Validator": nil,
		"Details": details, "PurgeOption": session.PurgeShare(1), "PurgeStatus": session.PurgeStatus{},
		"CallObserver": nil, "Call": session.Call{}, "Tier": session.TierStore, "CacheObserver": nil, "CacheResult": session.CacheHit,
		"Codec": session.JSON, "RevokeOption": session.Except(x.Session()),
		"a response writer": x.Writer(), "a context": x.Request().Context(),
	}
	for file, source := range sources(t) {
		for _, d := range source.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				for _, spec := range g.Specs {
					if of := spec.(*ast.TypeSpec).Name; of.IsExported() {
						if _, ok := values[of.Name]; !ok {
							t.Errorf("%s: this test does not print the type %s", file, of.Name)
						}
					}
				}
			}
		}
	}
	for of, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			s.wantNoSecret(of+" by "+verb, fmt.Sprintf(verb, v)+fmt.Sprintf(verb, []any{v})+fmt.Sprintf(verb, struct{ V any }{v}))
		}
		encoded, _ := json.Marshal(v)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		s.wantNoSecret(of+" in JSON or a log", string(encoded)+log.String())
	}
}

package otel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

// exported is all that an exporter could take: every name, attribute, event,
// status and exemplar.
func (s *sdk) exported() string {
	s.t.Helper()
	var out strings.Builder
	metrics, err := json.Marshal(s.collect())
	if err != nil {
		s.t.Fatal(err)
	}
	out.Write(metrics)
	for _, span := range s.spans.Ended() {
		if strings.HasPrefix(span.Name(), "seshat.") { // else it is the application's
			fmt.Fprintf(&out, "\n%s %v %v %v %v %v %v", span.Name(), span.Attributes(), span.Events(), span.Status(), span.Links(),
				span.InstrumentationScope(), span.SpanContext().TraceState())
		}
	}
	return out.String()
}

// shopping is a run in which everything happens, on cached_db, with drivers that
// quote what they were given. It returns the secrets in it, by what they are.
func shopping(s *sdk) map[string]string {
	cache, truth := newFaulty(), newFaulty()
	site := s.site(session.Options{Store: cacheddb.New(cache, truth, cacheddb.Options{Events: s.events, BreakerFailures: 1000})})
	note := session.NewKey[string]("private-note")
	ctx := context.Background()
	secrets := map[string]string{
		"principal": "alice@example.org", "key": "private-note", "value": "peppermint", "address": "203.0.113.77", "user agent": "Browser/7",
		"address of a server": "192.0.2.9", "password of a server": "hunter2",
	}
	b := site.browser()
	write := func(v *session.Session) { note.Set(v, "peppermint") }
	remember := func(of string) {
		secrets["token "+of], secrets["ID "+of] = b.cookie.Value, string(b.id())
	}
	b.visit(write)
	remember("of the visitor")
	b.visit(login("alice@example.org"))
	remember("after the login")
	b.visit(func(v *session.Session) { v.Renew() })
	remember("after the renewal")
	b.visit(read)
	b.visit(func(v *session.Session) { session.NewKey[int]("private-note").Get(v) }) // another type: undecodable
	down := fmt.Errorf("redis://alice@example.org:hunter2@192.0.2.9/%s: peppermint: private-note", b.id())
	for _, op := range []string{"load", "update", "touch"} {
		truth.fail(op, down)
		b.visit(write)
		_, _ = truth.MemoryStore.Load(ctx, b.id())
		site.ahead += 2 * 3600e9
		b.visit(read)
		truth.fail(op, nil)
	}
	cache.fail("get", down)
	b.visit(read)
	cache.fail("get", nil)
	b.visit(func(v *session.Session) {
		write(v)
		_ = v.Save(ctx)
		other := &browser{site, b.cookie}
		other.visit(write)
		write(v)
	})
	cache.fail("remove", errors.Join(down))
	twin := &browser{site, b.cookie}
	_, _ = site.m.List(ctx, "alice@example.org")
	twin.visit(func(v *session.Session) { read(v); b.visit(signOut); write(v) })
	cache.fail("remove", nil)
	b = site.browser()
	b.visit(login("alice@example.org"))
	remember("of the second device")
	_, _ = site.m.RevokeAll(ctx, "alice@example.org")
	_, _ = site.m.Purge(ctx)
	s.events.Event(ctx, session.Event{Kind: session.EventCacheDown, Err: down})
	return secrets
}

// found are the secrets, by what they are, that are in what is exported.
func found(s *sdk, secrets map[string]string) (out []string) {
	all := s.exported()
	for what, secret := range secrets {
		if strings.Contains(all, secret) {
			out = append(out, what)
		}
	}
	return out
}

func TestNothingOfAUserIsExported(t *testing.T) {
	s := newSDK(t)
	secrets := shopping(s)
	if len(secrets) != 15 {
		t.Errorf("%d secrets, some are the same or none", len(secrets))
	}
	for what, secret := range secrets {
		if len(secret) < 7 {
			t.Errorf("the %s is %q: the run did not get so far", what, secret)
		}
	}
	if got := found(s, secrets); got != nil {
		t.Errorf("exported: the %s, in %s", strings.Join(got, ", the "), s.exported())
	}
}

func TestTheSearchForSecretsHasTeeth(t *testing.T) {
	for place, plant := range map[string]func(s *sdk, secret string){
		"an attribute of a metric": func(s *sdk, secret string) {
			s.events.Event(context.Background(), session.Event{Kind: session.EventStoreError, Op: secret})
		},
		"a span": func(s *sdk, secret string) {
			_, end := s.events.BeginCall(context.Background(), session.Call{Tier: session.TierStore, Op: secret})
			end(nil)
		},
	} {
		s := newSDK(t)
		secrets := shopping(s)
		for what, secret := range secrets {
			s := newSDK(t)
			plant(s, "in "+secret)
			if got := found(s, map[string]string{what: secret}); len(got) != 1 {
				t.Errorf("%s in %s was not found", what, place)
			}
		}
	}
}

// What the package's documentation and docs/observability.md list is what there is.
func TestEachInstrumentIsDocumentedWithItsUnit(t *testing.T) {
	s := newSDK(t)
	shopping(s)
	texts := map[string]string{}
	for _, file := range []string{"../../../adapters/otelsession/doc.go", "../../../docs/observability.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	instruments := 0
	for _, scope := range s.collect().ScopeMetrics {
		for _, m := range scope.Metrics {
			instruments++
			for file, text := range texts {
				documented := false
				for line := range strings.Lines(text) {
					words := strings.Fields(strings.NewReplacer("|", " ", "`", " ", "//", " ").Replace(line))
					documented = documented || len(words) > 2 && words[0] == m.Name && strings.Contains(line, m.Unit)
				}
				if !documented {
					t.Errorf("%s does not list %s in %s", file, m.Name, m.Unit)
				}
			}
		}
	}
	if instruments != 14 {
		t.Errorf("%d instruments recorded something, want 14: %s", instruments, s.grew(nil))
	}
}

package otel_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

var errDown = errors.New("dial tcp 192.0.2.9:6379: connection refused")

func TestEachInstrumentCountsItsEvents(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(b *browser, store *faulty)
		want string
	}{
		{"a visitor who leaves nothing", func(b *browser, _ *faulty) { b.visit(read) }, ""},
		{"a first visit that writes", func(b *browser, _ *faulty) { b.visit(put("tea")) }, `
			seshat.session.created +1
			seshat.session.payload.size +1`},
		{"a sign-in of an anonymous visitor", func(b *browser, _ *faulty) { b.visit(put("tea")); b.visit(login("alice")) }, `
			seshat.session.created +1
			seshat.session.events{seshat.event.kind=renewed} +1
			seshat.session.logins +1
			seshat.session.payload.size +2`},
		{"a sign-out", func(b *browser, _ *faulty) { b.visit(login("alice")); b.visit(signOut) }, `
			seshat.session.created +1
			seshat.session.ended{seshat.end.reason=destroyed} +1
			seshat.session.logins +1`},
		{"a revocation", func(b *browser, _ *faulty) { b.visit(put("tea")); _ = b.m.Revoke(context.Background(), b.id()) }, `
			seshat.session.created +1
			seshat.session.ended{seshat.end.reason=revoked} +1
			seshat.session.payload.size +1`},
		{"an expired session", func(b *browser, _ *faulty) { b.visit(put("tea")); b.ahead += 400 * 24 * time.Hour; b.visit(read) }, `
			seshat.session.created +1
			seshat.session.ended{seshat.end.reason=expired} +1
			seshat.session.payload.size +1`},
		{"a parallel write", func(b *browser, _ *faulty) {
			b.visit(put("tea"))
			other := &browser{b.sdk.site(session.Options{Store: b.m.Store()}), b.cookie} // another process
			b.visit(func(s *session.Session) { put("milk")(s); other.visit(put("sugar")) })
		}, `
			seshat.session.conflicts +1
			seshat.session.created +1
			seshat.session.payload.size +3`},
		{"a write to a session that has ended", func(b *browser, _ *faulty) {
			b.visit(put("tea"))
			b.visit(func(s *session.Session) { put("milk")(s); _ = b.m.Revoke(context.Background(), s.ID()) })
		}, `
			seshat.session.created +1
			seshat.session.ended{seshat.end.reason=revoked} +1
			seshat.session.payload.size +1
			seshat.session.refused_writes +1`},
		{"a store that is down", func(b *browser, store *faulty) {
			b.visit(put("tea"))
			store.fail("load", errDown)
			if status := b.visit(read); status != 503 {
				t.Errorf("status %d", status)
			}
		}, `
			seshat.session.created +1
			seshat.session.payload.size +1
			seshat.store.errors{seshat.operation=load} +1`},
		{"a touch that fails", func(b *browser, store *faulty) {
			b.visit(put("tea"))
			store.fail("touch", errDown)
			b.ahead += 2 * time.Hour
			b.visit(read)
		}, `
			seshat.session.created +1
			seshat.session.payload.size +1
			seshat.store.errors{seshat.operation=touch} +1`},
		{"a cookie of nothing", func(b *browser, _ *faulty) {
			b.visit(put("tea"))
			old := b.cookie
			b.visit(signOut)
			b.cookie = old
			b.visit(read)
		}, `
			seshat.session.created +1
			seshat.session.ended{seshat.end.reason=destroyed} +1
			seshat.session.events{seshat.event.kind=unknown_token} +1
			seshat.session.payload.size +1`},
	} {
		t.Run(c.what, func(t *testing.T) {
			store := newFaulty()
			s := newSite(t, session.Options{Store: store})
			c.do(s.browser(), store)
			want := strings.TrimSpace(strings.ReplaceAll(c.want, "\t", ""))
			if got := s.grew(nil, "seshat.store.call.duration"); got != want {
				t.Errorf("recorded\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// kinds are all kinds of events that package session has.
func kinds(t *testing.T) (out []session.EventKind) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../../../core/session/events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "EventKind" {
			kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, session.EventKind(kind))
		}
		return true
	})
	if len(out) < 18 {
		t.Fatalf("found only %q", out)
	}
	return out
}

func TestEachKindOfEventIsCountedInExactlyOneInstrument(t *testing.T) {
	s := newSDK(t)
	for _, kind := range kinds(t) {
		before := s.series()
		s.events.Event(t.Context(), session.Event{Kind: kind, Op: "save"})
		got := s.grew(before)
		if n := strings.Count(got, "\n"); got == "" || n > 0 || !strings.HasSuffix(got, "1") {
			t.Errorf("%q was counted as %q", kind, got)
		}
	}
}

func TestASignOutThatACacheMissedIsNotOneMoreEntryToRemove(t *testing.T) {
	s := newSDK(t)
	s.events.Event(t.Context(), session.Event{Kind: session.EventPending, Op: "delete"}) // as cached_db says it
	s.events.Event(t.Context(), session.Event{Kind: session.EventPending, Op: "destroy", Err: session.ErrPending})
	const want = "seshat.cache.pending_removals{seshat.operation=delete} +1\nseshat.session.events{seshat.event.kind=pending} +1"
	if got := s.grew(nil); got != want {
		t.Errorf("recorded\n%s\nwant\n%s", got, want)
	}
}

func TestParallelRequestsAreAllCounted(t *testing.T) {
	s := newSite(t, session.Options{})
	const visitors = 50
	var all sync.WaitGroup
	for range visitors {
		all.Go(func() {
			b := s.browser()
			b.visit(login("alice"))
			b.visit(put("tea"))
			b.visit(signOut)
		})
	}
	all.Wait()
	got := s.series()
	for name, want := range map[string]int64{
		"seshat.session.created": visitors, "seshat.session.logins": visitors,
		"seshat.session.ended{seshat.end.reason=destroyed}":                     visitors,
		"seshat.session.payload.size":                                           visitors, // a sign-in alone has no values
		"seshat.store.call.duration{seshat.operation=load,seshat.outcome=ok}":   2 * visitors,
		"seshat.store.call.duration{seshat.operation=create,seshat.outcome=ok}": visitors,
	} {
		if got[name] != want {
			t.Errorf("%s is %d, want %d", name, got[name], want)
		}
	}
	if n := len(s.named("seshat.store delete")); n != visitors {
		t.Errorf("%d spans of deletes", n)
	}
}

package hostile_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// handles are principals and, cut or filled to the length of an ID, IDs.
var handles = []string{
	"*", "?", "[a-z]", `\`, `*?[^x]\*`, "al*", "alic?", "{alice}", "p:{YWxpY2U}", "alice:end", "c:", "sessions:*",
	"' OR 1=1 --", `" OR ""="`, "'; DROP TABLE sessions; --", "%", "ali%", "_____", `\'`, "$1", "?", ":id", "@p1", "/* */", "alice' --", "' UNION SELECT * FROM h1 --",
	"alice\r\nDEL x", "alice\n", "\r\n", "\t", "\x1b[2J", "alice\x7f",
	"ALICE", "Alice", "alice ", " alice", "alicé", "alice\u0301", "aliće", "ａｌｉｃｅ", "al\u202eice", "\u200balice", "ali\u00adce", "ß", "SS", "ı", "\ufeff", "\ufffd", "\U0001F375",
	"null", "NULL", "0", "-1", "1e9", "true", "{}", "[]", `{"a":1}`, "../../etc/passwd", "http://example.com/", "<script>", "%s%n", "%00",
	strings.Repeat("x", session.MaxPrincipal), strings.Repeat("\U0001F375", session.MaxPrincipal/4),
	// no principals:
	"", "\x00", "alice\x00", "\xff", "\xc3\x28", "\xed\xa0\x80", strings.Repeat("x", session.MaxPrincipal+1), strings.Repeat("x", 100_000),
}

func valid(principal string) bool {
	return principal != "" && len(principal) <= session.MaxPrincipal && utf8.ValidString(principal) && !strings.Contains(principal, "\x00")
}

func TestAnyTextIsAPrincipalOfItsOwnOrNone(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, ctx := open(t, e), t.Context()
		alice := s.signIn("alice")
		before := s.records()
		visitors := map[string]*visitor{}
		for _, p := range handles {
			switch {
			case !valid(p):
				if len(p) > 1000 {
					break // no URL
				}
				if a := s.ask("user=" + url.QueryEscape(p)); a.status != http.StatusInternalServerError || a.cookies != nil || strings.Contains(a.body, "alice") {
					t.Errorf("%.40q: answered %d %q %q", p, a.status, a.cookies, a.body)
				}
			case visitors[p] == nil:
				visitors[p] = s.signIn(p)
			}
		}
		for _, p := range handles {
			v := visitors[p]
			infos, err := s.m.List(ctx, p)
			if v == nil {
				n, rerr := s.m.RevokeAll(ctx, p)
				if err != nil || len(infos) != 0 || n != 0 || rerr != nil {
					t.Errorf("%.40q has %d sessions (%v), of which %d were revoked (%v)", p, len(infos), err, n, rerr)
				}
				continue
			}
			if err != nil || len(infos) != 1 || infos[0].ID != v.id || infos[0].Principal != p {
				t.Errorf("%.40q: List returns %v, %v, want its session alone", p, infos, err)
			}
			if err := s.m.RevokeFor(ctx, p, alice.id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%.40q ends the session of alice: %v", p, err)
			}
		}
		for p, v := range visitors {
			if n, err := s.m.RevokeAll(ctx, p); n != 1 || err != nil {
				t.Errorf("%.40q: revoked %d, %v", p, n, err)
			}
			if a := s.ask("", v.cookie()); a.status != http.StatusOK || a.view.ID != "" {
				t.Errorf("%.40q: answered %d %+v", p, a.status, a.view)
			}
		}
		alice.wantWhole()
		if n := s.records(); n != before {
			t.Errorf("%d records became %d", before, n)
		}
	})
}

func TestAnyTextIsTheIDOfNothing(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, ctx := open(t, e), t.Context()
		alice := s.signIn("alice")
		before := s.records()
		ids := append(unknown(3), strings.ToUpper(string(alice.id)), string(alice.id)[:42], string(alice.id)+"=", string(alice.id)+"\n", alice.token, strings.Repeat("*", 43), strings.Repeat("?", 43), strings.Repeat("_", 43))
		for _, p := range handles {
			ids = append(ids, p, (p + strings.Repeat("x", 43))[:43])
		}
		for _, text := range ids {
			id := session.ID(text)
			if err := s.m.Revoke(ctx, id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%.50q: Revoke: %v", text, err)
			}
			if err := s.m.RevokeFor(ctx, "alice", id); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%.50q: RevokeFor: %v", text, err)
			}
		}
		alice.wantWhole()
		if n := s.records(); n != before {
			t.Errorf("%d records became %d", before, n)
		}
		_, n := s.events.since(0)
		events, _ := s.events.since(0)
		for _, e := range events[:n] {
			if e.Kind == session.EventStoreError || e.Kind == session.EventRevoked {
				t.Errorf("the event is %+v", e)
			}
		}
	})
}

func TestAnyTextAfterAPageIsAnErrorOrAPage(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, ctx := open(t, e), t.Context()
		alice, _ := s.signIn("alice"), s.signIn("alice")
		s.signIn("bob")
		id := string(alice.id)
		_, cursor, err := e.store.(session.Lister).List(ctx, "alice", "", 1)
		must(t, err)
		afters := []string{
			cursor, cursor + "x", "x" + cursor, cursor[:len(cursor)-1], cursor + "\n", strings.ToUpper(cursor), "5", "5.", "." + id, "-5." + id, "+5." + id, " 5." + id, "1_0." + id, "0x5." + id,
			"9223372036854775807." + id, "9223372036854775808." + id, "-9223372036854775808." + id, "5." + id[:42] + "\x00", "5.\xff", "5.' OR 1=1 --", "5.*",
			"a b 5", "127.0.0.1:1  5", "127.0.0.1:1 \r\nFLUSHALL 5", "  ", "a b 99999999999999999999",
		}
		for _, after := range append(afters, handles...) {
			page, next, err := e.store.(session.Lister).List(ctx, "alice", after, 10)
			if err != nil && (!errors.Is(err, session.ErrInvalid) || len(page) > 0 || next != "") {
				t.Errorf("List after %.50q: %d records, %q, %v", after, len(page), next, err)
			}
			for _, r := range page {
				if r.Record.Principal != "alice" {
					t.Errorf("List after %.50q: a record of %q", after, r.Record.Principal)
				}
			}
			if page, next, err := e.store.(session.Scanner).Scan(ctx, after, 10); err != nil && (!errors.Is(err, session.ErrInvalid) || len(page) > 0 || next != "") {
				t.Errorf("Scan after %.50q: %d records, %q, %v", after, len(page), next, err)
			}
		}
		alice.wantWhole()
	})
}

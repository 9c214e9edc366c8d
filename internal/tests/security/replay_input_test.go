package security_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seshat-go/seshat/core/session"
)

// raw sends a request with any bytes in its Cookie header straight to a manager:
// no client would send them, and some servers would refuse them.
func (s *site) raw(m *session.Manager, header string, f func(*session.Session)) answer {
	s.Helper()
	r := httptest.NewRequest(http.MethodGet, home, nil)
	r.Header["Cookie"] = []string{header}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(m.From(r.Context())) })).ServeHTTP(w, r)
	return answer{s.T, w.Code, w.Header(), w.Body.String()}
}

// freshToken is a token that no server made.
func freshToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// CVE-2024-38513 (gofiber), and session fixation in general: the server adopts
// an ID that the client chose.
func TestAClientChosenIDIsNeverAdopted(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		chosen := map[string]func() (token string, event session.EventKind){
			"random": func() (string, session.EventKind) { return freshToken(), session.EventUnknownToken },
			"the ID of a session": func() (string, session.EventKind) {
				return string(s.browser().begin(loginWith("bob", "beer"))), session.EventUnknownToken
			},
			"of a session that was ended": func() (string, session.EventKind) {
				b := s.browser()
				b.begin(add("beer"))
				token := b.token()
				b.visit(destroy).want(200)
				return token, session.EventUnknownToken
			},
			"of a session that has expired": func() (string, session.EventKind) {
				b := s.browser()
				b.begin(func(s *session.Session) { add("beer")(s); s.SetLifetime(time.Second) })
				token := b.token()
				s.clock.advance(time.Minute)
				return token, session.EventExpired
			},
		}
		for which, choose := range chosen {
			for does, f := range map[string]func(*session.Session){"write": add("tea"), "login": loginWith("alice", "tea")} {
				token, event := choose()
				attacker, victim := s.browser(), s.browser()
				for _, b := range []*browser{attacker, victim} {
					must(t, b.receive("https", host, "/", cookie+"="+token+"; Path=/; Secure; HttpOnly"))
				}
				s.reset()
				victim.visit(f).want(200).wantCookies(1)
				if victim.token() == token {
					t.Errorf("a token %s was adopted at a %s", which, does)
				}
				if got := s.of(event); len(got) != 1 {
					t.Errorf("a token %s at a %s: %d events %q", which, does, len(got), event)
				}
				attacker.seesNothing()
				attacker.at(1).visit(func(s *session.Session) {
					if slices.Contains(cart.Get(s), "tea") {
						t.Error("the attacker sees what the victim wrote")
					}
				})
			}
		}
	})
}

// CVE-2019-16782 (Rack), CVE-2019-25025 (ActiveRecord's store): a lookup compares
// the secret itself, and the time it takes tells how much of it was right. Here
// only a hash is ever looked up, which nobody can steer byte by byte.
func TestALookupComparesHashesOnly(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		b, c := s.browser(), s.browser()
		id := b.begin(loginWith("alice", "tea"))
		c.begin(add("milk"))
		for _, f := range []func(*session.Session){read, add("x"), renew, login("alice"), func(s *session.Session) { s.Flash("info", "x") }} {
			c.visit(f).want(200)
			c.at(1).visit(read).want(200)
		}
		forged := freshToken()
		s.raw(s.m[0], cookie+"="+forged, read).want(200)
		s.given(forged)
		b.visit(read).want(200)

		raw, err := base64.RawURLEncoding.DecodeString(b.token())
		must(t, err)
		sum := sha256.Sum256(slices.Concat([]byte(cookie), []byte{0}, raw))
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); string(id) != want {
			t.Errorf("the ID is %q, want the hash %q", id, want)
		}
		asked := false
		for _, c := range s.seen() {
			if asked = asked || c.id == id; c.id != "" && !c.id.Valid() {
				t.Errorf("%s got the ID %q", c.op, c.id)
			}
			s.wantNoSecret("the call "+c.op, fmt.Sprintf("%s %s %+v %s", c.id, c.text, c.record, c.record.Payload))
		}
		if !asked {
			t.Error("nothing was seen of the session's lookups")
		}
		dump := s.dump()
		if s.wantNoSecret("the server", dump); dump != "" && !strings.Contains(dump, string(id)) {
			t.Error("the dump of the server shows nothing")
		}
		if _, kept := s.m[0].Store().(*watchedStore); !kept {
			t.Error("the store is not watched")
		}
	})
}

// CVE-2026-13575 (HTTP::Session), Laravel PR #5258: an ID goes into a path, a
// query or a command as it came.
func TestNoInputIsInjectedIntoAStoreProtocol(t *testing.T) {
	good := freshToken()
	hostile := []string{
		"../../../../etc/passwd", "..%2f..%2f", "/dev/null", "con", ".", "*", "sessions:*", "?", "[a-z]*", "{x}", "%", "_",
		"' OR '1'='1", "'; DROP TABLE sessions; --", `" OR ""="`, "1); DELETE FROM sessions; --", "\\", "$1", "?1", "@@version",
		"x\r\nDEL x\r\n", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "set x 0 0 1\r\n1", "\x00", good[:20] + "\x00" + good[21:], good + "\n",
		good[:42] + "*", good[:42] + "'", good[:42] + "\xff", "日本", strings.Repeat("A", 1<<20), strings.Repeat("%00", 1000), "",
	}
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{Device: func(r *http.Request) session.Device {
			return session.Device{Address: r.Header.Get("X-Address"), UserAgent: r.UserAgent()}
		}}, 1)
		kept := s.browser()
		id := kept.begin(loginWith("alice", "tea"))
		m, ctx := s.m[0], t.Context()
		s.reset()
		for _, h := range hostile {
			s.raw(m, cookie+"="+h, func(s *session.Session) {
				if s.ID() != "" || s.Len() != 0 || s.Err() != nil {
					t.Errorf("the cookie %.50q opens session %q: %v", h, s.ID(), s.Err())
				}
			}).want(200).wantCookies(0)
			if err := m.Revoke(ctx, session.ID(h)); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Revoke(%.50q): %v", h, err)
			}
			if err := m.RevokeFor(ctx, "alice", session.ID(h)); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("RevokeFor(%.50q): %v", h, err)
			}
		}
		for _, c := range s.seen() {
			if !c.id.Valid() && !strings.HasPrefix(c.op, "load") {
				t.Errorf("%s got the ID %.50q", c.op, c.id)
			}
		}
		// Names of users are the application's, and may be anything.
		for i, h := range hostile {
			if strings.ContainsRune(h, 0) || !utf8.ValidString(h) || h == "" || len(h) > session.MaxPrincipal {
				continue
			}
			b := s.browser()
			r := b.request(nil, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				s.Login(h)
				name.Set(s, h)
				session.NewKey[string]("k"+h).Set(s, "x") // a leading "_" is reserved
				s.Flash(h, h)
			})
			r.Header.Set("User-Agent", strings.Map(func(r rune) rune { return max(r, ' ') }, h))
			b.send(r).want(200).wantCookies(1)
			b.visit(func(s *session.Session) {
				if s.Principal() != h || name.Get(s) != h {
					t.Errorf("%q came back as %q with %q", h, s.Principal(), name.Get(s))
				}
			}).want(200)
			infos, err := m.List(ctx, h)
			if err != nil || len(infos) != 1 || infos[0].Principal != h {
				t.Errorf("List(%q): %v, %v", h, infos, err)
			}
			if n, err := m.RevokeAll(ctx, h); n != 1 || err != nil {
				t.Errorf("RevokeAll(%q) ended %d: %v", h, n, err)
			}
			if i%8 == 0 {
				kept.sees("alice", "tea")
			}
		}
		kept.sees("alice", "tea")
		if all := s.records(); len(all) != 1 || all[id].Principal != "alice" {
			t.Errorf("%d records are stored, want the one of alice", len(all))
		}
	})
}

// sealed is a codec of an application that does not trust its store's readers.
type sealed struct{ aead cipher.AEAD }

func newSealed() sealed {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealed{aead}
}

func (c sealed) Name() string { return "sealed" }

func (c sealed) Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return c.aead.Seal(nil, nil, b, nil), err
}

func (c sealed) Unmarshal(data []byte, v any) error {
	b, err := c.aead.Open(nil, nil, data, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// CVE-2026-39324 (rack-session): what cannot be decrypted is tried with a
// decoder that does not ask for a key, so that an attacker may write it.
func TestWhatCannotBeDecodedFallsToNoWeakerDecoder(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{Codec: newSealed()}, 1)
		rewrite := func(id session.ID, f func([]byte) []byte) {
			t.Helper()
			rec, err := s.m[0].Store().Load(t.Context(), id)
			must(t, err)
			was := rec.Version
			rec.Version, rec.Payload = was+1, f(bytes.Clone(rec.Payload))
			must(t, s.m[0].Store().Update(t.Context(), id, rec, was))
		}
		begin := func() (*browser, session.ID) {
			b := s.browser()
			id := b.begin(func(s *session.Session) { s.Login("alice"); name.Set(s, "alice") })
			s.reset()
			return b, id
		}
		// The value is not what was sealed: it is absent, though it is good JSON.
		b, id := begin()
		rewrite(id, func(p []byte) []byte {
			plain := append([]byte(`"mallory"`), bytes.Repeat([]byte(" "), 64)...)
			n := len(p) - bytes.Index(p, []byte("name")) - len("name") - 1
			return append(p[:len(p)-n], plain[:n]...)
		})
		b.visit(func(s *session.Session) {
			if v, ok := name.Lookup(s); ok {
				t.Errorf("a value that cannot be decrypted is %q", v)
			}
		}).want(200)
		if len(s.of(session.EventUndecodable)) == 0 {
			t.Error("there was no event")
		}
		// The whole is under another decoder, cut, or of another version: no session.
		for what, f := range map[string]func([]byte) []byte{
			"another codec":        func([]byte) []byte { return []byte("\x01\x03gob\x01\x04name\x07mallory") },
			"no codec":             func([]byte) []byte { return []byte("\x01\x00\x01\x04name\x09\"mallory\"") },
			"plain JSON":           func([]byte) []byte { return []byte(`{"name":"mallory"}`) },
			"cut short":            func(p []byte) []byte { return p[:len(p)-1] },
			"an unknown version":   func(p []byte) []byte { p[0] = 2; return p },
			"something at the end": func(p []byte) []byte { return append(p, 'x') },
		} {
			b, id := begin()
			rewrite(id, f)
			if b.seesNothing(); len(s.of(session.EventUndecodable)) == 0 {
				t.Errorf("%s: there was no event", what)
			}
			b.visit(add("tea")).want(200).wantCookies(1)
			b.sees("", "tea")
		}
	})
	t.Run("a cookie is never decoded at all", func(t *testing.T) {
		spy := &spyCodec{Codec: session.JSON}
		s := newSite(t, memory, session.Options{Codec: spy}, 1)
		for _, value := range []string{
			base64.RawURLEncoding.EncodeToString([]byte(`{"principal":"alice","name":"x"}`)), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
			"BAh7BkkiCXVzZXIGOgZFVGkG--0000000000000000000000000000000000000000", freshToken(),
		} {
			s.raw(s.m[0], cookie+"="+value, func(s *session.Session) { _ = name.Get(s); _ = s.Principal() }).want(200).wantCookies(0)
		}
		if spy.n != 0 {
			t.Errorf("%d values were decoded", spy.n)
		}
	})
}

// spyCodec counts what it decodes.
type spyCodec struct {
	session.Codec
	n int
}

func (c *spyCodec) Unmarshal(data []byte, v any) error {
	c.n++
	return c.Codec.Unmarshal(data, v)
}

package hostile_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seshat-go/seshat/core/session"
)

// key is where the session, or its cache entry, is.
func (k *keyspace) key(id session.ID) string {
	if k.cache {
		return k.prefix + "c:" + string(id)
	}
	return k.prefix + string(id)
}

// index is the key of a principal's index.
func (k *keyspace) index(principal string) string {
	return k.prefix + "p:{" + base64.RawURLEncoding.EncodeToString([]byte(principal)) + "}"
}

// A keyspace is the vault of an engine with Redis alone.

func (k *keyspace) dump(v *visitor) string {
	v.t.Helper()
	dump, err := k.Dump(v.t.Context(), k.key(v.id)).Result()
	if !errors.Is(err, redis.Nil) {
		must(v.t, err)
	}
	return dump
}

func (k *keyspace) same(v *visitor) string { return fmt.Sprintf("%q", k.dump(v)) }

func (k *keyspace) keep(v *visitor) func() {
	kept := k.dump(v)
	return func() { must(v.t, k.RestoreReplace(v.t.Context(), k.key(v.id), time.Hour, kept).Err()) }
}

// spoils are garbage of every kind in place of a value.
func (k *keyspace) spoils() (out []spoil) {
	add := func(what string, do func(v *visitor, key string) error) {
		out = append(out, spoil{what, func(v *visitor) bool {
			must(v.t, do(v, k.key(v.id)))
			return true
		}})
	}
	kind := "R1"
	if k.cache {
		kind = "E1"
	}
	for _, text := range []string{
		"", "x", "\x00", "null", `{"cart":["tea"]}`, kind, kind + strings.Repeat("\x00", 77), kind + strings.Repeat("\x00", 78), kind + strings.Repeat("\xff", 78), kind + strings.Repeat("\xff", 1000),
		"L1" + strings.Repeat("x", 16), "L1", "R1", "E1", "R2" + strings.Repeat("\x00", 200), strings.Repeat("\x00", 80), strings.Repeat("*", 400), "\x1f\x8b\x08\x00", strings.Repeat("x", 8<<20), "12345",
	} {
		add(fmt.Sprintf("%.20q of %d bytes", text, len(text)), func(v *visitor, key string) error { return k.Set(v.t.Context(), key, text, 0).Err() })
	}
	for name, put := range map[string]func(v *visitor, key string) error{
		"list":       func(v *visitor, key string) error { return k.RPush(v.t.Context(), key, "x").Err() },
		"set":        func(v *visitor, key string) error { return k.SAdd(v.t.Context(), key, "x").Err() },
		"hash":       func(v *visitor, key string) error { return k.HSet(v.t.Context(), key, "x", "y").Err() },
		"sorted set": func(v *visitor, key string) error { return k.ZAdd(v.t.Context(), key, redis.Z{Member: "x"}).Err() },
		"stream": func(v *visitor, key string) error {
			return k.XAdd(v.t.Context(), &redis.XAddArgs{Stream: key, Values: []string{"a", "b"}}).Err()
		},
		"HyperLogLog": func(v *visitor, key string) error { return k.PFAdd(v.t.Context(), key, "x").Err() },
	} {
		add(name, func(v *visitor, key string) error {
			must(v.t, k.Del(v.t.Context(), key).Err())
			return put(v, key)
		})
	}
	change := func(what string, f func(value []byte) []byte) {
		add(what, func(v *visitor, key string) error {
			value, err := k.Client.Get(v.t.Context(), key).Bytes()
			must(v.t, err)
			return k.Set(v.t.Context(), key, f(slices.Clone(value)), time.Hour).Err()
		})
	}
	for _, n := range []int{1, 2, 10, 79, 80, 82, 83, 90} {
		change(fmt.Sprintf("cut to %d bytes", n), func(value []byte) []byte { return value[:min(n, len(value)-1)] })
	}
	for _, n := range []int{1, 5, 10} {
		change(fmt.Sprintf("%d bytes less", n), func(value []byte) []byte { return value[:len(value)-n] })
	}
	change("a byte more", func(value []byte) []byte { return append(value, 'x') })
	change("twice", func(value []byte) []byte { return append(value, value...) })
	for at := range 84 { // the head, and the principal; what the payload says has no check of its own
		for _, flip := range []byte{0x01, 0xff} {
			change(fmt.Sprintf("byte %d with %#x", at, flip), func(value []byte) []byte { value[at] ^= flip; return value })
		}
	}
	return out
}

func TestAnyRedisValueIsASessionOrNone(t *testing.T) {
	only(t, inRedis, func(t *testing.T, e engine) {
		checkSpoils(t, e, e.keys, e.keys.spoils(), 40)
	})
}

// SQL is the truth: garbage in the cache ends no session. An entry of which
// every part can be read may be served for the re-check age, whoever wrote it.
func TestAnyCacheEntryLeavesTheSession(t *testing.T) {
	only(t, behind, func(t *testing.T, e engine) {
		s := open(t, e)
		stranger := s.signIn("carol")
		for _, sp := range e.keys.spoils() {
			sc := s.scene(stranger)
			sp.do(sc.victim)
			if sc.outcome(sp.what) {
				t.Errorf("%s: the session is absent, though SQL has it", sp.what)
			}
			if a := s.ask("add=milk", sc.victim.cookie()); a.status != http.StatusOK || a.cookies != nil || a.view.ID != sc.victim.id {
				t.Errorf("%s: a write is answered %d %q %+v", sp.what, a.status, a.body, a.view)
			}
			if strings.HasPrefix(sp.what, "byte ") { // another version, or other times, that can be read
				sc.beside.wantWhole()
				continue
			}
			if a := s.ask("", sc.victim.cookie()); a.status != http.StatusOK || !slices.Equal(a.view.Cart, []string{"tea", "milk"}) || a.view.Principal != sc.who {
				t.Errorf("%s: after the write: %d %+v", sp.what, a.status, a.view)
			}
			sc.goesOn(sp.what)
			if t.Failed() {
				return
			}
		}
		s.works()
	})
}

func TestGarbageInTheIndexHidesNoSession(t *testing.T) {
	only(t, inRedis, func(t *testing.T, e engine) {
		s, ctx := open(t, e), t.Context()
		bob := s.signIn("bob")
		byCreated := e.keys.index("bob")
		for i, member := range []string{"", "x", "\xff", strings.Repeat("x", 59), strings.Repeat("\xff", 59), strings.Repeat("\x00", 8) + string(bob.id) + strings.Repeat("\x00", 8), strings.Repeat("\xff", 8) + unknown(1)[0] + strings.Repeat("\x80", 8)} {
			must(t, e.keys.ZAdd(ctx, byCreated, redis.Z{Score: float64(i % 2), Member: member}).Err())
			must(t, e.keys.ZAdd(ctx, byCreated+":end", redis.Z{Score: math.Inf(1 - 2*(i%2)), Member: member}).Err())
		}
		again := s.signIn("bob")
		infos, err := s.m.List(ctx, "bob")
		if err != nil || len(infos) != 2 {
			t.Errorf("List: %v, %v", infos, err)
		}
		for _, limit := range []int{1, 2, 3} {
			n := 0
			for after := ""; ; {
				page, next, err := e.store.(session.Lister).List(ctx, "bob", after, limit)
				must(t, err)
				if n += len(page); next == "" {
					break
				}
				after = next
			}
			if n != 2 {
				t.Errorf("pages of %d: %d records", limit, n)
			}
		}
		if n, err := s.m.RevokeAll(ctx, "bob"); n != 2 || err != nil {
			t.Errorf("RevokeAll: %d, %v", n, err)
		}
		for _, v := range []*visitor{bob, again} {
			if a := s.ask("", v.cookie()); a.view.ID != "" {
				t.Errorf("%+v lives", a.view)
			}
		}
	})
}

// An index that is none is told, not taken for one without sessions: a sign-out
// everywhere would miss those that it had.
func TestAnIndexOfAnotherTypeIsAnOutageForItsPrincipal(t *testing.T) {
	only(t, inRedis, func(t *testing.T, e engine) {
		s, ctx := open(t, e), t.Context()
		bob := s.signIn("bob")
		must(t, e.keys.Set(ctx, e.keys.index("bob"), "garbage", 0).Err())
		bob.wantWhole()
		if _, err := s.m.List(ctx, "bob"); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("List: %v", err)
		}
		if n, err := s.m.RevokeAll(ctx, "bob"); n != 0 || !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("RevokeAll: %d, %v", n, err)
		}
		if a := s.ask("user=bob"); a.status != http.StatusServiceUnavailable || a.cookies != nil {
			t.Errorf("a login is answered %d %q", a.status, a.cookies)
		}
		s.signIn("carol").wantWhole()
		if a := s.ask("destroy=", bob.cookie()); a.status != http.StatusOK || s.ask("", bob.cookie()).view.ID != "" {
			t.Errorf("sign-out: %d", a.status)
		}
	})
}

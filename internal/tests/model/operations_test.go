package model_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/seshat-go/seshat/core/session"
)

var valueB = session.NewKey[string]("b")

// valuesOf is what a session has, without taking the messages for good: the
// caller's response changes nothing.
func valuesOf(s *session.Session) values {
	v := values{a: valueA.Get(s), b: valueB.Get(s), n: valueN.Get(s)}
	for _, f := range s.Flashes() {
		v.flashes = append(v.flashes, f.Text)
	}
	return v
}

// What a handler may do.
var operations = []string{
	"read", "set a", "set b", "update", "pop", "delete", "clear", "flash", "flashes", "login", "renew", "destroy",
	"save", "reload", "idle timeout", "lifetime", "persistent", "revoke the others", "read again", "update again", "login again",
}

// operate has the handler do one thing, and the model the same.
func (f *flight) operate(t *rapid.T) {
	f.perform(t, rapid.SampledFrom(operations).Draw(t, "operation"))
}

func (f *flight) perform(t *rapid.T, name string) {
	s, r := f.s, &f.request
	value := func() string { return rapid.SampledFrom([]string{"x", "y"}).Draw(t, "value") }
	switch name {
	case "read", "read again":
		f.compare(t)
	case "set a":
		v := value()
		valueA.Set(s, v)
		r.look()
		r.change(step{do: func(k *kept) bool { k.values.a = v; return true }})
	case "set b":
		v := value()
		valueB.Set(s, v)
		r.look()
		r.change(step{do: func(k *kept) bool { k.values.b = v; return true }})
	case "update", "update again":
		valueN.Update(s, func(n int) int { return n + 1 })
		r.look()
		r.change(step{do: func(k *kept) bool { k.values.n++; return true }})
	case "pop":
		got, ok := valueA.Pop(s)
		r.look()
		want := r.cur.values.a
		if got != want || ok != (want != "") {
			t.Fatalf("popped %q, %v, want %q", got, ok, want)
		}
		if ok {
			r.change(step{do: func(k *kept) bool {
				fits := k.values.a == want
				if fits {
					k.values.a = ""
				}
				return fits
			}})
		}
	case "delete":
		valueB.Delete(s)
		if r.look(); r.cur.values.b != "" {
			r.change(step{do: func(k *kept) bool { k.values.b = ""; return true }})
		}
	case "clear":
		s.Clear()
		if r.look(); !r.cur.values.empty() {
			r.change(step{do: func(k *kept) bool { k.values = values{}; return true }})
		}
	case "flash":
		f.m.writes++
		text := fmt.Sprint(f.m.writes)
		s.Flash("info", text)
		r.look()
		r.change(step{do: func(k *kept) bool { k.values.flashes = append(slices.Clone(k.values.flashes), text); return true }})
	case "flashes":
		f.takeFlashes(t)
	case "login", "login again":
		user := rapid.SampledFrom(users).Draw(t, "user")
		s.Login(user)
		r.logIn(user)
	case "renew":
		s.Renew()
		r.renewToken()
	case "destroy":
		err := s.Destroy(t.Context())
		wantStatus(t, "Destroy", err, r.destroy(len(f.sent) > 0))
	case "save":
		err := s.Save(t.Context())
		if r.is == unknown && r.err == 0 {
			wantStatus(t, "Save of what was not used", err, 0)
			return
		}
		wantStatus(t, "Save", err, r.saveNow())
	case "reload":
		err := s.Reload(t.Context())
		wantStatus(t, "Reload", err, r.reload())
	default:
		f.operateOnItself(t, name)
	}
}

// operateOnItself is operate for what concerns the session rather than its values.
func (f *flight) operateOnItself(t *rapid.T, name string) {
	s, r := f.s, &f.request
	switch name {
	case "idle timeout":
		d := rapid.SampledFrom([]time.Duration{0, time.Minute, 2 * time.Hour}).Draw(t, "idle timeout")
		s.SetIdleTimeout(d)
		r.look()
		r.change(step{setting: true, do: func(k *kept) bool { k.idle = d; *k = k.used(k.seen); return true }})
	case "lifetime":
		d := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Hour, 3 * lifetime}).Draw(t, "lifetime")
		s.SetLifetime(d)
		r.look()
		end := f.m.now.Add(d)
		r.change(step{setting: true, cookie: true, do: func(k *kept) bool { k.end = end; *k = k.used(k.seen); return true }})
	case "persistent":
		on := rapid.Bool().Draw(t, "persistent")
		s.SetPersistent(on)
		r.look()
		r.change(step{setting: true, cookie: true, do: func(k *kept) bool { k.persistent = on; *k = k.used(k.seen); return true }})
	case "revoke the others":
		user := rapid.SampledFrom(users).Draw(t, "user")
		if f.m.plain.down {
			t.Skip("it would fail")
		}
		n, err := f.m.anyManager(t).RevokeAll(t.Context(), user, session.Except(s))
		if r.look(); r.is == failing {
			wantStatus(t, "RevokeAll", err, 503)
			return
		}
		wantStatus(t, "RevokeAll", err, 0)
		except := session.ID("")
		if r.is == alive {
			except = r.id
		}
		if want := f.m.revokeAll(user, except, r.cur); n != want {
			t.Fatalf("revoked %d, want %d", n, want)
		}
	default:
		panic(name)
	}
}

// compare checks what the handler sees.
func (f *flight) compare(t *rapid.T) {
	s, r := f.s, &f.request
	v := values{a: valueA.Get(s), b: valueB.Get(s), n: valueN.Get(s)}
	who, id := s.Principal(), s.ID()
	r.look()
	want := r.cur.values
	if v.a != want.a || v.b != want.b || v.n != want.n {
		t.Fatalf("the handler sees %+v, want %+v (%s)", v, want, r.is)
	}
	wantID := session.ID("")
	if r.is == alive {
		wantID = r.id
	}
	if who != r.principal() || id != wantID {
		t.Fatalf("the handler sees %q of %q, want %q of %q (%s)", id, who, wantID, r.principal(), r.is)
	}
	if r.is == alive && !s.ExpiresAt().Equal(r.cur.expires) {
		t.Fatalf("the handler sees an expiry at %v, want %v", s.ExpiresAt(), r.cur.expires)
	}
}

func (f *flight) takeFlashes(t *rapid.T) {
	var got []string
	for _, x := range f.s.Flashes() {
		got = append(got, x.Text)
	}
	r := &f.request
	r.look()
	taken := r.cur.values.flashes
	if !slices.Equal(got, taken) {
		t.Fatalf("took the messages %q, want %q", got, taken)
	}
	if len(taken) > 0 {
		r.change(step{do: func(k *kept) bool {
			var left []string
			for _, x := range k.values.flashes {
				if !slices.Contains(taken, x) {
					left = append(left, x)
				}
			}
			k.values.flashes = left
			return true
		}})
	}
}

// wantStatus checks that an error is the one that a response of the status comes of.
func wantStatus(t *rapid.T, what string, err error, status int) {
	got := 0
	switch {
	case errors.Is(err, session.ErrSessionEnded), errors.Is(err, session.ErrConflict):
		got = 409
	case errors.Is(err, session.ErrUnavailable), errors.Is(err, context.Canceled):
		got = 503
	case err != nil:
		got = 500
	}
	if got != status {
		t.Fatalf("%s: error %v, which is a %d, want %d", what, err, got, status)
	}
}

package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestTheValuesOfASessionFitExactlyIntoMaxSize(t *testing.T) {
	// version, "json" and its length, number of keys, "name" and its length,
	// two bytes for the length of the value
	const around = 1 + 5 + 1 + 5 + 2
	for _, c := range []struct {
		max, text int // the text is JSON with two quotes
		ok        bool
	}{
		{200, 200 - around - 2, true},
		{200, 200 - around - 1, false},
		{0, 64<<10 - around - 1 - 2, true},
		{0, 64<<10 - around - 1 - 1, false},
	} {
		s, b := started(t, session.Options{MaxSize: c.max})
		b.visit(func(s *session.Session) { s.Clear() }).want(200)
		a := b.visit(func(s *session.Session) { name.Set(s, strings.Repeat("x", c.text)) })
		if c.ok {
			a.want(200)
			b.visit(func(s *session.Session) {
				if len(name.Get(s)) != c.text {
					t.Errorf("%d bytes of %d came back", len(name.Get(s)), c.text)
				}
			})
			continue
		}
		a.want(500)
		s.wantTold(session.ErrTooLarge)
	}
}

func TestTooMuchIsAnErrorAndTheOldDataStays(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for does, f := range map[string]func(*session.Session){
		"Set":    func(s *session.Session) { name.Set(s, long) },
		"Update": func(s *session.Session) { name.Update(s, func(string) string { return long }) },
		"Flash":  func(s *session.Session) { s.Flash("info", long) },
		"Login":  func(s *session.Session) { s.Login("alice"); name.Set(s, long) },
	} {
		t.Run(does, func(t *testing.T) {
			s, b := started(t, session.Options{MaxSize: 500})
			b.visit(func(s *session.Session) {
				count.Set(s, 1)
				f(s)
				if err := s.Err(); !errors.Is(err, session.ErrTooLarge) || strings.Contains(err.Error(), "xx") {
					t.Errorf("Err: %v", err)
				}
				if s.Has("name") || !s.Has("cart") {
					t.Errorf("there are %q", s.Keys())
				}
			}).want(500)
			s.wantTold(session.ErrTooLarge)
			s.wantCalls("load")
			b.sees("", "tea")
		})
	}
}

func TestTwoRequestsThatFitAloneButNotTogetherAreTold(t *testing.T) {
	s, b := started(t, session.Options{MaxSize: 200})
	first, second := inStep(s, b,
		func(s *session.Session) { name.Set(s, strings.Repeat("x", 100)) },
		func(s *session.Session) { session.NewKey[string]("other").Set(s, strings.Repeat("y", 100)) })
	if first.status > second.status {
		first, second = second, first
	}
	first.want(200)
	second.want(500)
	s.wantTold(session.ErrTooLarge)
	b.sees("", "tea")
}

func TestAKeyHas1To255BytesAndNoLeadingUnderscore(t *testing.T) {
	for _, c := range []struct {
		key string
		ok  bool
	}{
		{"a", true},
		{strings.Repeat("k", 255), true},
		{"a_", true},
		{"\x00", true},
		{"\xff\xfe", true},
		{"日本", true},
		{" ", true},
		{"", false},
		{strings.Repeat("k", 256), false},
		{"_", false},
		{"_flash", false},
		{"_a", false},
	} {
		s, b := started(t, session.Options{})
		key := session.NewKey[string](c.key)
		a := b.visit(func(s *session.Session) {
			key.Set(s, "v")
			if got, ok := key.Lookup(s); ok != c.ok || (got == "v") != c.ok {
				t.Errorf("%q: Lookup: %q, %v", c.key, got, ok)
			}
		})
		if !c.ok {
			a.want(500)
			s.wantTold(session.ErrInvalid)
			for does, f := range map[string]func(*session.Session){
				"Get": func(s *session.Session) { key.Get(s) }, "Pop": func(s *session.Session) { key.Pop(s) },
				"Update": func(s *session.Session) { key.Update(s, func(v string) string { return v }) },
			} {
				if a := b.visit(f); a.status != 500 {
					t.Errorf("%s of %q is answered %d", does, c.key, a.status)
				}
			}
			continue
		}
		a.want(200)
		b.visit(func(s *session.Session) {
			if key.Get(s) != "v" || !s.Has(c.key) || key.Name() != c.key {
				t.Errorf("%q did not come back", c.key)
			}
			s.Delete(c.key)
		}).want(200)
		b.visit(func(s *session.Session) {
			if s.Has(c.key) {
				t.Errorf("%q is still there", c.key)
			}
		}).want(200)
	}
}

func TestUntypedAccessSeesTheApplicationsValuesOnly(t *testing.T) {
	_, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		s.Flash("info", "x")
		name.Set(s, "x")
		count.Set(s, 0)
		if got := s.Keys(); !slices.Equal(got, []string{"cart", "count", "name"}) || s.Len() != 3 {
			t.Errorf("Keys: %q, Len: %d", got, s.Len())
		}
		s.Delete("_flash")
		s.Delete("")
		if s.Has("_flash") || s.Has("") || len(s.Flashes()) != 1 {
			t.Error("the flash messages can be reached by name")
		}
		s.Flash("info", "x")
		s.Clear()
		if s.Len() != 0 || len(s.Flashes()) != 0 || s.Err() != nil {
			t.Errorf("after Clear: %q, %v", s.Keys(), s.Err())
		}
	}).want(200)
}

func TestSettingsOutsideTheirLimitsAreErrors(t *testing.T) {
	for does, f := range map[string]func(*session.Session){
		"negative idle timeout": func(s *session.Session) { s.SetIdleTimeout(-1) },
		"negative lifetime":     func(s *session.Session) { s.SetLifetime(-1) },
		"no lifetime":           func(s *session.Session) { s.SetLifetime(0) },
		"lifetime of 401 days":  func(s *session.Session) { s.SetLifetime(401 * 24 * 3600e9) },
	} {
		t.Run(does, func(t *testing.T) {
			s, b := started(t, session.Options{})
			b.visit(func(s *session.Session) { f(s); add("milk")(s) }).want(500)
			s.wantTold(session.ErrInvalid)
			b.sees("", "tea")
		})
	}
}

func TestAValueThatIsChangedInPlaceDoesNotChangeTheSession(t *testing.T) {
	_, b := started(t, session.Options{})
	b.visit(func(s *session.Session) {
		cart.Get(s)[0] = "changed"
		mine := []string{"a", "b"}
		session.NewKey[[]string]("list").Set(s, mine)
		mine[0] = "changed"
		if got := session.NewKey[[]string]("list").Get(s); got[0] != "a" {
			t.Errorf("the list has %q", got)
		}
	}).want(200)
	b.sees("", "tea")
}

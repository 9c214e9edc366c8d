package session

import (
	"fmt"
	"strings"
	"testing"
)

func TestATokenPrintsAsAPlaceholder(t *testing.T) {
	secret := newToken()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{secret, &secret, []token{secret}, struct{ T any }{secret}} {
			if got := fmt.Sprintf(format, v); !strings.Contains(got, "session.token(hidden)") {
				t.Errorf("%s of %T prints %d bytes of something else", format, v, len(got))
			}
		}
	}
}

func TestAnIDHas43CharactersOfBase64URL(t *testing.T) {
	good := strings.Repeat("A", 43)
	for _, c := range []struct {
		id ID
		ok bool
	}{
		{ID(good), true},
		{newToken().id("a"), true},
		{ID(strings.Repeat("_-", 21) + "8"), true},
		{"", false},
		{ID(good[:42]), false},
		{ID(good + "A"), false},
		{ID(good[:42] + "="), false},
		{ID(good[:42] + "+"), false},
		{ID(good[:42] + "\n"), false},
		{ID(good[:41] + "\r\n"), false},
		{ID(good[:42] + "B"), false},
		{ID(good + "\n"), false},
		{ID(strings.Repeat("\n", 43)), false},
		{ID(good[:42] + "\x00"), false},
	} {
		if c.id.Valid() != c.ok {
			t.Errorf("%q: valid is %v", c.id, !c.ok)
		}
	}
}

func TestATokenIsReadInItsOwnFormOnly(t *testing.T) {
	secret := newToken()
	back, ok := parseToken(secret.cookie())
	if !ok || back != secret {
		t.Error("a token does not come back")
	}
	if secret.id("a") == secret.id("b") || secret.id("a") != back.id("a") || string(secret.id("a")) == secret.cookie() {
		t.Error("an ID does not depend on just the cookie's name and the token")
	}
	for _, s := range []string{"", secret.cookie()[:42], secret.cookie() + "A", " " + secret.cookie(), secret.cookie()[:42] + "\n"} {
		if _, ok := parseToken(s); ok {
			t.Errorf("%d bytes were taken for a token", len(s))
		}
	}
}

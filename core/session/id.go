package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
)

// An ID names a session in stores, lists, logs and calls to revoke. It is the
// SHA-256 of the cookie name and the token, in base64url without padding, so it
// can be shown: it cannot be turned back into the token, which alone opens the
// session.
type ID string

const (
	tokenBytes = 32
	encodedLen = 43 // of 32 bytes in base64 without padding
)

var encoding = base64.RawURLEncoding.Strict()

// Valid tells whether the ID has the form of one: 43 characters of base64url.
func (id ID) Valid() bool {
	if len(id) != encodedLen {
		return false
	}
	for i := range len(id) {
		if sextets[id[i]] == none64 {
			return false
		}
	}
	return sextets[id[encodedLen-1]]&3 == 0 // 43 characters hold 258 bits
}

// sextets are the values of the characters of base64url; none64 of all others.
var sextets = func() (t [256]byte) {
	for i := range t {
		t[i] = none64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		t[c] = byte(i)
	}
	return t
}()

const none64 = 255

// A token is the secret in the cookie. Only the browser keeps it. It
// prints as a placeholder, so that it cannot reach a log by accident.
type token struct {
	secret [tokenBytes]byte
}

func newToken() token {
	var t token
	_, _ = rand.Read(t.secret[:]) // never fails: crypto/rand ends the program instead
	return t
}

// parseToken accepts exactly the form that cookie produces.
func parseToken(s string) (t token, ok bool) {
	if !ID(s).Valid() {
		return t, false
	}
	_, err := encoding.Decode(t.secret[:], []byte(s))
	return t, err == nil
}

// cookie is the value to send to the browser, and nowhere else.
func (t token) cookie() string { return encoding.EncodeToString(t.secret[:]) }

// id is the storage key of the token under a cookie name: a token of one
// manager is nothing to another.
func (t token) id(cookieName string) ID {
	b := make([]byte, 0, 96)
	b = append(b, cookieName...)
	b = append(b, 0)
	b = append(b, t.secret[:]...)
	sum := sha256.Sum256(b)
	var text [encodedLen]byte
	encoding.Encode(text[:], sum[:])
	return ID(text[:])
}

// Format keeps the secret out of every formatted print.
func (t token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.token(hidden)") }

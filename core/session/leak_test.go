package session_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// spies knows every token that a browser was given.
type spies struct {
	mu     sync.Mutex
	tokens []string
}

func (s *spies) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != "" {
		s.tokens = append(s.tokens, token)
	}
}

// disguises returns the forms in which a token could hide in a text.
func disguises(token string) []string {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) == 0 {
		return nil
	}
	decimals := strings.Trim(fmt.Sprint(raw), "[]")
	return []string{
		token, string(raw),
		base64.RawStdEncoding.EncodeToString(raw),
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		decimals, strings.ReplaceAll(decimals, " ", ", "),
		strings.Trim(fmt.Sprintf("%#v", raw)[len("[]byte{"):], "}"),
	}
}

// wantNoToken checks that a text holds no token of the site in any form.
func (s *site) wantNoToken(where, text string) {
	s.t.Helper()
	s.spies.mu.Lock()
	defer s.spies.mu.Unlock()
	for _, token := range s.spies.tokens {
		for _, form := range disguises(token) {
			if strings.Contains(text, form) {
				s.t.Errorf("%s holds a token", where)
				return
			}
		}
	}
}

// checkLeaks looks through everything that a test made observable.
func (s *site) checkLeaks() {
	s.wantNoToken("an event", s.events.String())
	s.wantNoToken("the log", s.log.String())
	for _, err := range s.told.all {
		s.wantNoToken("an error", fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	if s.store != nil {
		for id, rec := range s.store.records() {
			s.wantNoToken("the store", fmt.Sprintf("%s %+v %s", id, rec, rec.Payload))
		}
	}
}

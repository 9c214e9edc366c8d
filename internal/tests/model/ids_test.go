package model_test

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/seshat-go/seshat/core/session"
)

// cookieName is the default for a site that is served over https.
const cookieName = "__Host-session"

// idOf is the ID of a token, as its documentation says.
func idOf(token string) session.ID {
	secret, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(append([]byte(cookieName+"\x00"), secret...))
	return session.ID(base64.RawURLEncoding.EncodeToString(sum[:]))
}

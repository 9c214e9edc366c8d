package session_test

import (
	"context"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

func TestASessionLivesAcrossRequests(t *testing.T) {
	b := newSite(t, session.Options{}).browser()
	b.visit(read).want(200).noCookie()
	b.visit(add("tea")).want(200).setsCookie()
	b.visit(add("milk")).want(200).noCookie()
	b.sees("", "tea", "milk")
	before := b.token()
	b.visit(login("alice")).want(200).setsCookie()
	b.sees("alice", "tea", "milk")
	if b.token() == before {
		t.Fatal("login kept the token")
	}
	thief := b.thief()
	thief.sees("alice", "tea", "milk")
	b.visit(func(s *session.Session) {
		if err := s.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	}).want(200).removesCookie()
	thief.seesNothing()
}

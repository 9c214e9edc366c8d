package security_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/servers"
)

// An outage of a cache.
type outage struct {
	name     string
	engine   engine
	down, up func(s *site)
	partial  bool // other processes still read from it, and see what is there for at most the re-check age
}

func outages(t *testing.T) []outage {
	o := cacheddb.Options{CacheTimeout: 200 * time.Millisecond, BreakerCooldown: 10 * time.Millisecond}
	fail := func(prefix string) func(*site) {
		return func(s *site) {
			s.failing(func(op string) error {
				if strings.HasPrefix(op, prefix) {
					return errors.New("the cache is down")
				}
				return nil
			})
		}
	}
	mend := func(s *site) { s.failing(nil) }
	out := []outage{
		{name: "each call of the cache fails", engine: cachedDBWith("", inMemory, inMemory, o), down: fail("cache "), up: mend},
		{name: "the cache takes no removal", engine: cachedDBWith("", inMemory, inMemory, o), down: fail("cache remove"), up: mend, partial: true},
	}
	if !servers.Wanted() {
		t.Logf("without %s=1 no real server is lost: make test loses one", servers.Variable)
		return out
	}
	kept := servers.Redis(t, "--appendonly", "yes", "--appendfsync", "always") // it comes back with what it had
	on := func(t *testing.T) (session.Store, func() string) { s, _ := redisAt(t, kept.Addr); return s, nil }
	return append(out,
		outage{
			name: "Redis is killed and comes back with what it had", engine: cachedDBWith("", on, inPostgres, o),
			down: func(s *site) { kept.Kill(s.T) }, up: func(s *site) { kept.Restart(s.T) },
		},
		outage{
			name: "Redis does not answer for a while", engine: cachedDBWith("", on, inPostgres, o),
			down: func(s *site) { kept.Stop(s.T) }, up: func(s *site) { kept.Cont(s.T) },
		})
}

// Django's cached_db: a logout while the cache is away deletes the row, and the
// cache, back again, goes on serving the session.
func TestALogoutWhileTheCacheIsDownHolds(t *testing.T) {
	for _, o := range outages(t) {
		t.Run(o.name, func(t *testing.T) {
			s := newSite(t, o.engine, session.Options{}, 2)
			out, revoked, kept := s.browser(), s.browser(), s.browser()
			ids := []session.ID{out.begin(loginWith("alice", "tea")), revoked.begin(loginWith("bob", "tea")), kept.begin(loginWith("carol", "tea"))}
			out.sees("alice", "tea") // so the cache has them
			revoked.sees("bob", "tea")
			kept.sees("carol", "tea")
			for _, id := range ids {
				if _, err := s.cache.Get(t.Context(), id); err != nil {
					t.Fatal("the cache has not the session: ", err)
				}
			}
			thief := out.thief()
			o.down(s)
			out.visit(func(s *session.Session) {
				if err := s.Destroy(context.Background()); err != nil {
					t.Error(err)
				}
			}).want(200).wantCookies(1)
			if err := s.m[0].Revoke(t.Context(), ids[1]); err != nil && !errors.Is(err, session.ErrPending) {
				t.Error(err)
			}
			for _, b := range []*browser{thief, revoked} {
				if !o.partial {
					b.seesNothing()
				}
				b.visit(func(s *session.Session) {
					if s.ID() != "" {
						t.Errorf("the process that ended the session of %q sees it", s.Principal())
					}
				}).want(200)
			}
			kept.sees("carol", "tea")
			o.up(s)
			for {
				left := 0
				for _, id := range ids[:2] {
					if _, err := s.cache.Get(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
						left++
					}
				}
				for _, b := range []*browser{thief, revoked} { // the process that ended it never sees it again
					b.visit(func(s *session.Session) {
						if s.ID() != "" {
							t.Errorf("session %q of %q is back", s.ID(), s.Principal())
						}
					}).want(200)
				}
				if left == 0 || t.Failed() {
					break
				}
			}
			thief.seesNothing()
			revoked.seesNothing()
			kept.sees("carol", "tea")
		})
	}
}

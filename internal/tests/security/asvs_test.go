package security_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

func TestACookieWithAnyBitFlippedIsNobodys(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	b := s.browser()
	b.begin(loginWith("alice", "tea"))
	good := b.token()
	check := func(value string) {
		t.Helper()
		s.raw(s.m[0], cookie+"="+value, func(s *session.Session) {
			if s.ID() != "" || s.Principal() != "" || s.Len() != 0 || s.Err() != nil {
				t.Errorf("%q opens the session of %q", value, s.Principal())
			}
		}).want(200).wantCookies(0)
	}
	secret, err := base64.RawURLEncoding.DecodeString(good)
	must(t, err)
	for bit := range 8 * len(secret) { // of the secret
		flipped := slices.Clone(secret)
		flipped[bit/8] ^= 1 << (bit % 8)
		check(base64.RawURLEncoding.EncodeToString(flipped))
	}
	for bit := range 8 * len(good) { // of the cookie's text
		flipped := []byte(good)
		flipped[bit/8] ^= 1 << (bit % 8)
		check(string(flipped))
	}
	for n := range len(good) { // cut and lengthened
		check(good[:n])
		check(good + good[:n+1])
	}
	if n := len(s.records()); n != 1 {
		t.Errorf("%d records are stored", n)
	}
	b.sees("alice", "tea")
}

func TestTheOldTokenIsRefusedAfterLoginAlsoAmongParallelRequests(t *testing.T) {
	const parallel = 50
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		victim := s.browser()
		victim.begin(add("tea"))
		var mu sync.Mutex
		answered := false
		var all sync.WaitGroup
		uses := []func(*session.Session){read, add("milk"), func(s *session.Session) { _ = s.Reload(context.Background()) }, read}
		ask := func(i int) {
			attacker, use := victim.thief().at(i%2), uses[i%len(uses)]
			all.Go(func() {
				mu.Lock()
				after := answered
				mu.Unlock()
				a := attacker.visit(func(s *session.Session) {
					if use(s); s.Principal() != "" || after && s.ID() != "" {
						t.Errorf("the old token opens session %q of %q, after the login: %v", s.ID(), s.Principal(), after)
					}
				})
				if a.status != 200 && a.status != 409 || after && len(a.header["Set-Cookie"]) > 0 {
					t.Errorf("answered %d with %q, after the login: %v", a.status, a.header["Set-Cookie"], after)
				}
			})
		}
		owner := victim.thief()
		for i := range parallel {
			ask(i)
		}
		owner.visit(login("alice")).want(200).wantCookies(1)
		mu.Lock()
		answered = true
		mu.Unlock()
		uses[3] = renew
		for i := range parallel {
			ask(i)
		}
		all.Wait()
		owner.visit(func(s *session.Session) {
			if s.Principal() != "alice" {
				t.Errorf("the owner is signed in as %q", s.Principal())
			}
		}).want(200)
	})
}

func TestAThousandSessionsOfAPrincipalEndOnEveryProcess(t *testing.T) {
	const processes = 3
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			sessions := 1000
			if !strings.HasPrefix(e.name, "cached_db") {
				sessions = 250 // more than a page of a list
			}
			s := newSite(t, e, session.Options{}, processes)
			tokens := make([]string, sessions)
			begin := func(i int, principal string) string {
				a := s.raw(s.m[i%processes], "", loginWith(principal, "tea"))
				return (&http.Response{Header: a.header}).Cookies()[0].Value
			}
			for i := range tokens {
				tokens[i] = begin(i, "alice")
				if i%5 == 0 { // in use on another process: cached there
					s.raw(s.m[(i+1)%processes], cookie+"="+tokens[i], read).want(200)
				}
			}
			other := begin(0, "bob")
			n, err := s.m[0].RevokeAll(t.Context(), "alice")
			if n != sessions || err != nil {
				t.Errorf("RevokeAll ended %d: %v", n, err)
			}
			if n, err := s.m[1].RevokeAll(t.Context(), "alice"); n != 0 || err != nil {
				t.Errorf("RevokeAll once more ended %d: %v", n, err)
			}
			for i, token := range tokens {
				s.raw(s.m[i%processes], cookie+"="+token, func(s *session.Session) {
					if s.ID() != "" || s.Principal() != "" {
						t.Errorf("session %d is alive on process %d", i, i%processes)
					}
				}).want(200)
				if i%5 == 0 {
					s.raw(s.m[(i+1)%processes], cookie+"="+token, func(s *session.Session) {
						if s.ID() != "" || s.Principal() != "" {
							t.Errorf("session %d is alive where it was cached", i)
						}
					}).want(200)
				}
			}
			s.raw(s.m[0], cookie+"="+other, func(s *session.Session) {
				if s.Principal() != "bob" {
					t.Error("the session of somebody else was ended")
				}
			}).want(200)
			if n := s.alive(); n != 1 {
				t.Errorf("%d sessions are alive, want 1", n)
			}
		})
	}
}

func TestEveryOtherSessionEndsAndEachIsAnEventOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 2)
		var others []*browser
		ids := map[session.ID]int{}
		for range 20 {
			b := s.browser()
			ids[b.begin(loginWith("alice", "tea"))] = 0
			others = append(others, b)
		}
		current := s.browser()
		own := current.begin(loginWith("alice", "milk"))
		s.reset()
		current.at(1).visit(func(ses *session.Session) {
			if n, err := s.m[1].RevokeAll(t.Context(), "alice", session.Except(ses)); n != len(others) || err != nil {
				t.Errorf("RevokeAll ended %d: %v", n, err)
			}
		}).want(200).wantCookies(0)
		for _, b := range others {
			b.seesNothing()
		}
		current.sees("alice", "milk")
		for _, e := range s.of(session.EventRevoked) {
			if ids[e.ID]++; e.Principal != "alice" || e.ID == own {
				t.Errorf("the event is %+v", e)
			}
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%d events for the session %s", n, id)
			}
		}
	})
}

func TestOthersSessionsAreNotFoundAndCannotBeEnded(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{}, 1)
		alice, anonymous, mallory := s.browser(), s.browser(), s.browser()
		ids := []session.ID{alice.begin(loginWith("alice", "tea")), anonymous.begin(add("milk"))}
		mallory.begin(login("mallory"))
		for _, id := range append(ids, session.ID(freshToken())) {
			for _, as := range []string{"mallory", "", "ALICE", "alice "} {
				if err := s.m[0].RevokeFor(t.Context(), as, id); err == nil || !strings.Contains(err.Error(), session.ErrNotFound.Error()) {
					t.Errorf("RevokeFor(%q) of another's session: %v", as, err)
				}
			}
		}
		for _, as := range []string{"mallory", "", "ALICE", "alice "} {
			infos, err := s.m[0].List(t.Context(), as)
			must(t, err)
			for _, i := range infos {
				if slices.Contains(ids, i.ID) {
					t.Errorf("List(%q) shows another's session", as)
				}
			}
		}
		alice.sees("alice", "tea")
		anonymous.sees("", "milk")
	})
}

func TestASessionEndsByIdlenessAndByAgeWithoutAnybodySweeping(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		s := newSite(t, e, session.Options{Lifetime: 30 * time.Minute, IdleTimeout: 10 * time.Minute, TouchInterval: time.Second}, 2)
		idle, busy := s.browser(), s.browser()
		idle.begin(loginWith("alice", "tea"))
		busy.begin(loginWith("alice", "tea"))
		for minute := range 31 {
			for who, b := range map[string]*browser{"idle": idle, "busy": busy} {
				ends := map[string]int{"idle": 10, "busy": 30}[who]
				if who == "idle" && minute < ends || who == "idle" && minute > ends {
					continue // looking would be a use
				}
				b.at(minute % 2).visit(func(s *session.Session) {
					if alive := s.Principal() == "alice"; alive != (minute < ends) {
						t.Errorf("the %s session after %d minutes is alive: %v", who, minute, alive)
					}
				}).want(200).wantCookies(0)
			}
			s.clock.advance(time.Minute)
		}
		for _, op := range s.ops() {
			if strings.Contains(op, "purge") || strings.Contains(op, "delete") {
				t.Errorf("the call %q", op)
			}
		}
	})
}

// The transport of the token is the cookie, and nothing else.
func TestAnIDIsTakenFromTheCookieOnly(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	b := s.browser()
	id := b.begin(loginWith("alice", "tea"))
	for _, secret := range []string{b.token(), string(id)} {
		for where, f := range map[string]func(r *http.Request){
			"query": func(r *http.Request) {
				r.URL.RawQuery = fmt.Sprintf("session=%[1]s&%[2]s=%[1]s&sid=%[1]s", secret, cookie)
			},
			"path":  func(r *http.Request) { r.URL.Path = "/;jsessionid=" + secret + "/" + secret },
			"form":  nil,
			"basic": func(r *http.Request) { r.SetBasicAuth("session", secret) },
			"headers": func(r *http.Request) {
				for _, h := range []string{"Authorization", "X-Session", "Session", "X-Auth-Token", "Cookie2", "Referer", "X-" + cookie} {
					r.Header.Set(h, secret)
				}
				r.Header.Set("Authorization", "Bearer "+secret)
			},
			"a cookie of another name": func(r *http.Request) { r.Header.Set("Cookie", "session="+secret+"; sid="+secret) },
			"a name in other letters":  func(r *http.Request) { r.Header.Set("Cookie", strings.ToLower(cookie)+"="+secret) },
			"a name with a prefix":     func(r *http.Request) { r.Header.Set("Cookie", "x"+cookie+"="+secret+"; "+cookie+"x="+secret) },
			"a value of another":       func(r *http.Request) { r.Header.Set("Cookie", `other="; `+cookie+`=`+secret+`"; x=`+cookie+"="+secret) },
			"no name":                  func(r *http.Request) { r.Header.Set("Cookie", secret) },
		} {
			r := s.browser().request(nil, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				_ = r.ParseForm()
				if s.ID() != "" || s.Principal() != "" {
					t.Errorf("a token in %s opens the session", where)
				}
			})
			if f != nil {
				f(r)
			} else {
				job := r.Header.Get(jobHeader)
				r, _ = http.NewRequest(http.MethodPost, home, strings.NewReader("session="+secret+"&"+cookie+"="+secret))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set(jobHeader, job)
			}
			s.browser().send(r).want(200).wantCookies(0)
		}
	}
	b.sees("alice", "tea")
}

func TestTheCookieTellsNothing(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	seen := map[string]bool{}
	for _, who := range []string{"", "alice", "alice", "alice", "root", strings.Repeat("x", 256)} {
		b := s.browser()
		a := b.visit(func(s *session.Session) {
			if add("tea")(s); who != "" {
				s.Login(who)
			}
		}).want(200).wantCookies(1)
		token := b.token()
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) != 32 || seen[token] || who != "" && strings.Contains(string(raw), who) {
			t.Errorf("the token for %.10q has %d bytes, %v; seen before: %v", who, len(raw), err, seen[token])
		}
		seen[token] = true
		name, _, _ := strings.Cut(a.header.Get("Set-Cookie"), "=")
		if name != cookie {
			t.Errorf("the cookie is named %q", name)
		}
		for h := range a.header {
			if !slices.Contains([]string{"Set-Cookie", "Vary", "Cache-Control", "Date", "Content-Length"}, h) {
				t.Errorf("the answer has the header %q", h)
			}
		}
	}
}

func TestEveryGuessIsAnEvent(t *testing.T) {
	s := newSite(t, memory, session.Options{}, 1)
	ids := map[session.ID]bool{}
	for range 100 {
		s.raw(s.m[0], cookie+"="+freshToken(), read).want(200).wantCookies(0)
	}
	for _, e := range s.of(session.EventUnknownToken) {
		ids[e.ID] = true
	}
	if len(ids) != 100 {
		t.Errorf("100 guesses are events with %d IDs", len(ids))
	}
}

// An address or a browser that changes is for the application to judge: the
// library shows where a session was signed in, and ends nothing by itself.
func TestAnotherAddressOrBrowserEndsNothing(t *testing.T) {
	s := newSite(t, memory, session.Options{Device: func(r *http.Request) session.Device {
		return session.Device{Address: r.Header.Get("X-Address"), UserAgent: r.UserAgent()}
	}}, 1)
	b := s.browser()
	ask := func(address, agent string, f func(*session.Session)) {
		r := b.request(nil, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { f(s) })
		r.Header.Set("X-Address", address)
		r.Header.Set("User-Agent", agent)
		b.send(r).want(200)
	}
	device := func() session.Device {
		infos, err := s.m[0].List(t.Context(), "alice")
		if err != nil || len(infos) != 1 {
			t.Fatal(infos, err)
		}
		return infos[0].Device
	}
	ask("192.0.2.1", "Netscape", login("alice"))
	ask("198.51.100.7", "Mosaic", add("tea"))
	b.sees("alice", "tea")
	if got := device(); got.Address != "192.0.2.1" || got.UserAgent != "Netscape" {
		t.Errorf("the device is %+v, want that of the login", got)
	}
	ask("198.51.100.7", "Mosaic", login("alice"))
	if got := device(); got.Address != "198.51.100.7" {
		t.Errorf("the device is %+v, want that of the last login", got)
	}
}

package soak

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/faults"
)

// A story is what one browser did, told to an oracle by hand. Times are seconds.
type story struct {
	*Oracle
	t0   time.Time
	line *Line
}

const (
	token  = "tokentokentokentokentokentokentokentokentoA"
	token2 = "othertokenothertokenothertokenothertokenotA"
	token3 = "thirdtokenthirdtokenthirdtokenthirdtokenthA"
)

// tell begins with a session that has the item "tea".
func tell(engine string) *story {
	s := &story{Oracle: NewOracle(engine, idleTimeout), t0: time.Now()}
	s.line = s.judge(nil, s.x(Add, 0, 1, 303, func(x *Exchange) { x.Item, x.NewToken = "tea", token }))[0]
	return s
}

func (s *story) at(seconds float64) time.Time {
	return s.t0.Add(time.Duration(seconds * float64(time.Second)))
}

func (s *story) x(kind Kind, sent, done float64, status int, with ...func(*Exchange)) *Exchange {
	x := &Exchange{Kind: kind, Process: "shop", Sent: s.at(sent), Done: s.at(done), Status: status, Peers: 1}
	if s.line != nil {
		x.Token = s.line.Token
	}
	for _, f := range with {
		f(x)
	}
	return x
}

func (s *story) judge(l *Line, xs ...*Exchange) []*Line { return s.Judge(l, xs...) }

func ofItem(name string) func(*Exchange) { return func(x *Exchange) { x.Item = name } }
func user(name string) func(*Exchange)   { return func(x *Exchange) { x.User = name } }
func given(token string) func(*Exchange) { return func(x *Exchange) { x.NewToken = token } }
func among(writes int) func(*Exchange)   { return func(x *Exchange) { x.Peers = writes } }
func shows(cart ...string) func(*Exchange) {
	return func(x *Exchange) { x.Shown = &Shown{ID: publicID(x.Token), Cart: cart} }
}
func at(process string) func(*Exchange) { return func(x *Exchange) { x.Process = process } }
func noSession(x *Exchange)             { x.Shown = &Shown{} }
func dropped(x *Exchange)               { x.Dropped = true }

// fault is one that lasts from and to the given times.
func (s *story) fault(tier Tier, loss faults.Loss, from, to float64) {
	s.named("a fault", tier, loss, from, to)
}

func (s *story) named(name string, tier Tier, loss faults.Loss, from, to float64) {
	w := s.Begin(name, tier, loss)
	w.From, w.To, w.Recovered = s.at(from), s.at(to), s.at(to)
}

// A verdict is what is to become of a story.
type verdict struct {
	name   string
	engine string
	law    Law // 0: nothing is wrong
	seen   string
	tell   func(s *story)
}

func TestTheOracleJudgesEachAnswer(t *testing.T) {
	stories := []verdict{
		{"a read that shows what was added", "db", 0, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, shows("tea"))) }},
		{"a read that does not", "db", ReadYourWrites, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, shows())) }},
		{"a read beside the addition", "db", 0, "", func(s *story) {
			s.judge(s.line, s.x(Add, 2, 4, 303, ofItem("cup")), s.x(Read, 3, 5, 200, shows("tea")))
		}},
		{"an item that is there before it was sent", "db", ServerMints, "", func(s *story) {
			s.judge(s.line, s.x(Read, 2, 3, 200, shows("tea", "cup")), s.x(Add, 4, 5, 303, ofItem("cup")))
		}},
		{"an item of somebody else", "db", ServerMints, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, shows("tea", "milk"))) }},
		{"the session of somebody else", "db", ServerMints, "", func(s *story) {
			s.judge(s.line, s.x(Read, 2, 3, 200, func(x *Exchange) { x.Shown = &Shown{ID: publicID(token2), Cart: []string{"tea"}} }))
		}},
		{"an item that is there twice", "db", NoLostUpdate, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, shows("tea", "tea"))) }},
		{"an item of several at once that is not there", "db", NoLostUpdate, "", func(s *story) {
			s.judge(s.line, s.x(Add, 2, 3, 303, ofItem("cup"), among(2)), s.x(Add, 2, 3, 303, ofItem("pot"), among(2)))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea", "cup")))
		}},
		{"a sign-in that was never settled, without what was added with the old token meanwhile", "db", 0, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 6)
			born := s.judge(s.line, s.x(Add, 2, 3, 303, ofItem("cup"), among(2)), s.x(Login, 2, 5, 503, given(token2)))
			s.judge(born[0], s.x(Read, 7, 8, 200, func(x *Exchange) {
				x.Token, x.Shown = token2, &Shown{ID: publicID(token2), User: x.User, Cart: []string{"tea"}}
			}))
		}},
		{"a sign-in that was never settled, without what was added before", "db", ReadYourWrites, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 6)
			born := s.judge(s.line, s.x(Login, 2, 5, 503, given(token2)))
			s.judge(born[0], s.x(Read, 7, 8, 200, func(x *Exchange) {
				x.Token, x.Shown = token2, &Shown{ID: publicID(token2), User: x.User, Cart: []string{}}
			}))
		}},
		{"items in another order than they came", "db", NoLostUpdate, "", func(s *story) {
			s.judge(s.line, s.x(Add, 2, 3, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("cup", "tea")))
		}},
		{"a removed item that is there", "db", ReadYourWrites, "", func(s *story) {
			s.judge(s.line, s.x(Remove, 2, 3, 303, ofItem("tea")))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea")))
		}},
		{"a write of unknown outcome, there or not", "db", 0, boundOutage, func(s *story) {
			s.fault(Database, faults.Nothing, 2, 3)
			s.judge(s.line, s.x(Add, 2, 3, 503, ofItem("cup")))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea")), s.x(Read, 4, 5, 200, shows("tea", "cup")))
		}},
		{"a write of unknown outcome that happened twice", "db", NoLostUpdate, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 3)
			s.judge(s.line, s.x(Add, 2, 3, 503, ofItem("cup")))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea", "cup", "cup")))
		}},

		{"a session that is gone", "db", OutageNoLogout, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, noSession)) }},
		{"a page without the session", "db", OutageNoLogout, "", func(s *story) {
			s.judge(s.line, s.x(Page, 2, 3, 200, func(x *Exchange) { x.Shown = &Shown{Page: true} }))
		}},
		{"a write to a session that nobody ended, refused", "db", OutageNoLogout, "", func(s *story) { s.judge(s.line, s.x(Add, 2, 3, 409, ofItem("cup"))) }},
		{"a session begun anew over one that nobody ended", "db", OutageNoLogout, "", func(s *story) {
			s.judge(s.line, s.x(Add, 2, 3, 303, ofItem("cup"), given(token2)))
		}},
		{"a 503 without a fault", "db", OutageNoLogout, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 503)) }},
		{"a 503 long after a fault", "db", OutageNoLogout, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 3)
			s.judge(s.line, s.x(Read, 20, 21, 503))
		}},
		{"a 503 of cached_db without its cache", "cached_db", OutageNoLogout, "", func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 5)
			s.judge(s.line, s.x(Read, 3, 4, 503))
		}},
		{"a cookie removed with a 503", "db", OutageNoLogout, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 5)
			s.judge(s.line, s.x(Logout, 3, 4, 503, dropped))
		}},
		{"no answer, though only the store was struck", "db", InOperation, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 5)
			s.judge(s.line, s.x(Read, 3, 4, 0))
		}},
		{"no answer of a process that was struck", "db", 0, boundUnknown, func(s *story) {
			s.fault(Shops, faults.Nothing, 2, 5)
			s.judge(s.line, s.x(Read, 3, 4, 0))
		}},
		{"a 500", "db", HostileInput, "", func(s *story) { s.judge(nil, s.x(Forged, 2, 3, 500)) }},

		{"a session that was signed out and lives", "db", NoResurrection, "", func(s *story) {
			s.judge(s.line, s.x(Logout, 2, 3, 303, dropped))
			s.judge(s.line, s.x(Stolen, 4, 5, 200, shows("tea")))
		}},
		{"a write to a session that was signed out", "db", NoResurrection, "", func(s *story) {
			s.judge(s.line, s.x(Logout, 2, 3, 303, dropped))
			s.judge(s.line, s.x(Add, 4, 5, 303, ofItem("cup")))
		}},
		{"a sign-out that leaves the cookie", "db", NoResurrection, "", func(s *story) { s.judge(s.line, s.x(Logout, 2, 3, 303)) }},
		{"a session that was revoked and lives", "db", NoResurrection, "", func(s *story) {
			s.Operated(&Operation{Kind: Revoke, Sent: s.at(2), Done: s.at(3)}, []*Line{s.line}, nil)
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea")))
		}},
		{"a session that was spared and is gone", "db", OutageNoLogout, "", func(s *story) {
			s.Operated(&Operation{Kind: RevokeAll, Sent: s.at(2), Done: s.at(3)}, []*Line{s.line}, s.line)
			s.judge(s.line, s.x(Read, 4, 5, 200, noSession))
		}},
		{"a session that lives, and a revocation that does not find it", "db", OutageNoLogout, "", func(s *story) {
			s.Operated(&Operation{Kind: Revoke, Sent: s.at(2), Done: s.at(3), Err: session.ErrNotFound}, []*Line{s.line}, nil)
		}},

		{"a sign-in that carries the cart over", "db", 0, "", func(s *story) {
			l := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)))[0]
			s.line = l
			s.judge(l, s.x(Read, 4, 5, 200, func(x *Exchange) { x.Shown = &Shown{ID: l.ID, User: "ann", Cart: []string{"tea"}} }))
		}},
		{"a sign-in that loses the cart", "db", ReadYourWrites, "", func(s *story) {
			l := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)))[0]
			s.judge(l, s.x(Read, 4, 5, 200, func(x *Exchange) { x.Shown = &Shown{ID: l.ID, User: "ann"} }))
		}},
		{"a token from before a sign-in that opens it still", "db", ServerMints, "", func(s *story) {
			s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)))
			s.judge(s.line, s.x(Read, 4, 5, 200, shows("tea")))
		}},
		{"a sign-in without a new token", "db", ServerMints, "", func(s *story) {
			s.line = nil
			s.judge(nil, s.x(Login, 2, 3, 303, user("ann")))
		}},
		{"a sign-in that adopts the token", "db", ServerMints, "", func(s *story) { s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token))) }},
		{"a refused sign-in that sets a cookie", "db", ServerMints, "", func(s *story) {
			s.judge(s.line, s.x(Logout, 2, 3, 303, dropped))
			s.judge(s.line, s.x(Login, 4, 5, 409, user("ann"), given(token2)))
		}},
		{"a cookie with a read", "db", ServerMints, "", func(s *story) { s.judge(s.line, s.x(Read, 2, 3, 200, shows("tea"), given(token2))) }},
		{"two sign-ins at once that both get the cart", "db", EitherOrder, "", func(s *story) {
			ls := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)), s.x(Login, 2, 3.5, 303, user("ann"), given(token3)))
			for _, l := range ls {
				s.judge(l, s.x(Read, 4, 5, 200, func(x *Exchange) { x.Shown = &Shown{ID: l.ID, User: "ann", Cart: []string{"tea"}} }))
			}
		}},
		{"two sign-ins at once, one of which gets the cart", "db", 0, "", func(s *story) {
			ls := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)), s.x(Login, 2, 3.5, 303, user("ann"), given(token3)))
			s.judge(ls[0], s.x(Read, 4, 5, 200, func(x *Exchange) { x.Shown = &Shown{ID: ls[0].ID, User: "ann", Cart: []string{"tea"}} }))
			s.judge(ls[1], s.x(Read, 4, 5, 200, func(x *Exchange) { x.Shown = &Shown{ID: ls[1].ID, User: "ann"} }))
		}},

		{"an old entry of cached_db, within a minute of a fault of its cache", "cached_db", 0, boundRecheck, func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 60, 61, 200, shows("tea"), at("another")))
		}},
		{"an old entry of cached_db at the process that wrote", "cached_db", ReadYourWrites, "", func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 12, 13, 200, shows("tea")))
		}},
		{"a removed item that is there at the process that removed it", "cached_db", ReadYourWrites, "", func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Remove, 3, 4, 303, ofItem("tea")))
			s.judge(s.line, s.x(Read, 12, 13, 200, shows("tea")))
		}},
		{"a session of cached_db that lives at the process that ended it", "cached_db", NoResurrection, "", func(s *story) {
			s.fault(Cache, faults.Records, 2, 3)
			s.judge(s.line, s.x(Logout, 8, 9, 303, dropped))
			s.judge(s.line, s.x(Stolen, 58, 59, 200, shows("tea")))
		}},
		{"an old entry at a process that was replaced since it wrote", "cached_db", 0, boundRecheck, func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.fault(Shops, faults.Nothing, 11, 12)
			s.judge(s.line, s.x(Read, 13, 14, 200, shows("tea")))
		}},
		{"an old entry at the process that wrote what a failover forgot", "cached_db", 0, boundRecheck, func(s *story) {
			s.fault(Cache, faults.Recent, 5, 6)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 7, 8, 200, shows("tea")))
		}},
		{"a session that was revoked, in an old entry", "cached_db", 0, boundRecheck, func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.Operated(&Operation{Kind: Revoke, Sent: s.at(3), Done: s.at(4)}, []*Line{s.line}, nil)
			s.judge(s.line, s.x(Read, 12, 13, 200, shows("tea")))
		}},
		{"an old entry after no more than a flush", "cached_db", ReadYourWrites, "", func(s *story) {
			s.named("Redis is flushed", Cache, faults.Records, 2, 3)
			s.judge(s.line, s.x(Add, 8, 9, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 39, 40, 200, shows("tea"), at("another")))
		}},
		{"an old entry while Redis evicts, forgets its scripts and saves", "cached_db", ReadYourWrites, "", func(s *story) {
			s.named("Redis is full and evicts what was used least recently", Cache, faults.Records, 2, 10)
			s.named("Redis forgets its scripts", Cache, faults.Nothing, 2, 10)
			s.named("Redis forks to save what it has", Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 5, 6, 200, shows("tea"), at("another")))
		}},
		{"an old entry after a flush and before a cut", "cached_db", 0, boundRecheck, func(s *story) {
			s.named("Redis is flushed", Cache, faults.Records, 2, 3)
			s.fault(Cache, faults.Nothing, 4, 10)
			s.judge(s.line, s.x(Add, 5, 6, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 7, 8, 200, shows("tea"), at("another")))
		}},
		{"an old entry of cached_db, more than a minute old", "cached_db", ReadYourWrites, "", func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 66, 66.5, 200, shows("tea")))
		}},
		{"an old entry of cached_db after a fault of the database", "cached_db", ReadYourWrites, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 10)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 12, 13, 200, shows("tea")))
		}},
		{"a session that Redis lost with others", "cache", 0, boundRecords, func(s *story) {
			s.fault(Cache, faults.Records, 2, 3)
			s.judge(s.line, s.x(Read, 4, 5, 200, noSession))
		}},
		{"half a session that Redis lost", "cache", ReadYourWrites, "", func(s *story) {
			s.fault(Cache, faults.Records, 2, 3)
			s.judge(s.line, s.x(Read, 4, 5, 200, shows()))
		}},
		{"a session that Redis lost while it was but killed", "cache", OutageNoLogout, "", func(s *story) {
			s.fault(Cache, faults.Nothing, 2, 3)
			s.judge(s.line, s.x(Read, 4, 5, 200, noSession))
		}},
		{"a change that a failover forgot", "cache", 0, boundFailover, func(s *story) {
			s.fault(Cache, faults.Recent, 5, 6)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 7, 8, 200, shows("tea")))
		}},
		{"a change from long before a failover, forgotten", "cache", ReadYourWrites, "", func(s *story) {
			s.fault(Cache, faults.Recent, 25, 26)
			s.judge(s.line, s.x(Add, 3, 4, 303, ofItem("cup")))
			s.judge(s.line, s.x(Read, 27, 28, 200, shows("tea")))
		}},

		{"a session that was not used for too long", "db", Expiry, "", func(s *story) { s.judge(s.line, s.x(Read, 110, 111, 200, shows("tea"))) }},
		{"a session that may have expired", "db", 0, "", func(s *story) { s.judge(s.line, s.x(Read, 80, 81, 200, noSession)) }},

		{"a list without a session that lives", "db", ReadYourWrites, "", func(s *story) {
			l := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)))[0]
			s.Listed(&Operation{Kind: List, Sent: s.at(4), Done: s.at(5)}, nil, "ann", []*Line{l}, false)
		}},
		{"a list with a session that ended", "cached_db", NoResurrection, "", func(s *story) {
			l := s.judge(s.line, s.x(Login, 2, 3, 303, user("ann"), given(token2)))[0]
			s.line = l
			s.judge(l, s.x(Logout, 4, 5, 303, dropped))
			s.Listed(&Operation{Kind: List, Sent: s.at(6), Done: s.at(7)}, []session.Info{{ID: session.ID(l.ID), Principal: "ann"}}, "ann", []*Line{l}, false)
		}},
		{"a list with a session that nobody began", "db", ServerMints, "", func(s *story) {
			s.Listed(&Operation{Kind: List, Sent: s.at(4), Done: s.at(5)}, []session.Info{{ID: session.ID(publicID(token3)), Principal: "ann"}}, "ann", nil, false)
		}},

		{"an answer that takes too long", "db", InOperation, "", func(s *story) {
			s.judge(s.line, s.x(Read, 2, 30, 200, shows("tea")))
			s.judgeTimes(&pings{})
		}},
		{"an answer that takes too long, since the process stood still", "db", 0, "", func(s *story) {
			s.judge(s.line, s.x(Read, 2, 30, 200, shows("tea")))
			var p pings
			p.add("shop", s.at(1), s.at(29))
			s.judgeTimes(&p)
		}},
		{"reads that end with the database", "cached_db", OutageNoLogout, "", func(s *story) {
			s.fault(Database, faults.Nothing, 2, 50)
			for range enoughReads {
				s.judge(s.line, s.x(Read, 3, 4, 503))
			}
			s.survived()
		}},
		{"a 503 after a long time", "db", OutageNoLogout, "", func(s *story) {
			s.judge(s.line, s.x(Read, 2, 5, 503))
			var p pings
			p.add("shop", s.at(3), s.at(3.1))
			s.judgeTimes(&p)
		}},
		{"a 503 after a long time on a machine that is busy", "db", 0, boundBusy, func(s *story) {
			s.judge(s.line, s.x(Read, 2, 5, 503))
			var p pings
			p.add("shop", s.at(3), s.at(5))
			s.judgeTimes(&p)
		}},
		{"a token in a log", "db", LeaksNothing, "", func(s *story) { s.leaks("INFO session: token=" + token + "\n") }},
		{"a token in a log, after other letters", "db", LeaksNothing, "", func(s *story) { s.leaks("key=sess_" + token + " x") }},
		{"a token in a log, in a longer word", "db", LeaksNothing, "", func(s *story) { s.leaks("session-" + token + "-again") }},
		{"half a token in a log", "db", 0, "", func(s *story) { s.leaks("token=" + token[:tokenLength-1] + " " + token[1:]) }},
		{"a value in a log", "db", LeaksNothing, "", func(s *story) { s.leaks("ERROR visitor1-item7\n") }},
		{"a handle in a log", "db", 0, "", func(s *story) { s.leaks("INFO session: id=" + publicID(token) + "\n") }},
	}
	for law, name := range lawNames {
		if !slices.ContainsFunc(stories, func(c verdict) bool { return c.law == law }) {
			t.Errorf("the report has a line for %q, which no story breaks", name)
		}
	}
	for _, c := range stories {
		t.Run(c.name, func(t *testing.T) {
			s := tell(c.engine)
			c.tell(s)
			all := s.Violations()
			if found := slices.ContainsFunc(all, func(v Violation) bool { return v.Law == c.law }); found != (c.law != 0) || c.law == 0 && len(all) > 0 {
				t.Errorf("want a violation of law %d, got%s", c.law, list(all))
			}
			if seen := s.Seen(); c.seen != "" && seen[c.seen] == 0 {
				t.Errorf("want it within %q, got %v", c.seen, seen)
			}
		})
	}
}

func TestGoroutinesThatServeNobodyAreFoundInStacks(t *testing.T) {
	const stacks = `SIGQUIT: quit
PC=0x47e7c1 m=0 sigcode=0

goroutine 1 [select]:
main.run({0x1, 0x2})
	/shop/main.go:88 +0x1

goroutine 7 [select]:
github.com/seshat-go/seshat/core/session.(*Manager).PurgeEvery(...)
	/core/session/purge_every.go:53 +0x1
main.purge.func1()
	/shop/sessions.go:42 +0x1

goroutine 9 [chan receive]:
github.com/seshat-go/seshat/core/session.(*queue).enter(...)
	/core/session/queue.go:40 +0x1
`
	left := leftovers(strings.TrimPrefix(stacks, "SIGQUIT: quit"))
	if len(left) != 1 || !strings.Contains(left[0], "queue") {
		t.Errorf("found %q", left)
	}
}

func TestTheWorkThatAFaultLeftToDoIsNoLeakForAWhile(t *testing.T) {
	for _, tier := range []Tier{Cache, Database, Shops} {
		s := tell("cached_db")
		s.fault(tier, faults.Nothing, 2, 3)
		for after, want := range map[float64]bool{0: true, 30: true, 36: false} {
			if got := s.repairing(s.at(3 + after)); got != want {
				t.Errorf("%v seconds after a fault of the %s: %v, want %v", after, tier, got, want)
			}
		}
		s.Begin("a fault that lasts", tier, faults.Nothing)
		if !s.repairing(s.at(1000)) {
			t.Errorf("it is over before the fault of the %s is", tier)
		}
	}
}

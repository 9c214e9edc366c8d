package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// A browser is one cookie jar with a user of its own, and a second one as whom
// it signs in at times. It makes one step after the other; what happens at once
// happens in one step.
type browser struct {
	name   string
	fleet  *fleet
	oracle *Oracle
	op     *operator
	rnd    *rand.Rand

	line   *Line   // of the cookie in the jar; nil is none
	left   []*Line // that lost against another cookie, and live on
	unused []*Line // whose cookie was lost, to be looked at when they must have expired
	known  []*Line // ever
	strays bool    // a sign-in may have left a session that nobody was told of
	items  int     // ever added
}

func newBrowser(n int, seed uint64, f *fleet, o *Oracle, op *operator) *browser {
	return &browser{name: fmt.Sprintf("visitor%d", n), fleet: f, oracle: o, op: op, rnd: rand.New(rand.NewPCG(seed, uint64(n)))}
}

func (b *browser) user() string {
	if b.rnd.IntN(5) == 0 {
		return b.name + " again"
	}
	return b.name
}

func (b *browser) place() int { return b.rnd.IntN(len(b.fleet.apps)) }

func (b *browser) token() string {
	if b.line == nil {
		return ""
	}
	return b.line.Token
}

// ask is a request with the cookie in the jar.
func (b *browser) ask(kind Kind) ask {
	a := ask{kind: kind, place: b.place(), token: b.token()}
	switch kind {
	case Add:
		b.items++
		a.item = fmt.Sprintf("%s-item%d", b.name, b.items)
	case Login:
		a.user = b.user()
	case Remove:
		if all := b.line.Items(); len(all) > 0 {
			slices.Sort(all)
			a.item = all[b.rnd.IntN(len(all))]
		} else {
			a.item = b.name + "-nothing"
		}
	}
	return a
}

// do makes requests at once, each to another process as far as there are, has
// them judged, and puts the cookies into the jar in the order of the answers.
func (b *browser) do(asks ...ask) []*Exchange {
	writes := 0
	for _, a := range asks {
		if a.kind.writes() {
			writes++
		}
	}
	first := b.place()
	answers := make([]*Exchange, len(asks))
	var all sync.WaitGroup
	for i, a := range asks {
		if len(asks) > 1 {
			a.place = (first + i) % len(b.fleet.apps)
		}
		a.peers = writes
		all.Go(func() { answers[i] = b.fleet.send(a) })
	}
	all.Wait()
	for _, x := range answers {
		if x.Kind == Login && (x.Status != 303 || b.oracle.troubled(x.Sent)) {
			b.strays = true
		}
	}
	line := b.line
	born := b.oracle.Judge(line, answers...) // sorts
	b.known = append(b.known, born...)
	for _, x := range answers {
		switch {
		case x.NewToken != "":
			for _, l := range born {
				if l.Token == x.NewToken {
					if b.line != line && b.line != nil {
						b.left = append(b.left, b.line)
					}
					b.line = l
				}
			}
		case x.Dropped:
			b.line = nil
		}
	}
	return answers
}

// step is what a visitor does next.
func (b *browser) step() {
	if b.line != nil && b.line.either {
		b.do(b.ask(Read))
		return
	}
	n := b.rnd.IntN(100)
	switch {
	case b.line == nil && n < 60:
		b.do(b.ask(Add))
	case b.line == nil && n < 85:
		b.do(b.ask(Login))
	case b.line == nil:
		b.do(b.ask(Page))
	case len(b.line.Items()) > 25:
		b.do(b.ask(Logout))
	case n < 22:
		b.do(b.ask(Add))
	case n < 32:
		b.do(b.ask(Add), b.ask(Add), b.ask(Add), b.ask(Read))
	case n < 34:
		// As many in one process as in the others together.
		b.do(b.ask(Add), b.ask(Add), b.ask(Add), b.ask(Add), b.ask(Page), b.ask(Read))
	case n < 38:
		b.do(b.ask(Add), b.ask(Read), b.ask(Read))
	case n < 52:
		b.do(b.ask(Read))
	case n < 58:
		b.do(b.ask(Page))
	case n < 65:
		b.do(b.ask(Remove))
	case n < 69:
		b.do(b.ask(Login))
	case n < 71:
		double := b.ask(Login)
		b.do(double, double)
	case n < 73:
		b.do(b.ask(Login), b.ask(Add), b.ask(Read))
	case n < 76:
		b.do(b.ask(Logout))
	case n < 78:
		b.do(b.ask(Logout), b.ask(Add), b.ask(Read))
	case n < 80:
		b.do(b.ask(Read), b.ask(Read), b.ask(Read))
	case n < 83:
		b.do(b.ask(Health))
	case n < 86:
		b.forge()
	case n < 88:
		b.forget()
	case n < 91:
		b.glance()
	default:
		b.administer(n)
	}
}

// forge sends a cookie that nobody was given.
func (b *browser) forge() {
	token := make([]byte, 43)
	for i := range token {
		token[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[b.rnd.IntN(64)]
	}
	token[42] = 'A' // the last character has two bits only
	a := ask{kind: Forged, place: b.place()}
	switch b.rnd.IntN(3) {
	case 0:
		a.token = string(token)
	case 1:
		a.handWritten = `session="` + string(token) + `"; session=; session=` + strings.Repeat("A", 5000)
	default:
		a.handWritten = "session=" + string(token) + "; session=*; session=' OR 1=1 --; session=\xff\xfe"
	}
	x := b.fleet.send(a)
	b.oracle.Judge(nil, x)
}

// forget loses the cookie.
func (b *browser) forget() {
	b.unused = append(b.unused, b.line)
	b.line = nil
}

// glance uses a session that lives beside the one in the jar, or looks whether
// one that was not used has expired.
func (b *browser) glance() {
	b.expired()
	if len(b.left) == 0 {
		return
	}
	l := b.left[b.rnd.IntN(len(b.left))]
	b.oracle.Judge(l, b.fleet.send(ask{kind: Read, place: b.place(), token: l.Token}))
}

func (b *browser) expired() {
	if len(b.unused) == 0 || !b.oracle.expired(b.unused[0]) {
		return
	}
	l := b.unused[0]
	b.unused = b.unused[1:]
	b.oracle.Judge(l, b.fleet.send(ask{kind: Read, place: b.place(), token: l.Token}))
}

// administer has the operator do something to the browser's sessions.
func (b *browser) administer(n int) {
	user := b.user()
	if b.line.User != "" {
		user = b.line.User
	}
	var mine []*Line
	for _, l := range b.known {
		if l.User == user {
			mine = append(mine, l)
		}
	}
	switch {
	case n < 95:
		op, infos := b.op.list(user)
		b.oracle.Listed(op, infos, user, mine, b.strays)
	case n < 97:
		b.oracle.Operated(b.op.revoke(b.line.ID), []*Line{b.line}, nil)
	case n < 98:
		b.oracle.Operated(b.op.revokeAll(user, ""), mine, nil)
	case n < 99:
		spared := b.line
		if spared.User != user {
			return
		}
		b.oracle.Operated(b.op.revokeAll(user, spared.Token), mine, spared)
	default:
		b.oracle.Operated(b.op.purge(), nil, nil)
	}
}

// audit reads the session at every process.
func (b *browser) audit() {
	if b.line == nil {
		return
	}
	for place := range b.fleet.apps {
		b.oracle.Judge(b.line, b.fleet.send(ask{kind: Read, place: place, token: b.line.Token}))
	}
	for _, l := range b.left {
		b.oracle.Judge(l, b.fleet.send(ask{kind: Read, place: b.place(), token: l.Token}))
	}
	b.expired()
}

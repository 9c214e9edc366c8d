package interleave

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// An Op is what a request does.
type Op struct {
	Name string

	do     func(r *request)
	status int    // that the handler answers with, if not 200
	writes bool   // it is told if the session has ended
	moves  bool   // it asks for a new token
	login  string // as whom
	ends   ending
	adds   int  // to the count
	fails  bool // its response fails: it changes nothing
	blind  bool // it does not use a session of its own
	later  bool // it comes hours later: a touch is due
	purges bool
	forged bool // it comes with a token that the server did not make
	quiet  bool // it changes no data

	elsewhere bool // it comes from another browser, which has no token
}

// ending is how an operation ends sessions.
type ending int

const (
	nothing ending = iota
	byDestroy
	byRevoke
	byRevokeFor
	byRevokeAll
)

// The operations.
var (
	// Reads looks at everything; TouchingRead does so hours after the last use.
	Reads        = Op{Name: "read", quiet: true}
	TouchingRead = Op{Name: "read and touch", later: true, quiet: true}
	// Ignores does not use its session; Forges* come with a forged token.
	Ignores     = Op{Name: "ignore", blind: true, quiet: true}
	ForgedRead  = Op{Name: "forged read", forged: true, quiet: true}
	ForgedWrite = Op{Name: "forged update", forged: true, do: func(r *request) { count.Update(r.s, increment) }}
	// Sets sets a key of its own; Sets2 another one.
	Sets  = Op{Name: "set", writes: true, do: func(r *request) { session.NewKey[string]("one").Set(r.s, "1") }}
	Sets2 = Op{Name: "set another", writes: true, do: func(r *request) { session.NewKey[string]("two").Set(r.s, "2") }}
	// SetsName overwrites what Pops takes.
	SetsName = Op{Name: "set the same", writes: true, do: func(r *request) { name.Set(r.s, "twice") }}
	// Updates counts.
	Updates = Op{Name: "update", writes: true, adds: 1, do: func(r *request) { count.Update(r.s, increment) }}
	// Saves counts twice, with a Save between.
	Saves = Op{Name: "save and update", writes: true, adds: 2, do: func(r *request) {
		count.Update(r.s, increment)
		if r.s.Save(r.ctx) == nil {
			count.Update(r.s, increment)
		}
	}}
	Pops     = Op{Name: "pop", writes: true, do: func(r *request) { r.got, _ = name.Pop(r.s) }}
	Flashes  = Op{Name: "flash", writes: true, do: func(r *request) { r.s.Flash("info", "first") }}
	Flashes2 = Op{Name: "flash another", writes: true, do: func(r *request) { r.s.Flash("info", "second") }}
	Shows    = Op{Name: "show", do: func(r *request) {
		for _, f := range r.s.Flashes() {
			r.flashes = append(r.flashes, f.Text)
		}
	}}
	// Shortens ends the session an hour after its last use, hours after it was last used.
	Shortens = Op{Name: "shorten", writes: true, later: true, do: func(r *request) { r.s.SetIdleTimeout(time.Hour) }}

	Renews      = Op{Name: "renew", writes: true, moves: true, do: func(r *request) { r.s.Renew() }}
	RenewsMore  = Op{Name: "update and renew", writes: true, moves: true, adds: 1, do: func(r *request) { count.Update(r.s, increment); r.s.Renew() }}
	LogsIn      = Op{Name: "login", writes: true, moves: true, login: "alice", do: func(r *request) { r.s.Login(r.w.alice) }}
	LogsInOther = Op{Name: "login as another", writes: true, moves: true, login: "bob", do: func(r *request) { r.s.Login(r.w.bob()) }}

	Destroys   = Op{Name: "destroy", ends: byDestroy, do: func(r *request) { r.err = r.s.Destroy(r.ctx) }}
	Revokes    = Op{Name: "revoke", ends: byRevoke, blind: true, do: func(r *request) { r.fate(r.m.Revoke(r.ctx, r.w.start)) }}
	RevokesIt  = Op{Name: "revoke for alice", ends: byRevokeFor, blind: true, do: func(r *request) { r.fate(r.m.RevokeFor(r.ctx, r.w.alice, r.w.start)) }}
	RevokesAll = Op{Name: "revoke all", ends: byRevokeAll, blind: true, do: func(r *request) {
		_, err := r.m.RevokeAll(r.ctx, r.w.alice)
		r.fate(err)
	}}
	Purges = Op{Name: "purge", blind: true, purges: true, later: true, do: func(r *request) { _, _ = r.m.Purge(r.ctx) }}

	// Fails changes everything there is and answers 500; Panics does not answer.
	Fails  = Op{Name: "fail", fails: true, status: http.StatusInternalServerError, do: changeAll}
	Panics = Op{Name: "panic", fails: true, do: func(r *request) { changeAll(r); panic(errFault) }}
	// LifeEnds and IdleEnds are clocks, not requests: the lifetime of the session
	// passes, or its idle timeout, counted from its beginning.
	LifeEnds = Op{Name: "the lifetime ends", blind: true, quiet: true, do: passes(lifetime)}
	IdleEnds = Op{Name: "the idle timeout ends", blind: true, quiet: true, later: true, do: passes(idle - time.Hour)}
	// Corrupts overwrites what is stored with bytes that nobody can read.
	Corrupts = Op{Name: "corrupt", blind: true, do: func(r *request) {
		_ = r.w.at(r.ctx, call{kind: beginning, what: "corrupt"}, func(context.Context, bool) (string, error) {
			r.w.corrupt()
			return "", nil
		})
	}}

	FailedLogin = Op{Name: "fail to log in", fails: true, status: http.StatusInternalServerError, do: func(r *request) { r.s.Login(r.w.bob()) }}
)

func passes(d time.Duration) func(r *request) {
	return func(r *request) {
		_ = r.w.at(r.ctx, call{kind: beginning, what: fmt.Sprint(d, " pass")}, func(context.Context, bool) (string, error) {
			r.w.clock.advance(d)
			return "", nil
		})
	}
}

// corrupt is another program's doing.
func (w *world) corrupt() {
	ctx := context.Background()
	for id := range w.alive() {
		for _, to := range []Truth{w.truth.inner, w.truth.twin} {
			if to == nil {
				continue
			}
			rec, err := to.Load(ctx, id)
			if err == nil {
				version := rec.Version
				rec.Version, rec.Payload, rec.Mark = version+1, []byte("\xff not an envelope"), [8]byte{}
				err = to.Update(ctx, id, rec, version)
			}
			if err != nil {
				w.breaks("corrupting: %v", err)
			}
		}
	}
	if w.cache.inner != nil {
		w.evict()
	}
}

func changeAll(r *request) {
	count.Update(r.s, func(n int) int { return n + 100 })
	name.Set(r.s, "failed")
	r.s.Flash("info", "failed")
	r.s.SetIdleTimeout(time.Minute)
	r.s.Renew()
}

func increment(n int) int { return n + 1 }

func (w *world) bob() string { return "bob-" + w.alice[len("alice-"):] }

// fate keeps how an ending went: with a cache still to be told the session is ended.
func (r *request) fate(err error) {
	if !errors.Is(err, session.ErrPending) {
		r.err = err
	}
}

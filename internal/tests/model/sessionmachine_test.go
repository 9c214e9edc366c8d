package model_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seshat-go/seshat/core/cacheddb"
	"github.com/seshat-go/seshat/core/session"
)

var errDown = errors.New("the server cannot be reached")

// A sessionMachine is a site of two processes with three browsers, beside the
// plain model of it.
type sessionMachine struct {
	place
	plain
	down     *outage
	managers []*session.Manager
	browsers []*browser
	flights  []*flight             // requests under way
	tokens   map[session.ID]string // that browsers got
	seen     map[session.ID]stamp  // what was stored after the last step
	mu       sync.Mutex            // of the clock
}

// A stamp changes with each data write of a record.
type stamp struct {
	version uint64
	mark    [8]byte
	writes  int
}

// A browser sends its own cookie and perhaps one that somebody planted.
type browser struct {
	own, planted string
	first        bool // the planted one comes first
}

func (b *browser) cookies() (all []string) {
	for _, c := range []string{b.own, b.planted} {
		if c != "" {
			all = append(all, c)
		}
	}
	if b.first {
		slices.Reverse(all)
	}
	return all
}

// An outage stands before a store and fails every call while it is on.
type outage struct{ on bool }

type exposed struct {
	session.Store
	*outage
}

func (s exposed) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if s.on {
		return session.Record{}, errDown
	}
	return s.Store.Load(ctx, id)
}

func (s exposed) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	if f, ok := s.Store.(session.FreshLoader); ok && !s.on {
		return f.LoadFresh(ctx, id)
	}
	return s.Load(ctx, id)
}

func (s exposed) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if s.on {
		return errDown
	}
	return s.Store.Create(ctx, id, rec)
}

func (s exposed) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	if s.on {
		return errDown
	}
	return s.Store.Update(ctx, id, rec, v)
}

func (s exposed) Touch(ctx context.Context, id session.ID, lastSeen, expires time.Time, v uint64) error {
	if s.on {
		return errDown
	}
	return s.Store.Touch(ctx, id, lastSeen, expires, v)
}

func (s exposed) Delete(ctx context.Context, id session.ID, v uint64) error {
	if s.on {
		return errDown
	}
	return s.Store.Delete(ctx, id, v)
}

func (s exposed) List(ctx context.Context, principal, after string, limit int) ([]session.Stored, string, error) {
	return s.Store.(session.Lister).List(ctx, principal, after, limit)
}

func (s exposed) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.Store.(session.Purger).Purge(ctx, before, limit)
}

// clock is Options.Clock: it stands still but for the steps that move it.
func (m *sessionMachine) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func newSessionMachine(t *rapid.T, p place) *sessionMachine {
	m := &sessionMachine{place: p, down: &outage{}, tokens: map[session.ID]string{}, seen: map[session.ID]stamp{}}
	m.plain = plain{
		now: epoch, all: map[session.ID]kept{},
		idle:  rapid.SampledFrom([]time.Duration{0, 10 * time.Minute, time.Hour}).Draw(t, "idle timeout"),
		every: rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Minute}).Draw(t, "touch interval"),
	}
	for range 2 {
		m.managers = append(m.managers, m.manager(t, exposed{p.process(t, cacheddb.Options{}), m.down}))
	}
	for i := range 3 {
		m.browsers = append(m.browsers, &browser{})
		if i > 0 && rapid.Bool().Draw(t, "logged in") {
			f, r := m.come(m.browsers[i])
			f.x = m.managers[0].Begin(f.w, r)
			f.s = f.x.Session()
			f.perform(t, "login")
			m.finish(t, f, 200, false)
		}
	}
	return m
}

func (m *sessionMachine) manager(t rapid.TB, store session.Store) *session.Manager {
	made, err := session.New(session.Options{
		Store: store, Clock: m.clock, Events: silent{}, Lifetime: lifetime, IdleTimeout: m.idle, TouchInterval: m.every,
		StoreTimeout: patience, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	wantErr(t, "New", err, nil)
	return made
}

// A flight is a request under way: the real one and its model.
type flight struct {
	request
	m       *sessionMachine
	browser *browser
	sent    []string // the cookies it came with
	x       *session.Exchange
	s       *session.Session
	w       *httptest.ResponseRecorder
	status  int // what it was answered with
}

// come has a request of a browser arrive.
func (m *sessionMachine) come(b *browser) (*flight, *http.Request) {
	f := &flight{m: m, browser: b, w: httptest.NewRecorder()}
	f.sent = f.browser.cookies()
	f.request = request{p: &m.plain, started: m.now, is: unknown, tokens: slices.Compact(slices.Clone(f.sent))}
	f.newID = func() session.ID { return f.s.ID() }
	r := httptest.NewRequest(http.MethodGet, siteURL, nil)
	for _, c := range f.sent {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: c})
	}
	return f, r
}

func (m *sessionMachine) anyBrowser(t *rapid.T) *browser {
	return m.browsers[rapid.IntRange(0, 2).Draw(t, "browser")]
}

func (m *sessionMachine) anyManager(t *rapid.T) *session.Manager {
	return m.managers[rapid.IntRange(0, 1).Draw(t, "process")]
}

// actions are the steps, by name.
func (m *sessionMachine) actions() map[string]func(*rapid.T) {
	a := map[string]func(*rapid.T){
		"":      m.check,
		"visit": m.visit, "visit again": m.visit, "visit in an outage": m.visitInOutage,
		"begin a request": m.beginRequest, "begin another": m.beginRequest, "go on with it": m.goOn, "go on some more": m.goOn,
		"answer it": m.answer, "answer it in an outage": m.answerInOutage, "panic in it": m.panicIn,
		"time passes": m.pass, "revoke": m.revokeSome, "revoke all": m.revokeEach,
		"list": m.listSome, "purge": m.purgeAll, "steal a cookie": m.steal,
	}
	if m.cache != nil {
		a["evict"] = func(t *rapid.T) { _ = m.cache.Remove(t.Context(), m.anyID(t)) }
	}
	return a
}

// visit is a whole request behind Manager.Handler.
func (m *sessionMachine) visit(t *rapid.T) {
	f, r := m.come(m.anyBrowser(t))
	manager := m.anyManager(t)
	status := rapid.SampledFrom([]int{200, 200, 200, 302, 404, 500, 503}).Draw(t, "status")
	panics := rapid.IntRange(0, 9).Draw(t, "panics") == 0
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.s = manager.From(r.Context())
			for range rapid.IntRange(1, 4).Draw(t, "operations") {
				f.operate(t)
			}
			if panics {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
		})).ServeHTTP(f.w, r)
	}()
	if panics {
		f.forget()
		f.cookieOut(t)
		return
	}
	f.status = f.commit(status)
	f.wantStatus(t)
	f.cookieOut(t)
}

func (m *sessionMachine) visitInOutage(t *rapid.T) {
	m.down.on, m.plain.down = true, true
	defer func() { m.down.on, m.plain.down = false, false }()
	m.visit(t)
}

// A request that is taken through its life step by step: between them others
// come and go, and time passes.
func (m *sessionMachine) beginRequest(t *rapid.T) {
	if len(m.flights) == 3 {
		t.Skip("enough are under way")
	}
	f, r := m.come(m.anyBrowser(t))
	f.x = m.anyManager(t).Begin(f.w, r)
	f.s = f.x.Session()
	switch rapid.IntRange(0, 2).Draw(t, "looks at once") {
	case 0:
		f.perform(t, "read")
	case 1:
		f.operate(t)
	}
	m.flights = append(m.flights, f)
}

func (m *sessionMachine) flight(t *rapid.T) (*flight, int) {
	if len(m.flights) == 0 {
		t.Skip("none is under way")
	}
	i := rapid.IntRange(0, len(m.flights)-1).Draw(t, "request")
	return m.flights[i], i
}

func (m *sessionMachine) goOn(t *rapid.T) {
	f, _ := m.flight(t)
	f.operate(t)
}

// answer sends the header, and perhaps changes something after that.
func (m *sessionMachine) answer(t *rapid.T) {
	f, i := m.flight(t)
	m.flights = slices.Delete(m.flights, i, i+1)
	m.finish(t, f, rapid.SampledFrom([]int{200, 200, 200, 303, 500}).Draw(t, "status"), rapid.IntRange(0, 2).Draw(t, "late") == 0)
}

func (m *sessionMachine) finish(t *rapid.T, f *flight, status int, late bool) {
	real := f.x.Commit(status)
	f.status = f.commit(status)
	if real {
		f.w.WriteHeader(status)
	}
	f.wantStatus(t)
	f.cookieOut(t)
	dropped := !real || status >= 500
	if late {
		f.operate(t)
		if f.drop {
			f.drop = false // a header that has left removes nothing
		}
	}
	f.x.Finish(status)
	if !dropped && (len(f.ops) > 0 || f.renew || f.err != 0 && f.is != failing) {
		f.save()
	}
}

func (m *sessionMachine) answerInOutage(t *rapid.T) {
	m.down.on, m.plain.down = true, true
	defer func() { m.down.on, m.plain.down = false, false }()
	m.answer(t)
}

func (m *sessionMachine) panicIn(t *rapid.T) {
	f, i := m.flight(t)
	m.flights = slices.Delete(m.flights, i, i+1)
	f.x.Abort()
	f.forget()
	f.cookieOut(t)
}

func (f *flight) wantStatus(t *rapid.T) {
	if f.w.Code != f.status {
		t.Fatalf("answered %d, want %d", f.w.Code, f.status)
	}
}

// cookieOut checks the cookie of the response, and has the browser take it.
func (f *flight) cookieOut(t *rapid.T) {
	cookies := (&http.Response{Header: f.w.Header()}).Cookies()
	switch send := f.send && f.is == alive; {
	case len(cookies) > 1:
		t.Fatalf("%d cookies", len(cookies))
	case !send && !f.drop:
		if len(cookies) > 0 {
			t.Fatalf("an answer of %d with a cookie, %q", f.status, f.w.Header()["Set-Cookie"])
		}
		return
	case len(cookies) == 0:
		t.Fatalf("an answer of %d without a cookie, to send: %v, to remove: %v", f.status, send, f.drop)
	case !send:
		if c := cookies[0]; c.Value != "" || c.MaxAge >= 0 {
			t.Fatalf("the cookie %q is no removal", f.w.Header()["Set-Cookie"])
		}
		f.browser.own, f.drop = "", false
	default:
		f.send = false
		c := cookies[0]
		age := 0
		if f.base.persistent {
			age = int(max(math.Ceil(f.base.end.Sub(f.m.now).Seconds()), 1))
		}
		if !c.HttpOnly || !c.Secure || c.Path != "/" || c.Name != cookieName || c.MaxAge != age || idOf(c.Value) != f.id {
			t.Fatalf("the cookie is %q; the session is %s, for %d s", f.w.Header()["Set-Cookie"], f.id, age)
		}
		f.browser.own = c.Value
		f.m.tokens[f.id] = c.Value
	}
}

// pass moves the clock: by a little or much, or to a moment that decides something.
func (m *sessionMachine) pass(t *rapid.T) {
	to := m.now
	var moments []time.Time
	for _, id := range m.ids() {
		k := m.all[id]
		moments = append(moments, k.expires, k.end, k.seen.Add(m.touchInterval(k.idle)), k.expires.Add(session.ExpiryGrace))
	}
	for _, f := range m.flights {
		moments = append(moments, f.started.Add(markLife/2))
	}
	if len(moments) > 0 && rapid.Bool().Draw(t, "to a moment") {
		to = rapid.SampledFrom(moments).Draw(t, "moment").Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "beside")) * time.Microsecond)
	} else {
		to = to.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 20 * time.Second, time.Minute, 6 * time.Minute, time.Hour}).Draw(t, "for"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = later(m.now, to)
}

// ids are those of all that is kept, in an order that is the same in each run of a seed.
func (m *sessionMachine) ids() []session.ID {
	var ids []session.ID
	for id := range m.all {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y session.ID) int { return m.all[x].writes - m.all[y].writes })
	return ids
}

// anyID is one of what is kept, or none that is.
func (m *sessionMachine) anyID(t *rapid.T) session.ID {
	ids := append(m.ids(), idOf(string(make([]byte, 0))))
	return ids[rapid.IntRange(0, len(ids)-1).Draw(t, "id")]
}

var users = []string{"alice", "Alice"}

func (m *sessionMachine) revokeSome(t *rapid.T) {
	id, manager := m.anyID(t), m.anyManager(t)
	allowed := func(kept) bool { return true }
	end := func() error { return manager.Revoke(t.Context(), id) }
	if rapid.Bool().Draw(t, "for") {
		user := rapid.SampledFrom(users).Draw(t, "user")
		allowed = func(k kept) bool { return k.principal == user }
		end = func() error { return manager.RevokeFor(t.Context(), user, id) }
	}
	var want error
	err := end()
	if !m.revoke(id, allowed) {
		want = session.ErrNotFound
	}
	wantErr(t, "revoke", err, want)
}

func (m *sessionMachine) revokeEach(t *rapid.T) {
	user := rapid.SampledFrom(users).Draw(t, "user")
	n, err := m.anyManager(t).RevokeAll(t.Context(), user)
	wantErr(t, "revoke all", err, nil)
	if want := m.revokeAll(user, "", kept{}); n != want {
		t.Fatalf("revoked %d, want %d", n, want)
	}
}

func (m *sessionMachine) listSome(t *rapid.T) {
	user := rapid.SampledFrom(users).Draw(t, "user")
	infos, err := m.anyManager(t).List(t.Context(), user)
	wantErr(t, "list", err, nil)
	var ids []session.ID
	for _, i := range infos {
		ids = append(ids, i.ID)
	}
	if want := m.list(user); !slices.Equal(ids, want) {
		t.Fatalf("listed %q, want %q", ids, want)
	}
}

func (m *sessionMachine) purgeAll(t *rapid.T) {
	n, err := m.anyManager(t).Purge(t.Context())
	wantErr(t, "purge", err, nil)
	if m.cache != nil { // by its own clock, which is not the machine's, an entry there has not expired
		for _, id := range m.ids() {
			_ = m.cache.Remove(t.Context(), id)
		}
	}
	if want := m.purge(); n != want {
		t.Fatalf("purged %d, want %d", n, want)
	}
}

// steal gives a browser a token that another one has or had, beside its own or
// in its place.
func (m *sessionMachine) steal(t *rapid.T) {
	var known []string
	for _, id := range m.ids() {
		if token := m.tokens[id]; token != "" {
			known = append(known, token)
		}
	}
	known = append(known, "")
	b := m.anyBrowser(t)
	token := known[rapid.IntRange(0, len(known)-1).Draw(t, "token")]
	if b.first = rapid.Bool().Draw(t, "first"); rapid.Bool().Draw(t, "beside") {
		b.planted = token
	} else {
		b.own = token
	}
}

// check compares all that is stored with the map, values included.
func (m *sessionMachine) check(t *rapid.T) {
	stored := pages(t, func(after string) ([]session.Stored, string, error) {
		return m.truth.(session.Scanner).Scan(t.Context(), after, 1000)
	})
	all := shelf{}
	for _, s := range stored {
		all[s.ID] = s.Record
	}
	if len(all) != len(m.all) {
		t.Errorf("%d records are stored, want %d", len(all), len(m.all))
	}
	eye := m.manager(t, all)
	for id, k := range m.all {
		r, there := all[id]
		if !there {
			t.Fatalf("%s is not stored, want %+v", id, k)
		}
		is := kept{
			r.Principal, r.Created, r.Authenticated, r.LastSeen, r.Expires, r.LifetimeEnd, r.IdleTimeout, r.Persistent,
			r.MovedTo, k.values, k.writes,
		}
		if token := m.tokens[id]; token != "" && k.live(m.now) {
			is.values = values{}
			answer(eye, token, t.Context(), func(_ *session.Manager, s *session.Session) { is.values = valuesOf(s) })
		}
		if got, want := is.String(), k.String(); got != want {
			t.Fatalf("%s is stored as\n %s\nwant\n %s", id, got, want)
		}
		now := stamp{r.Version, r.Mark, k.writes}
		if was, known := m.seen[id]; known && (was.writes == now.writes) != (was.version == now.version && was.mark == now.mark) {
			t.Fatalf("%s was version %d and is %d, after %d writes", id, was.version, now.version, now.writes-was.writes)
		}
		m.seen[id] = now
	}
}

func (k kept) String() string {
	type plainly kept // without this method
	for _, at := range []*time.Time{&k.created, &k.auth, &k.seen, &k.expires, &k.end} {
		*at = at.UTC()
	}
	return fmt.Sprintf("%+v", plainly(k))
}

// A shelf is what was stored at one moment, to look at through an engine.
type shelf map[session.ID]session.Record

func (s shelf) Load(_ context.Context, id session.ID) (session.Record, error) {
	if r, ok := s[id]; ok {
		return r, nil
	}
	return session.Record{}, session.ErrNotFound
}

func (shelf) Create(context.Context, session.ID, session.Record) error { return errDown }

func (shelf) Update(context.Context, session.ID, session.Record, uint64) error      { return errDown }
func (shelf) Touch(context.Context, session.ID, time.Time, time.Time, uint64) error { return nil }
func (shelf) Delete(context.Context, session.ID, uint64) error                      { return errDown }

func TestSessionsDoAsAPlainMapWould(t *testing.T) {
	leaksNothing(t)
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			open := e.open(t)
			machines(t, max(200/e.slow, 1), 60, shrinkTime, func(t *rapid.T) { t.Repeat(newSessionMachine(t, open()).actions()) })
		})
	}
}

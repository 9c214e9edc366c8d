package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

type rstore struct {
	*session.MemoryStore
	create, update, load, delete atomic.Pointer[func() error] // before the call; an error replaces it
}

func hit(p *atomic.Pointer[func() error]) error {
	if f := p.Load(); f != nil {
		return (*f)()
	}
	return nil
}
func on(p *atomic.Pointer[func() error], f func() error) { p.Store(&f) }
func (s *rstore) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if err := hit(&s.load); err != nil {
		return session.Record{}, err
	}
	return s.MemoryStore.Load(ctx, id)
}

func (s *rstore) Create(ctx context.Context, id session.ID, rec session.Record) error {
	if err := hit(&s.create); err != nil {
		return err
	}
	return s.MemoryStore.Create(ctx, id, rec)
}

func (s *rstore) Update(ctx context.Context, id session.ID, rec session.Record, v uint64) error {
	if err := hit(&s.update); err != nil {
		return err
	}
	return s.MemoryStore.Update(ctx, id, rec, v)
}

func (s *rstore) Delete(ctx context.Context, id session.ID, v uint64) error {
	if err := hit(&s.delete); err != nil {
		return err
	}
	return s.MemoryStore.Delete(ctx, id, v)
}

type quiet struct{ f func(session.Event) }

func (q quiet) Event(_ context.Context, e session.Event) {
	if q.f != nil {
		q.f(e)
	}
}

func rmanager(t *testing.T, st session.Store, ev func(session.Event)) *session.Manager {
	return session.Must(session.New(session.Options{Store: st, Events: quiet{ev}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}))
}

func rdo(m *session.Manager, cookies []*http.Cookie, f func(w http.ResponseWriter, r *http.Request)) *http.Response {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	m.Handler(http.HandlerFunc(f)).ServeHTTP(w, r)
	return w.Result()
}

func rses(f func(s *session.Session)) func(http.ResponseWriter, *http.Request) {
	return func(_ http.ResponseWriter, r *http.Request) { f(session.From(r.Context())) }
}

func newR() *rstore { return &rstore{MemoryStore: session.NewMemoryStore(session.MemoryOptions{})} }

func TestAPanicInDestroyCanBeRecovered(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	on(&st.delete, func() error { panic("a hook of the application") })
	func() {
		defer func() { _ = recover() }()
		rdo(m, c, rses(func(s *session.Session) { _ = s.Destroy(context.Background()) }))
	}()
}

func TestAPanicInALoadLeavesNoLock(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	rdo(m, c, rses(func(s *session.Session) {
		on(&st.load, func() error { panic("once") })
		func() {
			defer func() { _ = recover() }() // a recovery middleware inside
			s.Principal()
		}()
		st.load.Store(nil)
		s.Principal() // its error page asks who it is
	}))
}

func TestTheLongestIdleTimeoutIsStored(t *testing.T) {
	st := newR()
	var got session.Record
	m := rmanager(t, st, nil)
	var id session.ID
	c := rdo(m, nil, rses(func(s *session.Session) { s.SetIdleTimeout(math.MaxInt64); s.Login("alice") })).Cookies()
	rdo(m, c, rses(func(s *session.Session) { id = s.ID() }))
	got, _ = st.Load(context.Background(), id)
	if got.IdleTimeout < 0 {
		t.Errorf("stored IdleTimeout is %v", got.IdleTimeout)
	}
}

func TestAPrintedSessionShowsNeitherTokenNorValues(t *testing.T) {
	m := rmanager(t, newR(), nil)
	cart := session.NewKey[string]("card")
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice"); cart.Set(s, "4111-1111") })).Cookies()
	var b strings.Builder
	rdo(m, c, rses(func(s *session.Session) {
		cart.Get(s)
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "session", s)
		fmt.Fprintf(&b, "%v", s)
	}))
	if strings.Contains(b.String(), "{[") || strings.Contains(b.String(), "secret:[") {
		t.Errorf("the token's bytes are in the log: %s", b.String())
	}
}

func TestARenewalDoesNotBringBackWhatWasRevokedEvenInAnOutage(t *testing.T) {
	for _, how := range []string{"renew", "login"} {
		st := newR()
		m := rmanager(t, st, nil)
		c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
		down := errors.New("connection refused")
		res := rdo(m, c, rses(func(s *session.Session) {
			s.Principal() // loaded
			if n, err := m.RevokeAll(context.Background(), "alice"); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if how == "renew" {
				s.Renew()
			} else {
				s.Login("alice")
			}
			on(&st.update, func() error { // the outage begins after Create
				on(&st.load, func() error { return down })
				return down
			})
		}))
		st.update.Store(nil)
		st.load.Store(nil)
		if len(res.Cookies()) == 0 {
			continue
		}
		var who string
		rdo(m, res.Cookies(), rses(func(s *session.Session) { who = s.Principal() }))
		if who != "" {
			t.Errorf("%s: alive again after RevokeAll returned: %q", how, who)
		}
	}
}

func TestADestroyedVisitorStaysDestroyedWhateverBecomesOfASignIn(t *testing.T) {
	s, b := started(t, session.Options{})
	create, g := stopAfter()
	s.store.plan("create", create)
	signIn := b.begin(login("alice"))
	<-g.reached
	b.visit(destroy).want(200)
	s.store.plan("update", func(context.Context, func(context.Context) error) error { // the mark: the store is away for a moment
		s.store.plan("load", failBefore)
		s.store.plan("fresh", failBefore)
		return errDown
	})
	close(g.open)
	<-signIn
	s.store.mu.Lock()
	clear(s.store.plans)
	s.store.mu.Unlock()
	b.seesNothing()
}

func TestASaveBesideAFailingResponseKeepsTheBrowserSignedIn(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	var saved error
	entered, open := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	res := rdo(m, c, func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		s.Renew()
		on(&st.update, func() error { close(entered); <-open; return nil })
		go func() { defer close(done); saved = s.Save(context.WithoutCancel(r.Context())) }()
		<-entered
		go func() {
			for range 10_000 { // the response, if it does not wait for the Save, is gone by then
				runtime.Gosched()
			}
			close(open)
		}()
		w.WriteHeader(503) // as http.TimeoutHandler does
	})
	<-done
	st.update.Store(nil)
	var who string
	rdo(m, c, rses(func(s *session.Session) { who = s.Principal() }))
	if saved == nil && len(res.Cookies()) == 0 && who == "" {
		t.Error("Save succeeded, the browser has no live token: signed out by a 503")
	}
}

func TestALoginThatIsReloadedCarriesNothingOver(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	k := session.NewKey[string]("k")
	a := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice"); k.Set(s, "alice's") })).Cookies()
	b := rdo(m, nil, rses(func(s *session.Session) { s.Login("carol") })).Cookies()
	res := rdo(m, append(a, b...), rses(func(s *session.Session) {
		s.Login("bob")
		_, _ = m.RevokeAll(context.Background(), "carol")
		_ = s.Reload(context.Background())
	}))
	if len(res.Cookies()) == 0 {
		return
	}
	rdo(m, res.Cookies(), rses(func(s *session.Session) {
		if v := k.Get(s); v != "" && s.Principal() == "bob" {
			t.Errorf("%s sees %q", s.Principal(), v)
		}
	}))
}

func TestTheTokenFromBeforeALoginCannotEndIt(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	k := session.NewKey[int]("k")
	c := rdo(m, nil, rses(func(s *session.Session) { k.Set(s, 1) })).Cookies()
	var in *http.Response
	rdo(m, c, rses(func(s *session.Session) { // whoever has the token from before, here a thief
		k.Get(s)
		in = rdo(m, c, rses(func(s *session.Session) { s.Login("alice") }))
		_ = s.Destroy(context.Background())
	}))
	var who string
	rdo(m, in.Cookies(), rses(func(s *session.Session) { who = s.Principal() }))
	if who == "" {
		t.Error("the holder of the token from before the login ended the new session")
	}
}

func TestAPanicInTheReplayOfALoginLeavesNoSession(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	m2 := rmanager(t, st, nil)
	k, k2 := session.NewKey[int]("k"), session.NewKey[int]("k2")
	c := rdo(m, nil, rses(func(s *session.Session) { k.Set(s, 1) })).Cookies()
	func() {
		defer func() { _ = recover() }()
		rdo(m, c, rses(func(s *session.Session) {
			n := 0
			k.Update(s, func(v int) int {
				if n++; n == 3 {
					panic("third call")
				}
				return v + 1
			})
			s.Login("alice")
			on(&st.update, func() error {
				st.update.Store(nil)
				rdo(m2, c, rses(func(s *session.Session) { k2.Set(s, 1) })) // a conflict, by another process
				return nil
			})
		}))
	}()
	l, _ := m.List(context.Background(), "alice")
	if len(l) != 0 {
		t.Errorf("%d sessions of alice are left that nobody has a token of", len(l))
	}
}

func TestExceptOfASessionThatCannotBeLoadedEndsNothing(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	on(&st.load, func() error { st.load.Store(nil); return errors.New("one cut connection") })
	var n int
	var err error
	res := rdo(m, c, rses(func(s *session.Session) {
		n, err = m.RevokeAll(context.Background(), "alice", session.Except(s)) // "alice" from a route or a form
	}))
	var who string
	rdo(m, c, rses(func(s *session.Session) { who = s.Principal() }))
	if who == "" {
		t.Errorf("RevokeAll ended %d (%v), status %d: the session that asked was not spared", n, err, res.StatusCode)
	}
}

func TestExceptSparesWhatARenewalMadeOfTheSession(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	c := rdo(m, nil, rses(func(s *session.Session) { s.Login("alice") })).Cookies()
	var in *http.Response
	rdo(m, c, rses(func(s *session.Session) {
		s.Principal()
		in = rdo(m, c, rses(func(s *session.Session) { s.Renew() }))
		if _, err := m.RevokeAll(context.Background(), "alice", session.Except(s)); err != nil {
			t.Error(err)
		}
	}))
	var who string
	rdo(m, in.Cookies(), rses(func(s *session.Session) { who = s.Principal() }))
	if who == "" {
		t.Error("sign out everywhere else ended the browser's own session")
	}
}

func TestAPanicWhileSavingIsNoSuccess(t *testing.T) {
	st := newR()
	m, m2 := rmanager(t, st, nil), rmanager(t, st, nil)
	k, k2 := session.NewKey[int]("k"), session.NewKey[int]("k2")
	c := rdo(m, nil, rses(func(s *session.Session) { k.Set(s, 1) })).Cookies()
	res := rdo(m, c, func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r.Context())
		n := 0
		k.Update(s, func(v int) int {
			if n++; n == 3 {
				panic("third call")
			}
			return v + 1
		})
		on(&st.update, func() error {
			st.update.Store(nil)
			rdo(m2, c, rses(func(s *session.Session) { k2.Set(s, 1) }))
			return nil
		})
		defer func() {
			if recover() != nil {
				w.WriteHeader(200)
			}
		}()
		w.WriteHeader(200)
	})
	var v int
	rdo(m, c, rses(func(s *session.Session) { v = k.Get(s) }))
	if res.StatusCode < 400 && v != 2 {
		t.Errorf("answered %d, k is %d", res.StatusCode, v)
	}
}

func TestSignOutEndsTheSessionsOfAllCookies(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	login := rses(func(s *session.Session) { s.Login("alice") })
	both := append(rdo(m, nil, login).Cookies(), rdo(m, nil, login).Cookies()...)
	rdo(m, both, rses(func(s *session.Session) {
		s.Principal()
		if err := s.Reload(context.Background()); err != nil {
			t.Error(err)
		}
		if err := s.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	}))
	if left, err := m.List(context.Background(), "alice"); len(left) != 0 || err != nil {
		t.Errorf("%d sessions of the browser are left, error %v", len(left), err)
	}
}

func TestSignOutDeletesARecordThatCannotBeDecodedHere(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	var id session.ID
	c := rdo(m, nil, rses(func(s *session.Session) {
		s.Login("alice")
		if err := s.Save(context.Background()); err != nil {
			t.Error(err)
		}
		id = s.ID()
	})).Cookies()
	rec, err := st.Load(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	rec.Version, rec.Payload = 2, []byte("of a codec that only another process knows")
	if err := st.Update(context.Background(), id, rec, 1); err != nil {
		t.Fatal(err)
	}
	rdo(m, c, rses(func(s *session.Session) {
		if err := s.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
	}))
	if _, err := st.Load(context.Background(), id); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the record is still there: %v", err)
	}
}

func TestSignOutIsAnErrorIfOneOfTheSessionsMayBeLeft(t *testing.T) {
	st := newR()
	m := rmanager(t, st, nil)
	login := rses(func(s *session.Session) { s.Login("alice") })
	both := append(rdo(m, nil, login).Cookies(), rdo(m, nil, login).Cookies()...)
	calls := 0
	on(&st.delete, func() error {
		if calls++; calls == 1 {
			return session.ErrPending // of the first, only a cache has to be told yet
		}
		return errors.New("connection refused")
	})
	res := rdo(m, both, rses(func(s *session.Session) {
		if err := s.Destroy(context.Background()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Destroy returns %v, want ErrUnavailable", err)
		}
	}))
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %d, want 503", res.StatusCode)
	}
}

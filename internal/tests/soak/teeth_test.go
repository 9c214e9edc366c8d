package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/internal/tests/examples"
)

// The tests of this file give the oracle shops whose store is broken, and see
// each break reported under the law that it breaks.

func TestTheOracleFindsNothingWhereNothingIsBroken(t *testing.T) {
	truth := session.NewMemoryStore(session.MemoryOptions{})
	if all := traffic(t, slow{truth}, 0); len(all) > 0 {
		t.Error(list(all))
	}
}

func TestTheOracleFindsEachBrokenStore(t *testing.T) {
	for _, c := range []struct {
		name  string
		law   Law
		store func(*session.MemoryStore) session.Store
	}{
		{"updates that create", NoResurrection, func(m *session.MemoryStore) session.Store { return creating{slow{m}} }},
		{"updates that overwrite blindly", NoLostUpdate, func(m *session.MemoryStore) session.Store { return blind{slow{m}} }},
		{"a cache filled without a guard", ReadYourWrites, func(m *session.MemoryStore) session.Store { return &naive{slow: slow{m}, cleans: true} }},
		{"a cache that keeps what was deleted", NoResurrection, func(m *session.MemoryStore) session.Store { return &naive{slow: slow{m}} }},
		{"marks that are not kept", ServerMints, func(m *session.MemoryStore) session.Store { return unmarked{slow{m}} }},
		{"an outage that is told as absence", OutageNoLogout, func(m *session.MemoryStore) session.Store { return absentminded{slow{m}} }},
		{"an outage that nobody caused", OutageNoLogout, func(m *session.MemoryStore) session.Store { return failing{slow{m}} }},
		{"lists that leave something out", ReadYourWrites, func(m *session.MemoryStore) session.Store { return forgetful{slow{m}} }},
		{"updates that add what is there", NoLostUpdate, func(m *session.MemoryStore) session.Store { return &repeating{slow: slow{m}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := traffic(t, c.store(session.NewMemoryStore(session.MemoryOptions{})), c.law)
			if !slices.ContainsFunc(all, func(v Violation) bool { return v.Law == c.law }) {
				t.Errorf("nothing is reported under %s, but%s", c.law, list(all))
			}
		})
	}
}

// traffic lets browsers use three shops over one store, until something is
// reported under the law, or for a good while.
func traffic(t *testing.T, store session.Store, law Law) []Violation {
	t.Helper()
	m, err := session.New(session.Options{Store: store, Insecure: true, IdleTimeout: idleTimeout, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{http: newClient(t)}
	for n := range 3 {
		s := httptest.NewServer(shop(m))
		t.Cleanup(s.Close)
		f.apps = append(f.apps, examples.App{Name: fmt.Sprint("shop ", n)})
		f.urls = append(f.urls, s.URL)
	}
	op := &operator{}
	op.sessions.Store(m)
	o := NewOracle("db", idleTimeout)
	found := func() bool {
		return slices.ContainsFunc(o.Violations(), func(v Violation) bool { return v.Law == law })
	}
	var all sync.WaitGroup
	l := &load{fleet: f, oracle: o}
	const browsers, steps = 8, 150
	longest := steps
	if law != 0 {
		longest *= 4 // it ends as soon as there is something
	}
	for n := range browsers {
		b := newBrowser(n, 1, f, o, op)
		all.Go(func() {
			for range longest {
				if b.step(); found() {
					return
				}
				l.steal(b.rnd)
			}
			b.audit()
		})
	}
	all.Wait()
	return o.Violations()
}

// shop is the tea shop, of which browsers see only what they look at.
func shop(m *session.Manager) http.Handler {
	cart := session.NewKey[[]string]("cart")
	mux := http.NewServeMux()
	answer := func(pattern string, f func(http.ResponseWriter, *http.Request, *session.Session)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { f(w, r, session.From(r.Context())) })
	}
	back := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) }
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	answer("GET /{$}", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		if user := s.Principal(); user != "" {
			fmt.Fprintf(w, "Signed in as <strong>%s</strong>", user)
		}
		for _, item := range cart.Get(s) {
			fmt.Fprintf(w, `name="item" value="%s" aria-label="Remove `, item)
		}
		fmt.Fprint(w, "</html>")
	})
	answer("GET /api/session", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		_ = json.NewEncoder(w).Encode(Shown{ID: string(s.ID()), User: s.Principal(), Cart: cart.Get(s)})
	})
	answer("POST /cart", func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		cart.Update(s, func(c []string) []string { return append(c, r.FormValue("item")) })
		back(w, r)
	})
	answer("POST /cart/remove", func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if slices.Contains(cart.Get(s), r.FormValue("item")) {
			cart.Update(s, func(c []string) []string {
				return slices.DeleteFunc(c, func(item string) bool { return item == r.FormValue("item") })
			})
		}
		back(w, r)
	})
	answer("POST /login", func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Login(r.FormValue("user"))
		back(w, r)
	})
	answer("POST /logout", func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		_ = s.Destroy(r.Context())
		back(w, r)
	})
	return m.Handler(mux)
}

// slow is a store at some distance, so that requests overlap.
type slow struct{ *session.MemoryStore }

func travel() { time.Sleep(rand.N(time.Millisecond)) } // the way there

func (s slow) Load(ctx context.Context, id session.ID) (session.Record, error) {
	travel()
	defer travel()
	return s.MemoryStore.Load(ctx, id)
}

func (s slow) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	travel()
	defer travel()
	return s.MemoryStore.Update(ctx, id, rec, ifVersion)
}

func (s slow) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	travel()
	defer travel()
	return s.MemoryStore.Delete(ctx, id, ifVersion)
}

type creating struct{ slow }

func (s creating) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	err := s.slow.Update(ctx, id, rec, ifVersion)
	if errors.Is(err, session.ErrNotFound) {
		return s.Create(ctx, id, rec)
	}
	return err
}

type blind struct{ slow }

func (s blind) Update(ctx context.Context, id session.ID, rec session.Record, _ uint64) error {
	travel()
	for range 10 {
		now, err := s.MemoryStore.Load(ctx, id)
		if err != nil {
			return err
		}
		rec.Version = max(rec.Version, now.Version+1)
		if err = s.slow.Update(ctx, id, rec, now.Version); !errors.Is(err, session.ErrConflict) {
			return err
		}
	}
	return session.ErrConflict
}

// naive puts into its cache what it reads, whatever was written meanwhile.
type naive struct {
	slow
	cleans bool // when a session is deleted
	cache  sync.Map
}

func (s *naive) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if rec, ok := s.cache.Load(id); ok {
		return rec.(session.Record), nil
	}
	rec, err := s.slow.Load(ctx, id)
	travel()
	travel()
	if err == nil {
		s.cache.Store(id, rec)
	}
	return rec, err
}

func (s *naive) LoadFresh(ctx context.Context, id session.ID) (session.Record, error) {
	return s.slow.Load(ctx, id)
}

func (s *naive) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	err := s.slow.Update(ctx, id, rec, ifVersion)
	s.cache.Delete(id)
	return err
}

func (s *naive) Delete(ctx context.Context, id session.ID, ifVersion uint64) error {
	err := s.slow.Delete(ctx, id, ifVersion)
	if s.cleans {
		s.cache.Delete(id)
	}
	return err
}

type unmarked struct{ slow }

func (s unmarked) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	if rec.MovedTo != "" {
		return nil
	}
	return s.slow.Update(ctx, id, rec, ifVersion)
}

type absentminded struct{ slow }

func (s absentminded) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if rand.IntN(50) == 0 {
		return session.Record{}, session.ErrNotFound
	}
	return s.slow.Load(ctx, id)
}

type failing struct{ slow }

func (s failing) Load(ctx context.Context, id session.ID) (session.Record, error) {
	if rand.IntN(50) == 0 {
		return session.Record{}, errors.New("no answer")
	}
	return s.slow.Load(ctx, id)
}

type forgetful struct{ slow }

func (s forgetful) List(context.Context, string, string, int) ([]session.Stored, string, error) {
	return nil, "", nil
}

// repeating makes a write, says that it did not, and lets it be repeated: it
// never tells who made the one that is there.
type repeating struct{ slow }

func (s *repeating) Update(ctx context.Context, id session.ID, rec session.Record, ifVersion uint64) error {
	err := s.slow.Update(ctx, id, rec, ifVersion)
	if err == nil && rec.MovedTo == "" && rand.IntN(10) == 0 {
		return session.ErrConflict
	}
	return err
}

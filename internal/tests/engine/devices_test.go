package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/storetest"
)

// signedIn logs a new browser in, and returns the answer.
func signedIn(m *session.Manager, principal string) (status int, id session.ID) {
	w := httptest.NewRecorder()
	var s *session.Session
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s = m.From(r.Context())
		s.Login(principal)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code, s.ID()
}

func managerOf(store session.Store, most int, prevents bool) *session.Manager {
	return session.Must(session.New(session.Options{
		Store: store, MaxSessions: most, MaxSessionsPreventsLogin: prevents, Logger: slog.New(slog.DiscardHandler),
	}))
}

func TestEveryEngineListsAndEndsSessions(t *testing.T) {
	for _, e := range engines(t) {
		t.Run(e.name, func(t *testing.T) {
			m, ctx := managerOf(e.store, 0, false), t.Context()
			alice, bob := "alice-"+string(storetest.NewID()), "bob-"+string(storetest.NewID())
			var ids []session.ID
			for range 5 {
				_, id := signedIn(m, alice)
				ids = append([]session.ID{id}, ids...)
			}
			_, his := signedIn(m, bob)
			list, err := m.List(ctx, alice)
			if err != nil || len(list) != 5 || list[0].ID != ids[0] || list[4].ID != ids[4] {
				t.Fatalf("List: %v, %v", list, err)
			}
			page, next, err := m.ListPage(ctx, alice, "", 3)
			rest, end, rerr := m.ListPage(ctx, alice, next, 3)
			if err != nil || rerr != nil || len(page) != 3 || len(rest) != 2 || rest[0].ID != ids[3] || end != "" {
				t.Errorf("ListPage: %v, %v, %v, %v", page, rest, err, rerr)
			}
			if _, _, err := m.ListPage(ctx, alice, "nonsense", 3); !errors.Is(err, session.ErrInvalid) {
				t.Errorf("ListPage with a bad cursor: %v", err)
			}
			if d, err := m.Inspect(ctx, ids[0]); err != nil || d.Principal != alice {
				t.Errorf("Inspect: %+v, %v", d, err)
			}
			if err := m.RevokeFor(ctx, alice, his); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("RevokeFor of another's: %v", err)
			}
			if err := errors.Join(m.RevokeFor(ctx, alice, ids[0]), m.Revoke(ctx, ids[1])); err != nil {
				t.Error(err)
			}
			if n, err := m.RevokeAll(ctx, alice); n != 3 || err != nil {
				t.Errorf("RevokeAll: %d, %v", n, err)
			}
			for who, want := range map[string]int{alice: 0, bob: 1} {
				if list, err := m.List(ctx, who); err != nil || len(list) != want {
					t.Errorf("List of %s at the end: %v, %v", who, list, err)
				}
			}
		})
	}
}

func TestOnEveryEngineParallelLoginsKeepToTheLimit(t *testing.T) {
	const logins, most = 12, 3
	for _, e := range engines(t) {
		for name, prevents := range map[string]bool{"ending the oldest": false, "refusing": true} {
			t.Run(e.name+", "+name, func(t *testing.T) {
				alice := "alice-" + string(storetest.NewID())
				var wg sync.WaitGroup
				var mu sync.Mutex
				answers := make(map[int]int)
				for range logins {
					m := managerOf(e.store, most, prevents) // a process of its own
					wg.Go(func() {
						status, _ := signedIn(m, alice)
						mu.Lock()
						defer mu.Unlock()
						answers[status]++
					})
				}
				wg.Wait()
				list, err := managerOf(e.store, most, prevents).List(context.Background(), alice)
				ok := answers[http.StatusOK]
				switch {
				case err != nil || len(list) > most || len(list) == 0:
					t.Errorf("%d sessions, %v; answers: %v", len(list), err, answers)
				case ok+answers[http.StatusConflict] != logins || prevents && ok != len(list) || !prevents && len(list) != most:
					t.Errorf("%d sessions; answers: %v", len(list), answers)
				}
			})
		}
	}
}

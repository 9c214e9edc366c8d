package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// perUser measures what is done to all sessions of a user while they become
// more. Each is measured once for each of some users: RevokeAll leaves nothing
// to measure again.
func (g *Grower) perUser() (*Study, error) {
	const (
		users = 5
		page  = 50
	)
	login := &Measure{Title: "login of one more, us", Chart: "growth-user-login.svg"}
	list := &Measure{Title: fmt.Sprintf("list one page of %d, us", page), Chart: "growth-user-list.svg"}
	listAll := &Measure{Title: "List, all pages, us", Chart: "growth-user-list-all.svg"}
	revoke := &Measure{Title: "RevokeAll, us", Chart: "growth-user-revoke.svg"}
	s := &Study{
		Title:    "Sessions of one user",
		Text:     fmt.Sprintf("Medians of %d users who are signed in so many times; lists and RevokeAll have one session more.", users),
		Grows:    "sessions of the user",
		Sizes:    g.sizes(1, 10, 100, 1_000),
		Measures: []*Measure{login, list, listAll, revoke},
	}
	return s, g.stores([]string{growsMemory, growsRedis, growsPostgres}, func(on *growing) error {
		lister, is := on.store.Store.(session.Lister)
		if !is {
			return errors.New("benchmarks: the store cannot list")
		}
		for _, size := range s.Sizes {
			took := make(map[*Measure][]float64)
			for user := range users {
				name := fmt.Sprintf("user-%d-of-%.0f", user, size)
				timed := func(m *Measure, do func(context.Context) error) error {
					ctx, cancel := background()
					defer cancel()
					began := time.Now()
					err := do(ctx)
					took[m] = append(took[m], float64(time.Since(began))/float64(time.Microsecond))
					return err
				}
				cookies, err := on.begin(Anonymous, int(size)+1)
				if err != nil {
					return err
				}
				for _, cookie := range cookies[:int(size)] {
					if err := on.login(name, cookie); err != nil {
						return err
					}
				}
				if err := errors.Join(
					timed(login, func(context.Context) error { return on.login(name, cookies[int(size)]) }),
					timed(list, func(ctx context.Context) error {
						_, _, err := lister.List(ctx, name, "", page)
						return err
					}),
					timed(listAll, func(ctx context.Context) error {
						infos, err := on.sessions.List(ctx, name)
						if err == nil && len(infos) != int(size)+1 {
							err = fmt.Errorf("benchmarks: %d sessions are listed, not %.0f", len(infos), size+1)
						}
						return err
					}),
					timed(revoke, func(ctx context.Context) error {
						n, err := on.sessions.RevokeAll(ctx, name)
						if err == nil && n != int(size)+1 {
							err = fmt.Errorf("benchmarks: %d sessions are revoked, not %.0f", n, size+1)
						}
						return err
					}),
				); err != nil {
					return err
				}
			}
			for m, times := range took {
				m.add(on.name, size, Median(times))
			}
			g.Say("%s: %s sessions of a user", on.name, whole(size))
		}
		return nil
	})
}

// login signs a user in.
func (g *growing) login(user, cookie string) error {
	a, err := g.client.Get(loginAs+"?"+user, cookie)
	if err != nil {
		return err
	}
	return Work{Route: loginAs, Answer: done, Cookie: true}.check(a)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
)

func (t *tool) revokeCommand() *cli.Command {
	return &cli.Command{
		Name:      "revoke",
		Category:  "ENDING AND CLEARING",
		Usage:     "end a session, all of a user, or all",
		UsageText: "seshat revoke ID | --user USER | --all [--yes]",
		Description: `What has ended stays ended, on the database and in the cache: the browser's next
request is signed out. Give exactly one of the three.

   seshat revoke sK0aGq...             one session, by the ID that list prints
   seshat revoke --user alice          everywhere where alice is signed in
   seshat revoke --all                 everybody, anonymous visitors too

--user and --all ask before; --yes answers. --all ends what there is when it
begins; who signs in meanwhile may stay. Ctrl-C stops it between two sessions.

JSON: {"ended": N, "pending": N}; pending of them have ended in the database
while the cache could not be told yet: see "What a full or lost cache does" in
docs/operations.md.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "end all sessions of the `USER`"},
			&cli.BoolFlag{Name: "all", Usage: "end every session there is"},
			batchFlag(),
			yesFlag(),
		},
		Action: t.action(1, t.revoke),
	}
}

// Neither quotes what was given: it may be the token out of a cookie, which looks
// like an ID.
var (
	errNoID      = usage("that is no session ID: those have 43 characters, as list prints them")
	errNoSession = failure{exitNoSession, errors.New("there is no live session with that ID; the text in a cookie is none: list prints the IDs")}
)

// batchFlag is how many records are asked for at a time.
func batchFlag() cli.Flag {
	return &cli.IntFlag{Name: "batch", Value: 500, Usage: "work in steps of `N` sessions"}
}

func batch(cmd *cli.Command) (int, error) {
	n := cmd.Int("batch")
	if n < 1 || n > 10_000 {
		return 0, usage("--batch is %d; it must be from 1 to 10000", n)
	}
	return n, nil
}

type revoked struct {
	Ended   int `json:"ended"`
	Pending int `json:"pending"`
}

func (r *revoked) text(w io.Writer) {
	fmt.Fprintf(w, "%s ended.\n", count(r.Ended, "session"))
	if r.Pending > 0 {
		fmt.Fprintf(w, "The cache could not be told of %d of them: they are ended in the database, and old entries are served for a minute at most.\n", r.Pending)
	}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (t *tool) revoke(ctx context.Context, cmd *cli.Command) (result, error) {
	id, user, all := session.ID(cmd.Args().First()), cmd.String("user"), cmd.Bool("all")
	given := 0
	for _, is := range []bool{cmd.Args().Present(), cmd.IsSet("user"), all} {
		if is {
			given++
		}
	}
	steps, err := batch(cmd)
	switch {
	case err != nil:
		return nil, err
	case given != 1:
		return nil, usage("what is to end? Give an ID, --user USER or --all, and only one of them")
	case cmd.IsSet("user") && user == "":
		return nil, usage("--user is empty: give the application's id of a user")
	case cmd.Args().Present() && !id.Valid():
		return nil, errNoID
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	switch {
	case user != "":
		if err := t.confirm(ctx, cmd, "end all sessions of "+user); err != nil {
			return nil, err
		}
		n, err := s.manager.RevokeAll(ctx, user)
		r := &revoked{Ended: n}
		if errors.Is(err, session.ErrPending) {
			r.Pending, err = n, nil
		}
		return r, err
	case all:
		if err := t.confirm(ctx, cmd, "end every session, of all users and visitors"); err != nil {
			return nil, err
		}
		return t.revokeAll(ctx, s, steps)
	default:
		r := &revoked{}
		err := r.end(ctx, s.manager, id)
		if errors.Is(err, session.ErrNotFound) {
			return nil, errNoSession
		}
		return r, err
	}
}

// end ends one session and counts it.
func (r *revoked) end(ctx context.Context, m *session.Manager, id session.ID) error {
	err := m.Revoke(ctx, id)
	if err == nil || errors.Is(err, session.ErrPending) {
		r.Ended++
	}
	if errors.Is(err, session.ErrPending) {
		r.Pending++
		err = nil
	}
	return err
}

// revokeAll walks over all records until a walk finds no live session that began
// before the first: one that is renewed meanwhile may come to lie where the walk
// has been already, but keeps the time when it began.
func (t *tool) revokeAll(ctx context.Context, s *opened, steps int) (result, error) {
	scanner, ok := s.manager.Store().(session.Scanner)
	if !ok {
		return nil, fmt.Errorf("the store cannot walk over all sessions: %w", errors.ErrUnsupported)
	}
	r, began := &revoked{}, time.Now()
	p := t.progress("sessions ended", 0)
	defer p.end()
	for old := true; old; {
		old = false
		err := walk(ctx, scanner, steps, func(found session.Stored) error {
			now := time.Now()
			if found.Record.MovedTo == "" && !live(&found.Record, now) {
				return nil
			}
			err := r.end(ctx, s.manager, found.ID)
			switch {
			case err == nil:
				old = old || found.Record.MovedTo == "" && !found.Record.Created.After(began)
			case errors.Is(err, session.ErrNotFound): // somebody else was faster
				err = nil
			}
			p.to(int64(r.Ended))
			return err
		})
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// walk calls f for every record of a store. It looks for the end of ctx before
// each.
func walk(ctx context.Context, s session.Scanner, steps int, f func(session.Stored) error) error {
	for after := ""; ; {
		page, next, err := s.Scan(ctx, after, steps)
		if err != nil {
			return err
		}
		for _, found := range page {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(found); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// live tells whether a record is a session that has not ended.
func live(r *session.Record, now time.Time) bool {
	return r.MovedTo == "" && r.Version > 0 && now.Before(r.Expires) && now.Before(r.LifetimeEnd)
}

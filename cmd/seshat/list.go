package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
)

func (t *tool) listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Category:  "LOOKING",
		Usage:     "list the sessions of a user",
		UsageText: "seshat list --user USER [--limit N] [--after CURSOR]",
		Description: `The live sessions of a user, newest first. The ID names a session to the other
commands, and opens nothing: it cannot be turned back into the cookie.

   seshat list --user alice
   seshat list --user alice --limit 10          then, with what it printed:
   seshat list --user alice --limit 10 --after CURSOR
   seshat list --user alice --json | jq -r '.sessions[].id'

JSON: {"user", "sessions": [session...], "next"}; next is "" on the last page.
A session is {"id", "user", "created", "signed_in", "last_seen", "expires",
"address", "user_agent"}; times are RFC 3339, null where there is none.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "the application's id of the `USER`"},
			&cli.IntFlag{Name: "limit", Value: 50, Usage: "at most `N` sessions"},
			&cli.StringFlag{Name: "after", Usage: "go on after a page, with the `CURSOR` that it ended with"},
		},
		Action: t.action(0, t.list),
	}
}

func (t *tool) list(ctx context.Context, cmd *cli.Command) (result, error) {
	user, limit := cmd.String("user"), cmd.Int("limit")
	switch {
	case user == "":
		return nil, usage("whose sessions? Give --user USER")
	case limit < 1 || limit > 1000:
		return nil, usage("--limit is %d; it must be from 1 to 1000", limit)
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	found, next, err := s.manager.ListPage(ctx, user, cmd.String("after"), limit)
	switch {
	case errors.Is(err, session.ErrInvalid) && cmd.IsSet("after"):
		return nil, usage("--after is no cursor that list printed")
	case err != nil:
		return nil, err
	}
	page := listing{User: user, Sessions: []listed{}, Next: next}
	for _, i := range found {
		page.Sessions = append(page.Sessions, listedFrom(i))
	}
	return page, nil
}

type listing struct {
	User     string   `json:"user"`
	Sessions []listed `json:"sessions"`
	Next     string   `json:"next"`
}

// listed is a session as list and show print it.
type listed struct {
	ID        session.ID `json:"id"`
	User      string     `json:"user"`
	Created   *time.Time `json:"created"`
	SignedIn  *time.Time `json:"signed_in"`
	LastSeen  *time.Time `json:"last_seen"`
	Expires   *time.Time `json:"expires"`
	Address   string     `json:"address"`
	UserAgent string     `json:"user_agent"`
}

func listedFrom(i session.Info) listed {
	return listed{
		i.ID, i.Principal, moment(i.Created), moment(i.Authenticated), moment(i.LastSeen), moment(i.Expires),
		i.Device.Address, i.Device.UserAgent,
	}
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (l listing) text(w io.Writer) {
	if len(l.Sessions) == 0 {
		fmt.Fprintf(w, "%s has no live session here.\n", printable(l.User))
	} else {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tSIGNED IN\tLAST SEEN\tEXPIRES\tADDRESS\tDEVICE")
		for _, s := range l.Sessions {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, shown(s.SignedIn), shown(s.LastSeen), shown(s.Expires),
				printable(s.Address), printable(short(s.UserAgent, 60)))
		}
		_ = table.Flush()
	}
	if l.Next != "" {
		fmt.Fprintf(w, "There are more: --after %s\n", printable(l.Next))
	}
}

// shown is a time in UTC to the second.
func shown(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// short is s cut to at most n characters.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

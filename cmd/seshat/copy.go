package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
	"github.com/seshat-go/seshat/core/transition"
)

func (t *tool) copyCommand() *cli.Command {
	return &cli.Command{
		Name:      "copy",
		Category:  "SETTING UP",
		Usage:     "move all sessions to another engine while the application runs",
		UsageText: "seshat copy [--from X --to Y] [--dry-run | --verify | --finish] [--yes]",
		Description: `X and Y are db, cache or cached_db, with DATABASE_URL and REDIS_URL as they are
set; or a URL; or env:NAME, a variable with a URL, which keeps its password out of
the list of processes. Give a flag twice, with a database and its Redis, for a
cached_db that is not the one of the environment. Without both flags it takes the
transition that the application is in: SESSION_TRANSITION_FROM and its like.

It belongs between the deployments that docs/migration.md walks through: the
application must use both stores while it runs. With --from and --to it asks first,
since a wrong place signs everybody out. Nobody is signed out, and no
session that ended comes back. Run it again after Ctrl-C or an error: it goes on
where it stopped, and when it is done there is nothing left to copy.

   seshat copy                                      as SESSION_TRANSITION_FROM says
   seshat copy --from db --to cache --dry-run       how many would it be?
   seshat copy --from db --to cache
   seshat copy --from db --to cache --verify        compare, copy nothing
   seshat copy --from db --to cache --finish        tidy up, when all use Y alone
   seshat copy --from env:OLD_URL --to env:NEW_URL
   seshat copy --from postgres://... --from redis://... --to postgres://...

The exit status is 3 if sessions differ in a way that no move explains, or, with
--verify or --finish, if some are left.

JSON: {"from", "to", "dry_run", "scanned", "copied", "migrated", "ended", "expired",
"unreadable", "left", "differing", "removed", "retried", "missing",
"differences": [{"id", "why"}...]}`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "from", Usage: "the `X` where the sessions are"},
			&cli.StringSliceFlag{Name: "to", Usage: "the `Y` where they shall be"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "change nothing, only count"},
			&cli.BoolFlag{Name: "verify", Usage: "compare the two instead, and report differences"},
			&cli.BoolFlag{Name: "finish", Usage: "compare, and if nothing is left remove the marks that the move left behind"},
			batchFlag(),
			yesFlag(),
		},
		Action: t.action(0, t.copy),
	}
}

func (t *tool) copy(ctx context.Context, cmd *cli.Command) (result, error) {
	steps, err := batch(cmd)
	if err != nil {
		return nil, err
	}
	if cmd.Bool("verify") && cmd.Bool("finish") {
		return nil, usage("--finish verifies first: give one of --verify and --finish")
	}
	from, to, err := t.targets(cmd)
	if err != nil {
		return nil, err
	}
	if err := t.movable(from, to); err != nil {
		return nil, err
	}
	old, err := t.openTarget(ctx, "from", from)
	if err != nil {
		return nil, err
	}
	defer old.close()
	young, err := t.openTarget(ctx, "to", to)
	if err != nil {
		return nil, err
	}
	defer young.close()
	do, counted := transition.Copy, "sessions read"
	switch {
	case cmd.Bool("verify"):
		do, counted = transition.Verify, "sessions compared"
	case cmd.Bool("finish"):
		do = transition.Finish
		if !cmd.Bool("dry-run") {
			if err := t.confirm(ctx, cmd, "remove the marks of the move: every process must use "+young.place()+" alone by now"); err != nil {
				return nil, err
			}
		}
	}
	named := cmd.IsSet("from") || cmd.IsSet("to")
	if named && !cmd.Bool("verify") && !cmd.Bool("finish") && !cmd.Bool("dry-run") {
		if err := t.confirm(ctx, cmd, fmt.Sprintf("move all sessions from %s to %s: who is signed in is signed out, unless every process uses both by now (SESSION_TRANSITION_FROM and _STEP)", old.place(), young.place())); err != nil {
			return nil, err
		}
	}
	total := int64(0)
	if t.terminal && !t.quiet {
		total = old.about(ctx)
	}
	p := t.progress(counted, total)
	defer p.end()
	r, err := do(ctx, old.manager.Store(), young.manager.Store(), transition.CopyOptions{
		Batch:    steps,
		DryRun:   cmd.Bool("dry-run"),
		Progress: func(r transition.Report) { p.to(int64(r.Scanned)) },
	})
	if errors.Is(err, session.ErrInvalid) && r.Scanned == 0 { // one place under two names
		text := strings.TrimSuffix(err.Error(), ": "+session.ErrInvalid.Error())
		return nil, failure{exitUsage, errors.New(strings.TrimPrefix(text, "transition: copy: "))}
	}
	return copied(r, cmd, old, young), copyError(r, err)
}

// copyError is the error of a copy, or says that it found differences.
func copyError(r transition.Report, err error) error {
	switch {
	case errors.Is(err, transition.ErrUnfinished):
		return failure{exitFindings, err}
	case err != nil:
		return err
	case r.Differing > 0:
		return failure{exitFindings, fmt.Errorf("%s differ; the old store goes on deciding", count(r.Differing, "session"))}
	case r.Left > 0:
		return failure{exitFindings, fmt.Errorf("%s left in the old store: run the copy again", count(r.Left, "session"))}
	}
	return nil
}

type copyReport struct {
	From   string `json:"from"`
	To     string `json:"to"`
	DryRun bool   `json:"dry_run"`

	Scanned    int `json:"scanned"`
	Copied     int `json:"copied"`
	Migrated   int `json:"migrated"`
	Ended      int `json:"ended"`
	Expired    int `json:"expired"`
	Unreadable int `json:"unreadable"`
	Left       int `json:"left"`
	Differing  int `json:"differing"`
	Removed    int `json:"removed"`
	Retried    int `json:"retried"`
	Missing    int `json:"missing"`

	Differences []difference `json:"differences"`

	copies bool
}

type difference struct {
	ID  session.ID `json:"id"`
	Why string     `json:"why"`
}

func copied(r transition.Report, cmd *cli.Command, old, young *opened) *copyReport {
	c := &copyReport{
		old.place(), young.place(), cmd.Bool("dry-run"),
		r.Scanned, r.Copied, r.Migrated, r.Ended, r.Expired, r.Unreadable, r.Left, r.Differing, r.Removed, r.Retried, r.Missing,
		[]difference{},
		!cmd.Bool("verify") && !cmd.Bool("finish"),
	}
	for _, d := range r.Differences {
		c.Differences = append(c.Differences, difference{d.ID, d.Why})
	}
	return c
}

func (c *copyReport) text(w io.Writer) {
	fmt.Fprintf(w, "From %s\nto   %s\n\n", c.From, c.To)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(table, "  %d\t%s\n", n, what)
		}
	}
	fmt.Fprintf(table, "  %d\tread in the old store\n", c.Scanned)
	if c.copies {
		what := "copied"
		if c.DryRun {
			what = "would be copied"
		}
		fmt.Fprintf(table, "  %d\t%s\n", c.Copied, what)
	}
	line(c.Migrated, "moved before")
	line(c.Ended, "ended since the move began")
	line(c.Expired, "expired, left where they are")
	line(c.Unreadable, "that nobody can read, left where they are")
	line(c.Left, "live sessions that only the old store has")
	line(c.Differing, "that differ, and it cannot be told which is right")
	line(c.Removed, "marks and leftovers removed")
	line(c.Missing, "moved, and gone from the new store since")
	line(c.Retried, "tried again, since a request came in between")
	_ = table.Flush()
	for _, d := range c.Differences {
		fmt.Fprintf(w, "  %s: %s\n", d.ID, printable(d.Why))
	}
	if len(c.Differences) < c.Differing {
		fmt.Fprintf(w, "  and %d more\n", c.Differing-len(c.Differences))
	}
}

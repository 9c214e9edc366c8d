package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
)

func (t *tool) clearCommand() *cli.Command {
	return &cli.Command{
		Name:      "clearsessions",
		Category:  "ENDING AND CLEARING",
		Usage:     "delete what has expired",
		UsageText: "seshat clearsessions [--batch N]",
		Description: `Sessions end without it; it frees the space. It deletes in small steps, each its
own statement, and pauses after each for three times as long as it took, so that
nothing waits for it; a store under pressure gets smaller steps. It may run beside
the application and beside itself. Run it daily; what expired in the last five minutes stays
until the next time.

   seshat clearsessions
   0 4 * * *  seshat clearsessions --quiet      # a line for cron

Redis clears by itself; there it only finds what is not gone yet.

JSON: {"deleted", "batches", "seconds", "busy_seconds"}`,
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "batch", Value: 1000, Usage: "at most `N` sessions in a step"},
		},
		Action: t.action(0, t.clear),
	}
}

type cleared struct {
	Deleted int     `json:"deleted"`
	Batches int     `json:"batches"`
	Seconds float64 `json:"seconds"`
	Busy    float64 `json:"busy_seconds"`
}

func (c *cleared) text(w io.Writer) {
	fmt.Fprintf(w, "%s deleted in %.1f s, of which the store was at work for %.1f s.\n", count(c.Deleted, "expired session"), c.Seconds, c.Busy)
}

func (t *tool) clear(ctx context.Context, cmd *cli.Command) (result, error) {
	steps := cmd.Int("batch")
	if steps < 10 || steps > 10_000 {
		return nil, usage("--batch is %d; it must be from 10 to 10000", steps)
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	p := t.progress("expired sessions deleted", 0)
	defer p.end()
	did := &cleared{}
	did.Deleted, err = s.manager.Purge(ctx, session.PurgeBatch(steps), session.PurgeProgress(func(s session.PurgeStatus) {
		did.Batches, did.Seconds, did.Busy = s.Batches, s.Took.Seconds(), s.Busy.Seconds()
		p.to(int64(s.Records))
	}))
	return did, err
}

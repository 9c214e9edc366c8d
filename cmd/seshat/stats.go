package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/seshat-go/seshat/core/session"
)

func (t *tool) statsCommand() *cli.Command {
	return &cli.Command{
		Name:      "stats",
		Category:  "LOOKING",
		Usage:     "count the sessions: live, expired, by age and size",
		UsageText: "seshat stats [--batch N]",
		Description: `It reads every record once, in steps, so on a large store it takes a while; the
numbers are those of the moment when each was read.

   seshat stats

JSON: {"engine", "records", "live", "expired", "marks", "anonymous", "signed_in",
"users", "bytes", "largest", "by_age": [{"up_to", "live"}...], "by_size": [...],
"tiers": [{"tier", "kind", "records"}...], "complete"}. anonymous, signed_in, by_age, by_size
and bytes (of values) are of the live sessions; marks are what a login or renewal
leaves for a minute. up_to is in seconds, or in bytes; 0 is the rest. "complete"
is false where it failed on the way, and what it read until then is counted.`,
		Flags:  []cli.Flag{batchFlag()},
		Action: t.action(0, t.stats),
	}
}

type stats struct {
	Engine    string   `json:"engine"`
	Records   int      `json:"records"`
	Live      int      `json:"live"`
	Expired   int      `json:"expired"`
	Marks     int      `json:"marks"`
	Anonymous int      `json:"anonymous"`
	SignedIn  int      `json:"signed_in"`
	Users     int      `json:"users"`
	Bytes     int64    `json:"bytes"`
	Largest   int      `json:"largest"`
	ByAge     []bucket `json:"by_age"`
	BySize    []bucket `json:"by_size"`
	Tiers     []tier   `json:"tiers"`
	Complete  bool     `json:"complete"`

	users map[string]struct{}
}

type bucket struct {
	UpTo int64 `json:"up_to"` // seconds or bytes; 0: all above
	Live int   `json:"live"`
}

// A tier is one place where sessions lie.
type tier struct {
	Tier    string `json:"tier"` // database or cache
	Kind    string `json:"kind"` // postgres, mysql, sqlite, redis
	Records int    `json:"records"`
}

func newStats(engine string) *stats {
	s := &stats{Engine: engine, users: map[string]struct{}{}, Tiers: []tier{}}
	for _, age := range []time.Duration{time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 0} {
		s.ByAge = append(s.ByAge, bucket{UpTo: int64(age.Seconds())})
	}
	for _, size := range []int64{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 0} {
		s.BySize = append(s.BySize, bucket{UpTo: size})
	}
	return s
}

func (t *tool) stats(ctx context.Context, cmd *cli.Command) (result, error) {
	steps, err := batch(cmd)
	if err != nil {
		return nil, err
	}
	s, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	scanner, ok := s.manager.Store().(session.Scanner)
	if !ok {
		return nil, fmt.Errorf("the store cannot walk over all sessions: %w", errors.ErrUnsupported)
	}
	st := newStats(s.engine)
	p := t.progress("records read", 0)
	defer p.end()
	seed, seen := maphash.MakeSeed(), map[uint64]struct{}{} // a walk over Redis may come by twice
	err = walk(ctx, scanner, steps, func(r session.Stored) error {
		if s.sessions.DB == nil {
			key := maphash.String(seed, string(r.ID))
			if _, twice := seen[key]; twice {
				return nil
			}
			seen[key] = struct{}{}
		}
		st.add(&r.Record, time.Now())
		p.to(int64(st.Records))
		return nil
	})
	if err == nil {
		st.Tiers, err = s.tiers(ctx, st.Records)
	}
	if err != nil && st.Records == 0 {
		return nil, err
	}
	st.Complete = err == nil
	return st, err
}

func (s *stats) add(r *session.Record, now time.Time) {
	s.Records++
	switch {
	case r.MovedTo != "":
		s.Marks++
		return
	case !live(r, now):
		s.Expired++
		return
	}
	s.Live++
	s.Bytes += int64(len(r.Payload))
	s.Largest = max(s.Largest, len(r.Payload))
	if r.Principal == "" {
		s.Anonymous++
	} else {
		s.SignedIn++
		s.users[r.Principal] = struct{}{}
		s.Users = len(s.users)
	}
	into(s.ByAge, int64(now.Sub(r.Created)/time.Second))
	into(s.BySize, int64(len(r.Payload)))
}

func into(buckets []bucket, n int64) {
	for i := range buckets {
		if n <= buckets[i].UpTo || buckets[i].UpTo == 0 {
			buckets[i].Live++
			return
		}
	}
}

func (s *stats) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "engine\t%s\n", s.Engine)
	for _, t := range s.Tiers {
		fmt.Fprintf(table, "%s\t%s, %s\n", t.Tier, t.Kind, count(t.Records, "record"))
	}
	fmt.Fprintf(table, "live\t%d\t%d signed in (%s), %d anonymous\n", s.Live, s.SignedIn, count(s.Users, "user"), s.Anonymous)
	fmt.Fprintf(table, "expired\t%d\tclearsessions deletes them\n", s.Expired)
	fmt.Fprintf(table, "marks\t%d\tof logins and renewals, for a minute\n", s.Marks)
	fmt.Fprintf(table, "values\t%s\tthe largest session %s\n", size(s.Bytes), size(int64(s.Largest)))
	if !s.Complete {
		fmt.Fprintln(table, "not complete\t\tonly what was read until it failed is counted")
	}
	_ = table.Flush()
	buckets := func(title string, of []bucket, name func(int64) string) {
		fmt.Fprintf(table, "\n%s\tLIVE\n", title)
		for _, b := range of {
			label := "more"
			if b.UpTo > 0 {
				label = "up to " + name(b.UpTo)
			}
			fmt.Fprintf(table, "%s\t%d\n", label, b.Live)
		}
		_ = table.Flush()
	}
	buckets("AGE", s.ByAge, func(n int64) string { return age(time.Duration(n) * time.Second) })
	buckets("SIZE", s.BySize, size)
}

func age(d time.Duration) string {
	if d < 24*time.Hour {
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n < 1<<10:
		return count(int(n), "byte")
	case n < 1<<20:
		return fmt.Sprintf("%.3g KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.3g MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.3g GiB", float64(n)/(1<<30))
	}
}

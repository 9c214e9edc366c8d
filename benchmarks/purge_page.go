package benchmarks

import (
	"fmt"
	"strings"
	"time"
)

// Markdown is the page of purges.
func (f *Purges) Markdown() string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# Purges\n")
	p("Written by `make purge` on %s: %s expired sessions of three keys are deleted beside traffic. %d clients ask each %v, whether or not others wait,", f.Date, whole(float64(f.Rows)), purgeClients, purgePace)
	p("for %s live sessions of 1 KB in the same table, through the engine; one request in %d changes its session, the others read. What a request waits", whole(purgeClients*purgeSessions), purgeChanges)
	p("counts from the time at which it was due. Each way begins with a table that was filled anew.\n")
	machineTable(p, f.Machine)
	for _, on := range f.All {
		on.markdown(p)
	}
	p("## How to read it\n")
	p("- One run on one machine, which clients and database share: compare the rows of one table, and only what differs by a multiple.")
	p("- `Manager.Purge` is slower by its pauses, which are three times as long as its work (`PurgeShare`). Nobody waits for a purge; without pauses it")
	p("  shows what they are for.")
	p("- The one `DELETE` is what Django's `clearsessions` sends, on the same table. Its rows stay locked, and what it deleted stays in the way of others, until it")
	p("  ends; if it is cut off, all of it was for nothing. A replica gets it as a whole: one that applies it has the same pause before it. No table shows that.")
	p("- Bytes of the log are those of the run less what the traffic alone would have written in its time, for each row. Where changes of the same page come further apart,")
	p("  PostgreSQL writes more whole pages after a checkpoint. MariaDB logs rows here (`binlog_format=ROW`, the default of MySQL): whole rows, payload included, whoever")
	p("  deletes them. With `MIXED`, MariaDB's default, `Manager.Purge` logs keys, about 47 bytes a row, and the one `DELETE` logs its text.")
	return b.String()
}

func (on *PurgesOn) markdown(p printer) {
	p("## %s\n", on.Database)
	p("| | rows/s | time | transactions | longest | %s, bytes/row | median wait | p99 | worst | failed |", on.Log)
	p("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	alone := on.Runs[0]
	each := alone.Logged / float64(max(alone.Traffic.Requests, 1))
	for _, r := range on.Runs {
		t := r.Traffic
		rate, steps, length, bytes := "-", "-", "-", "-"
		if r.Rows > 0 {
			rate = whole(float64(r.Rows) / r.Took.Seconds())
			steps = whole(float64(r.Steps))
			length = millis(float64(r.Longest))
			bytes = whole((r.Logged - each*float64(t.Requests)) / float64(r.Rows))
		}
		p("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %d of %s |", r.How, rate, r.Took.Round(100*time.Millisecond), steps, length, bytes,
			millis(float64(percentile(t.Waits, 0.5))), millis(float64(percentile(t.Waits, 0.99))), millis(float64(percentile(t.Waits, 1))), t.Failed, whole(float64(t.Requests)))
	}
	p("")
}

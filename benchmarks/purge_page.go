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
	for line := range strings.Lines(purgeReading) {
		p("%s", strings.TrimSuffix(line, "\n"))
	}
	return b.String()
}

const purgeReading = `- One run on one machine, which clients and database share: compare the rows of one table, and only what differs by a multiple.
- A batch costs more for each row than one large statement does: it finds rows by expiry and deletes them by key, all over the table.
  Manager.Purge is slower again by its pauses, three times as long as its work (PurgeShare): nobody waits for a purge.
- The one DELETE is what Django's clearsessions sends, on the same table. On MariaDB it locks each row that it looks at until it ends, those of
  live sessions too: a change waits for as long as it has still to go, and fails where that is beyond gormstore's time limit of 5 seconds. On
  PostgreSQL it locks no live row: the traffic shares the machine with it, and no more.
- What is not measured: a replica gets the one DELETE as a whole, and shows nothing newer while it applies it; cut off, by a time limit or a restart,
  all of it was for nothing; and until it ends, nothing of what it deleted can be used again.
- Bytes of the log are those of the run less what the traffic alone would have written, by the row. MariaDB logs rows here (binlog_format=ROW, the
  default of MySQL): whole ones with their payload, whoever deletes them. With MIXED, the default of MariaDB, the one DELETE logs its text, and
  Manager.Purge its statements, which name each key: 43 characters.
`

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

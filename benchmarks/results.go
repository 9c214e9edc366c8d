package benchmarks

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Markdown is the page of results.
func (f *Figures) Markdown() string {
	var b strings.Builder
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# Results\n")
	p("Written by `make bench` on %s: %d rounds of %v over HTTP and %v in process for each contestant and work, after one to warm up.",
		f.Date, f.Plan.Rounds, f.Plan.Round, f.Plan.Round/2)
	p("Numbers are medians over the rounds. A ratio is taken within each round, then the median of those: trust ratios, allocations and")
	p("round trips, which depend less on the machine than times do. [README.md](README.md) says how each is measured.\n")
	machineTable(p, f.Machine)
	f.budgets(p)
	p("## Over HTTP\n")
	p("%d keep-alive connections, each of which asks again as soon as it is answered; the server is a process of its own, on the same machine", f.Plan.Connections)
	p("as the clients. \"hand-written\" is the one on the same kind of server, and the one on Redis where there is none.\n")
	p("![Requests per second of reads](charts/read.svg)\n")
	p("![Requests per second of changes](charts/change.svg)\n")
	for _, w := range Works() {
		f.loads(p, w)
	}
	f.alone(p)
	p("## In process\n")
	p("One goroutine calls the handler; waiting for the server is part of the time. \"extra\" is over no sessions.\n")
	p("![Time of a read in process](charts/read-in-process.svg)\n")
	for _, w := range Works() {
		f.calls(p, w)
	}
	f.requests(p)
	f.survivors(p)
	return b.String()
}

// A printer writes a line.
type printer func(format string, a ...any)

func machineTable(p printer, machine []Setting) {
	p("| machine | |")
	p("|---|---|")
	for _, s := range machine {
		p("| %s | %s |", s.Name, s.Value)
	}
	p("")
}

func (f *Figures) budgets(p printer) {
	p("## Budgets\n")
	p("What Seshat wants to reach, and whether it did in this run.\n")
	p("| budget | want | measured | met |")
	p("|---|---|---|---|")
	for _, b := range f.Budgets() {
		met := "yes"
		if !b.Met {
			met = "**no**"
		}
		p("| %s | %s | %s | %s |", b.What, b.Want, b.Measured, met)
	}
	p("")
}

func (f *Figures) loads(p printer, w Work) {
	p("### %s\n", w.Title)
	p("| contestant | requests/s | p50 | p99 | of no sessions | of hand-written |")
	p("|---|---:|---:|---:|---:|---:|")
	for _, c := range Contestants() {
		rounds := f.Loads[w.Name][c.Name]
		if len(rounds) == 0 {
			p("| %s | - | | | | |", label(c, w))
			continue
		}
		p("| %s | %s | %s | %s | %s | %s |", label(c, w), whole(Median(f.rates(w.Name, c.Name))),
			millis(Median(pick(rounds, func(l Load) float64 { return float64(l.P50) }))),
			millis(Median(pick(rounds, func(l Load) float64 { return float64(l.P99) }))),
			ratio(f.rateOver(w.Name, c.Name, NoSessions)), ratio(f.rateOver(w.Name, c.Name, c.Kind.HandWritten())))
	}
	footnote(p, w)
}

func (f *Figures) alone(p printer) {
	p("### One connection: %s\n", readWork().Title)
	p("| contestant | requests/s | p50 | p99 | p50 of hand-written |")
	p("|---|---:|---:|---:|---:|")
	for _, name := range alone {
		rounds := f.Alone["read"][name]
		p("| %s | %s | %s | %s | %s |", name, whole(Median(pick(rounds, func(l Load) float64 { return l.Rate }))),
			millis(Median(pick(rounds, func(l Load) float64 { return float64(l.P50) }))),
			millis(Median(pick(rounds, func(l Load) float64 { return float64(l.P99) }))), ratio(f.aloneOver(name, HandRedis)))
	}
	p("")
}

func (f *Figures) calls(p printer, w Work) {
	p("### %s\n", w.Title)
	p("| contestant | time | extra | allocations | KB allocated | time of hand-written |")
	p("|---|---:|---:|---:|---:|---:|")
	for _, c := range Contestants() {
		if len(f.Calls[w.Name][c.Name]) == 0 {
			p("| %s | - | | | | |", label(c, w))
			continue
		}
		p("| %s | %s | %s | %s | %s | %s |", label(c, w), us(Median(f.times(w.Name, c.Name))),
			us(Median(f.extraTime(w.Name, c.Name))), whole(Median(f.allocs(w.Name, c.Name))),
			fmt.Sprintf("%.1f", Median(f.bytes(w.Name, c.Name))/1024),
			ratio(PairedRatio(f.times(w.Name, c.Name), f.times(w.Name, c.Kind.HandWritten()))))
	}
	footnote(p, w)
}

func (f *Figures) requests(p printer) {
	p("## Round trips\n")
	p("What one request sends to the servers, counted on the wire, with warm connections and caches and nothing beside it:")
	p("Redis commands + SQL statements, and in brackets the round trips, where they are fewer or more.\n")
	head, line := "| contestant |", "|---|"
	for _, w := range Works() {
		head, line = head+" "+w.Name+" |", line+"---:|"
	}
	p("%s\n%s", head, line)
	for _, c := range Contestants() {
		if !c.NeedsServers() {
			continue
		}
		row := "| " + plain(c) + " |"
		for _, w := range Works() {
			row += " " + requestCell(f.request(c.Name, w.Name)) + " |"
		}
		p("%s", row)
	}
	p("")
}

func requestCell(r PerRequest) string {
	if math.IsNaN(r.Trips) {
		return "-"
	}
	cell := number(r.Commands) + " + " + number(r.Statements)
	if r.Trips != r.Commands+r.Statements {
		cell += " (" + number(r.Trips) + ")"
	}
	return cell
}

func (f *Figures) survivors(p printer) {
	p("## Lost updates\n")
	p("%d requests of one session at once, each of which sets another key; all have loaded the session before the first saves it. How many keys are", marks)
	p("there afterwards, and how many of the requests were told so by an error: medians of %d tries.\n", f.Plan.Tries)
	p("![Keys that survive](charts/survivors.svg)\n")
	p("| contestant | keys kept | answered with an error | lost without a word |")
	p("|---|---:|---:|---:|")
	for _, c := range Contestants() {
		tries := f.Survived[c.Name]
		if len(tries) == 0 {
			continue
		}
		kept := Median(pick(tries, func(s Survival) float64 { return float64(s.Kept) }))
		refused := Median(pick(tries, func(s Survival) float64 { return float64(s.Refused) }))
		p("| %s | %s | %s | %s |", plain(c), number(kept), number(refused), number(max(0, marks-kept-refused)))
	}
}

// label names a contestant in the table of a work; a star leads to footnote.
func label(c Contestant, w Work) string {
	text := plain(c)
	if w.Once && c.Login == KeepsOld && c.Kind != Nowhere {
		text += " \\*"
	}
	return text
}

func plain(c Contestant) string {
	if c.Ours {
		return "**" + c.Name + "**"
	}
	return c.Name
}

func footnote(p printer, w Work) {
	p("")
	if w.Once && slices.ContainsFunc(Contestants(), func(c Contestant) bool { return c.Login == KeepsOld }) {
		p("\\* The library has no renewal of the token: it only sets a key, and the token from before the login stays valid.\n")
	}
}

func whole(n float64) string {
	if math.IsNaN(n) {
		return "-"
	}
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// number is without decimals where there are none.
func number(n float64) string {
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.2f", n), "00"), ".")
}

func ratio(n float64) string { return measured(n, "%.2f") }

// us is a time in microseconds, from nanoseconds.
func us(ns float64) string {
	switch n := ns / float64(time.Microsecond); {
	case math.IsNaN(n):
		return "-"
	case n < 10:
		return fmt.Sprintf("%.2f us", n)
	case n < 100:
		return fmt.Sprintf("%.1f us", n)
	default:
		return whole(n) + " us"
	}
}

// millis is a time in milliseconds, from nanoseconds.
func millis(ns float64) string { return fmt.Sprintf("%.2f ms", ns/float64(time.Millisecond)) }

// plainNumber has about three digits that count.
func plainNumber(v float64) string {
	switch {
	case v >= 100:
		return whole(v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

package benchmarks

import (
	"fmt"
	"math"
)

// A Budget is what Seshat wants to reach, and what a run says of it.
type Budget struct {
	What, Want, Measured string
	Met                  bool
}

// atMost and atLeast judge a number; one that was not measured meets nothing.
func atMost(what string, got, want float64, format string) Budget {
	return Budget{what, "at most " + fmt.Sprintf(format, want), plainly(got, got <= want, want, format), got <= want}
}

func atLeast(what string, got, want float64, format string) Budget {
	return Budget{what, "at least " + fmt.Sprintf(format, want), plainly(got, got >= want, want, format), got >= want}
}

// plainly is the number with as many digits as show that it missed what was wanted.
func plainly(got float64, met bool, want float64, format string) string {
	if text := measured(got, format); met || text != fmt.Sprintf(format, want) {
		return text
	}
	return fmt.Sprintf("%.4g", got)
}

func measured(n float64, format string) string {
	if math.IsNaN(n) {
		return "not measured"
	}
	return fmt.Sprintf(format, n)
}

const (
	times  = "%.2fx"
	factor = "%.3fx"
	count  = "%.0f"
	trips  = "%.1f"
	micros = "%.2f us"
)

// Budgets judges the run. Ratios are medians of the ratios within a round.
func (f *Figures) Budgets() []Budget {
	var all []Budget
	add := func(b ...Budget) { all = append(all, b...) }
	for _, name := range []string{SeshatRedis, SeshatMemory} {
		add(
			atMost(name+": untouched, allocations over no sessions", f.extraAllocs("untouched", name), 2, count),
			atMost(name+": untouched, time over no sessions", Median(f.extraTime("untouched", name))/1e3, 0.5, micros),
			atLeast(name+": untouched, requests/s of no sessions", f.rateOver("untouched", name, NoSessions), 0.97, times),
		)
	}
	extra := func(work string) float64 {
		return PairedRatio(f.extraTime(work, SeshatMemory), f.extraTime(work, SCSMemory))
	}
	add(
		atMost(SeshatMemory+": read, time over no sessions, of that of "+SCSMemory, extra("read"), 1.0/20, factor),
		atMost(SeshatMemory+": read, allocations over no sessions", f.extraAllocs("read", SeshatMemory), 12, count),
		atMost(SeshatMemory+": change, time over no sessions, of that of "+SCSMemory, extra("change"), 1.0/10, factor),
		atMost(SeshatMemory+": change, allocations over no sessions", f.extraAllocs("change", SeshatMemory), 25, count),

		atLeast(SeshatRedis+": read, requests/s of hand-written", f.rateOver("read", SeshatRedis, HandRedis), 1.4, times),
		atLeast(SeshatRedis+": read, requests/s of "+SCSRedis, f.rateOver("read", SeshatRedis, SCSRedis), 2.4, times),
		atMost(SeshatRedis+": read, one connection, time of hand-written", f.aloneOver(SeshatRedis, HandRedis), 1.1, times),
		atLeast(SeshatRedis+": change, requests/s of hand-written", f.rateOver("change", SeshatRedis, HandRedis), 1.2, times),

		atLeast(SeshatCached+": read, warm, requests/s of redisstore alone", f.rateOver("read", SeshatCached, SeshatRedis), 0.97, times),
		atMost(SeshatCached+": read, warm, SQL statements", f.request(SeshatCached, "read").Statements, 0, trips),

		atLeast(SeshatPostgres+": read, requests/s of hand-written", f.rateOver("read", SeshatPostgres, HandPostgres), 0.95, times),
		atLeast(SeshatPostgres+": read, requests/s of "+SCSGorm, f.rateOver("read", SeshatPostgres, SCSGorm), 1.8, times),
		atLeast(SeshatPostgres+": change, requests/s of hand-written", f.rateOver("change", SeshatPostgres, HandPostgres), 0.95, times),
		atLeast(SeshatPostgres+": change, requests/s of "+SCSGorm, f.rateOver("change", SeshatPostgres, SCSGorm), 2, times),
	)
	for _, pair := range [][2]string{{SeshatRedis, HandRedis}, {SeshatPostgres, HandPostgres}} {
		for _, work := range []string{"first visit", "login"} {
			add(atMost(fmt.Sprintf("%s: %s, round trips (those of hand-written)", pair[0], work),
				f.request(pair[0], work).Trips, f.request(pair[1], work).Trips, trips))
		}
	}
	add(
		atMost(SeshatNear+": read, warm, round trips", f.request(SeshatNear, "read").Trips, 0, trips),
		atLeast(SeshatNear+": read, warm, requests/s of no sessions", f.rateOver("read", SeshatNear, NoSessions), 0.8, times),
	)
	return all
}

// request is what was counted of a contestant's work; NaN if nothing was.
func (f *Figures) request(contestant, work string) PerRequest {
	if r, counted := f.Requests[contestant][work]; counted {
		return r
	}
	return PerRequest{math.NaN(), math.NaN(), math.NaN()}
}

// aloneOver is the ratio of the median times of an answer on one connection.
func (f *Figures) aloneOver(contestant, other string) float64 {
	p50 := func(l Load) float64 { return float64(l.P50) }
	return PairedRatio(pick(f.Alone["read"][contestant], p50), pick(f.Alone["read"][other], p50))
}

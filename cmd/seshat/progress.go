package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A progress shows on standard error how far a long command is: a bar that moves
// on a terminal, elsewhere a line every few seconds. The end is shown by the
// command's result. It serves one goroutine.
type progress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar // nil: lines
	off  bool

	n, total    int64
	began, last time.Time
}

// lineEvery is the time between two lines.
const lineEvery = 5 * time.Second

// progress begins one. what says what is counted ("sessions ended"); a total of
// 0 or less is not known.
func (t *tool) progress(what string, total int64) *progress {
	p := &progress{w: t.stderr, what: what, off: t.quiet, total: total, began: time.Now()}
	p.last = p.began
	if t.terminal && !t.quiet {
		most := total
		if most <= 0 {
			most = -1
		}
		p.bar = progressbar.NewOptions64(most, progressbar.OptionSetWriter(t.stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	return p
}

// to says that n are done.
func (p *progress) to(n int64) {
	p.n = n
	switch now := time.Now(); {
	case p.off:
	case p.bar != nil:
		_ = p.bar.Set64(n)
	case now.Sub(p.last) >= lineEvery:
		p.last = now
		p.line(now)
	}
}

func (p *progress) add(n int64) { p.to(p.n + n) }

// end takes the bar away, or writes a last line if there were others.
func (p *progress) end() {
	switch {
	case p.off:
	case p.bar != nil:
		_ = p.bar.Clear()
		_ = p.bar.Exit()
	case p.last != p.began:
		p.line(time.Now())
	}
}

func (p *progress) line(now time.Time) {
	of := ""
	if p.total > 0 {
		of = fmt.Sprintf(" of %d", p.total)
	}
	fmt.Fprintf(p.w, "%s: %d%s, %.0f/s\n", p.what, p.n, of, float64(p.n)/now.Sub(p.began).Seconds())
}
